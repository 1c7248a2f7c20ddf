"""Enrichment: how many fields are added, changed and emptied, and a few rows before and after, drawn by lot."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from approvals.cards import reading
from approvals.cards.asked import CardSubject
from approvals.presentation import words
from approvals.presentation.marks import Part

LABEL: Final = gettext_lazy("Enrichment: counts and a sample of rows")

SAMPLE: Final = 10
MAX_CELLS: Final = 20
MAX_FIELDS: Final = 15
SEVERAL: Final = ("rows", "leads", "records")
WHOSE: Final = ("lead", "id", "key", "record")
ADDED, CHANGED, EMPTIED, SAME = "added", "changed", "emptied", "same"


@dataclass(frozen=True, slots=True)
class Cell:
    """One field of one row, before and after."""

    field: str
    change: str
    old: str
    new: Sequence[Part]


@dataclass(frozen=True, slots=True)
class RecordRow:
    name: str
    cells: Sequence[Cell]
    left_out: int


@dataclass(frozen=True, slots=True)
class FieldCount:
    """How often one field is added, changed and emptied."""

    field: str
    added: int
    changed: int
    emptied: int


@dataclass(frozen=True, slots=True)
class Enrichment:
    total: int
    added: int
    changed: int
    emptied: int
    same: int
    has_before: bool
    fields: Sequence[FieldCount]
    fields_left_out: int
    sample: Sequence[RecordRow]
    source: Sequence[Part]


class _Written(NamedTuple):
    """What is written to one lead, what was there, and where it stands in the payload."""

    name: str
    path: str
    fields: Mapping[str, Any]
    before: Mapping[str, Any]


def present(subject: CardSubject) -> Enrichment | None:
    """Return the counts and the sample; None where the payload writes no fields. Linear in the rows."""
    written = list(_written(subject))
    if not written:
        return None
    counts: Counter[tuple[str, str]] = Counter()
    for row in written:
        counts.update((name, _kind(row, name)) for name in row.fields)
    kinds = _by_kind(counts)
    fields = _field_counts(counts)
    drawn = written
    if len(written) > SAMPLE:
        lot = random.Random(subject.lot)  # noqa: S311  # no secret comes of it, only a choice without preference
        drawn = [written[index] for index in sorted(lot.sample(range(len(written)), SAMPLE))]
    return Enrichment(
        total=len(written),
        added=kinds[ADDED],
        changed=kinds[CHANGED],
        emptied=kinds[EMPTIED],
        same=kinds[SAME],
        has_before=any(row.before for row in written),
        fields=fields[:MAX_FIELDS],
        fields_left_out=max(len(fields) - MAX_FIELDS, 0),
        sample=[_row(row, subject) for row in drawn],
        source=subject.named("source", reading.text(reading.mapping(subject.payload).get("source"))),
    )


def effect(subject: CardSubject, *, when: str) -> str | None:
    """Say how many fields of how many leads are written, and how many are emptied."""
    written = list(_written(subject))
    kinds: Counter[str] = Counter(_kind(row, name) for row in written for name in row.fields)
    filled = kinds[ADDED] + kinds[CHANGED]
    if not filled and not kinds[EMPTIED]:
        return None
    fields = ngettext("%s field", "%s fields", filled or kinds[EMPTIED])
    facts = {"whose": _whose_in_words(written), "when": when, "emptied": words.number(kinds[EMPTIED])}
    if not filled:
        return _("If approved, this empties %(fields)s of %(whose)s %(when)s.") % {
            **facts,
            "fields": fields % facts["emptied"],
        }
    facts["fields"] = fields % words.number(filled)
    if kinds[EMPTIED]:
        return _("If approved, this writes %(fields)s of %(whose)s and empties %(emptied)s %(when)s.") % facts
    return _("If approved, this writes %(fields)s of %(whose)s %(when)s.") % facts


def _whose_in_words(written: Sequence[_Written]) -> str:
    if len(written) > 1:
        return _("%s leads") % words.number(len(written))
    name = reading.short(written[0].name)
    return _("lead %s") % name if name else _("one lead")


def _written(subject: CardSubject) -> Iterator[_Written]:
    payload, before = reading.mapping(subject.payload), reading.mapping(subject.before)
    name = next((name for name in SEVERAL if isinstance(payload.get(name), list)), None)
    if name is None:
        fields = _fields(payload)
        if fields:
            yield _Written(_whose(payload), "fields.", fields, _fields(before) or before)
        return
    known = _known(before)
    for number, item in enumerate(payload[name], start=1):
        row = reading.mapping(item)
        fields, whose = _fields(row), _whose(row)
        if fields:
            was = reading.mapping(row.get("before")) or known.get(whose, {})
            yield _Written(whose, f"{name}[{number}].fields.", fields, was)


def _fields(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return reading.mapping(reading.first(row, "fields", "after"))


def _whose(row: Mapping[str, Any]) -> str:
    name = reading.first(row, *WHOSE)
    return name if isinstance(name, str) else words.value(name) if isinstance(name, int) else ""


def _known(before: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """Return what was known of each lead: of `{"rows": [{"lead": …, "fields": {…}}]}` or `{"4711": {…}}`."""
    rows = [reading.mapping(row) for row in reading.rows(reading.first(before, *SEVERAL))]
    if rows:
        return {_whose(row): _fields(row) for row in rows}
    return {name: reading.mapping(fields) for name, fields in before.items()}


def _kind(row: _Written, field: str) -> str:
    old, new = row.before.get(field), row.fields[field]
    if _is_empty(new):
        return SAME if _is_empty(old) else EMPTIED
    if _is_empty(old):
        return ADDED
    return SAME if old == new and isinstance(old, bool) is isinstance(new, bool) else CHANGED


def _is_empty(value: Any) -> bool:
    return value is None or (not value and isinstance(value, str | list | dict))


def _by_kind(counts: Counter[tuple[str, str]]) -> Counter[str]:
    kinds: Counter[str] = Counter()
    for (_name, kind), number in counts.items():
        kinds[kind] += number
    return kinds


def _field_counts(counts: Counter[tuple[str, str]]) -> list[FieldCount]:
    """Return the counts of each field that differs anywhere, the most frequent first."""
    names = dict.fromkeys(name for name, kind in counts if kind != SAME)
    rows = [
        FieldCount(reading.label(name), counts[name, ADDED], counts[name, CHANGED], counts[name, EMPTIED])
        for name in names
    ]
    return sorted(rows, key=lambda row: -(row.added + row.changed + row.emptied))


def _row(row: _Written, subject: CardSubject) -> RecordRow:
    cells = [
        Cell(
            reading.label(name),
            _kind(row, name),
            "" if _is_empty(row.before.get(name)) else reading.leaf(row.before[name]),
            [] if _is_empty(new) else subject.line(row.path + name, words.value(new)),
        )
        for name, new in list(row.fields.items())[:MAX_CELLS]
    ]
    return RecordRow(reading.short(row.name), cells, max(len(row.fields) - MAX_CELLS, 0))
