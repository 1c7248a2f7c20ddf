"""A segment: who belongs to it in words, how many they are, where it goes, and who else works on it."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from approvals.cards import figures, reading
from approvals.cards.asked import CardSubject, Other
from approvals.presentation import words
from approvals.presentation.marks import Part

LABEL: Final = gettext_lazy("Segment: definition in words, size and destinations")

MAX_CLAUSES: Final = 40
MAX_SAMPLE: Final = 10
MAX_DEPTH: Final = 4
REFUSAL: Final = re.compile(
    r"\b(do ?not|don ?t|no)( be)? (contact|call|e? ?mail|text|sms|track)|\bopt(ed|s)? ?outs?\b|unsubscri|suppress",
    re.IGNORECASE,
)
"""Names of segments whose people asked not to be contacted."""
SEPARATORS: Final = re.compile(r"[\W_]+")
OPERATORS: Final = {
    "is": gettext_lazy("is"),
    "is_not": gettext_lazy("is not"),
    "at_least": gettext_lazy("is at least"),
    "at_most": gettext_lazy("is at most"),
    "contains": gettext_lazy("contains"),
    "contains_not": gettext_lazy("does not contain"),
    "within_days": gettext_lazy("was at most this many days ago:"),
    "=": gettext_lazy("is"),
    "==": gettext_lazy("is"),
    "!=": gettext_lazy("is not"),
    ">": gettext_lazy("is more than"),
    ">=": gettext_lazy("is at least"),
    "<": gettext_lazy("is less than"),
    "<=": gettext_lazy("is at most"),
    "in": gettext_lazy("is one of"),
    "not_in": gettext_lazy("is none of"),
}


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition: the field, what is asked of it, the value. `change` is "added", "removed" or empty."""

    field: str
    operator: str
    value: Sequence[Part]
    change: str = ""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the segment is sent to; `change` is "added", "removed" or empty."""

    name: str
    change: str


@dataclass(frozen=True, slots=True)
class Overlap:
    """What the agent says two segments have in common."""

    segment: str
    size: str
    is_refusal: bool = False
    """Its people asked not to be contacted, as far as its name says."""


@dataclass(frozen=True, slots=True)
class Segment:
    name: Sequence[Part]
    joiner: str
    clauses: Sequence[Clause]
    left_out: int
    size: str
    old_size: str
    difference: str
    share: str
    places: Sequence[Destination]
    sample: Sequence[Sequence[Part]]
    sample_left_out: int
    overlaps: Sequence[Overlap]
    others: Sequence[Other]


def present(subject: CardSubject) -> Segment | None:
    """Return the segment; None where the payload has no conditions."""
    payload, before = reading.mapping(subject.payload), reading.mapping(subject.before)
    clauses = _clauses(subject)
    if not clauses:
        return None
    size, old_size = _size(payload), _size(before)
    difference = figures.grown(old_size, size)
    sample = reading.rows(payload.get("sample"))
    return Segment(
        name=subject.line("segment", _name(payload)),
        joiner=_("or") if _is_any(payload) else _("and"),
        clauses=clauses[:MAX_CLAUSES],
        left_out=max(len(clauses) - MAX_CLAUSES, 0),
        size="" if size is None else words.number(size),
        old_size="" if old_size is None else words.number(old_size),
        difference=words.signed(difference) if difference else "",
        share=figures.share(difference, old_size) if difference else "",
        places=_places(payload, before),
        sample=[subject.marked(f"sample[{number}]", _member(row)) for number, row in enumerate(sample[:MAX_SAMPLE], 1)],
        sample_left_out=max(len(sample) - MAX_SAMPLE, 0),
        overlaps=_overlaps(payload),
        others=subject.others(),
    )


def effect(subject: CardSubject, *, when: str) -> str | None:
    """Say which segment is saved, how many people it has and where they are sent."""
    payload = reading.mapping(subject.payload)
    size = _size(payload)
    if not _rows(payload) or size is None:
        return None
    names = [place.name for place in _places(payload, {})]
    facts = {
        "name": reading.short(_name(payload)) or _("without a name"),
        "size": words.number(size),
        "places": _listed(names[:5]),
        "when": when,
    }
    if names:
        return (
            _("If approved, the segment “%(name)s” (%(size)s people) is saved and sent to %(places)s %(when)s.") % facts
        )
    return _("If approved, the segment “%(name)s” (%(size)s people) is saved %(when)s.") % facts


def _listed(names: Sequence[str]) -> str:
    """Write places as one says them: “the email system and partner”; a name with a capital takes no article."""
    text = words.joined(names)
    return _("the %s") % text if text[:1].islower() else text


def _name(document: Mapping[str, Any]) -> str:
    return reading.text(reading.first(document, "segment", "name"))


def _size(document: Mapping[str, Any]) -> int | None:
    return reading.count(reading.first(document, "estimated_size", "size"))


def _is_any(document: Mapping[str, Any]) -> bool:
    return document.get("match") == "any"


def _rows(document: Mapping[str, Any]) -> Sequence[Any]:
    return reading.rows(reading.first(document, "conditions", "definition"))


def _clauses(subject: CardSubject) -> list[Clause]:
    """Return the conditions as they will be, and after them those that are gone."""
    old, new = (_rows(reading.mapping(document)) for document in (subject.before, subject.payload))
    known, kept = ({_identity(row) for row in rows} for rows in (old, new))
    clauses = []
    for number, row in enumerate(new, start=1):
        change = "added" if old and _identity(row) not in known else ""
        clauses.append(_clause(row, subject, f"conditions[{number}].value", change))
    # What is gone stands in no payload, so nothing of it can be marked.
    clauses += [_clause(row, CardSubject(None), "", "removed") for row in old if new and _identity(row) not in kept]
    return clauses


def _identity(row: Any) -> str:
    return json.dumps(row, sort_keys=True)


def _clause(row: Any, subject: CardSubject, path: str, change: str) -> Clause:
    condition = reading.mapping(row)
    if "field" not in condition:
        return Clause("", "", subject.marked(path, _in_words(row)), change)
    operator, value = reading.leaf(condition.get("operator", "")), condition.get("value")
    return Clause(
        field=reading.short(reading.leaf(condition["field"]).replace("_", " ")),
        operator=str(OPERATORS.get(operator, operator)),
        value=subject.line(path, "{…}" if isinstance(value, dict) else words.value(value)),
        change=change,
    )


def _in_words(row: Any, depth: int = 0) -> str:
    """Write a group of conditions in parentheses, and what is no condition as it stands."""
    group = reading.mapping(row)
    if "field" in group:
        operator = reading.leaf(group.get("operator", ""))
        parts = (reading.leaf(group["field"]), str(OPERATORS.get(operator, operator)), reading.leaf(group.get("value")))
        return " ".join(parts)
    joiner = "any" if isinstance(group.get("any"), list) else "all"
    rows = reading.rows(group.get(joiner))
    if not rows or depth >= MAX_DEPTH:
        return reading.leaf(row)
    between = _(" or ") if joiner == "any" else _(" and ")
    return "(" + between.join(_in_words(part, depth + 1) for part in rows[:MAX_CLAUSES]) + ")"


def _places(payload: Mapping[str, Any], before: Mapping[str, Any]) -> list[Destination]:
    new, old = ([reading.leaf(row) for row in reading.rows(one.get("sync_to"))] for one in (payload, before))
    has_before = isinstance(before.get("sync_to"), list)
    kept = [Destination(_place(name), "added" if has_before and name not in old else "") for name in new]
    return (kept + [Destination(_place(name), "removed") for name in old if name not in new])[:MAX_SAMPLE]


def _place(name: str) -> str:
    return name.replace("_", " ")


def _member(row: Any) -> str:
    """Write one person of the sample on a line."""
    if isinstance(row, dict):
        return ", ".join(f"{name.replace('_', ' ')}: {reading.leaf(value)}" for name, value in list(row.items())[:8])
    return reading.leaf(row)


def _overlaps(payload: Mapping[str, Any]) -> list[Overlap]:
    overlaps = []
    for row in reading.rows(payload.get("overlaps"))[:MAX_SAMPLE]:
        size = reading.count(reading.mapping(row).get("size"))
        name = _name(reading.mapping(row)) or reading.text(row)
        if name:
            is_refusal = size != 0 and REFUSAL.search(SEPARATORS.sub(" ", name)) is not None
            overlaps.append(Overlap(reading.short(name), "" if size is None else words.number(size), is_refusal))
    return overlaps
