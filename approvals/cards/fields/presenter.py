"""The field table: every field of a payload, what differs first. It stands below every other card too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from approvals.cards import reading, wording
from approvals.cards.asked import MAX_CHARACTERS, NO_SPANS, CardSubject
from approvals.presentation import words
from approvals.presentation.marks import Part, Spans, ends, written
from policies import differences
from policies.differences import FieldChange, FieldRow
from policies.engine import references

LABEL: Final = gettext_lazy("Field table")

MAX_ROWS: Final = 200
MAX_WORDED: Final = 12
"""Of so many long texts the changed words are marked; of the rest both versions are shown."""
LONG: Final = 90


@dataclass(frozen=True, slots=True)
class Field:
    """One line of the field table, as text; `note` says how much a number grew."""

    path: str
    change: str
    old: str
    new: str
    note: str
    is_long: bool
    parts: Sequence[Part] = ()
    """The new value, with what was found in it marked."""
    words: Sequence[Part] = ()
    """The same with the words that changed, where the value is long and was long before."""

    @property
    def brief(self) -> str:
        """The new value on one short line."""
        return reading.short(self.new, 120)


@dataclass(frozen=True, slots=True)
class FieldTable:
    """What differs, what does not, and how many lines were left out of each."""

    differing: Sequence[Field]
    same: Sequence[Field]
    left_out: int
    has_before: bool
    now: Sequence[Field] = ()
    """The state before, where it is described in other fields than the payload."""


def present(subject: CardSubject) -> FieldTable:
    """Return the table of what is asked."""
    return field_table(subject.before, subject.payload, subject.spans)


def effect(subject: CardSubject, *, when: str) -> str | None:
    """Say nothing: the names of fields make no sentence."""
    return None


def field_table(before: Any, payload: Any, spans: Spans = NO_SPANS) -> FieldTable:
    """Return the table for a payload, with `spans` of it marked; a million bytes of it stay readable."""
    new = differences.leaves(payload)
    if before is None:
        return _table({}, new, has_before=False, spans=spans)
    old = differences.leaves(before)
    if differences.describes_same_fields(old, new):
        return _table(old, new, has_before=True, spans=spans)
    now = [_field(FieldRow(path, FieldChange.SAME, leaf, leaf)) for path, leaf in islice(old.items(), MAX_ROWS)]
    return replace(_table({}, new, has_before=False, spans=spans), now=now)


def changed_fields(old: Any, new: Any) -> FieldTable:
    """Return only what one revision changed in the one before it."""
    before, after = differences.leaves(references.compared(old)), differences.leaves(references.compared(new))
    same = differences.by_change(before, after)[FieldChange.SAME]
    for path in same:
        del before[path], after[path]
    return _table(before, after, has_before=True)


def _table(
    before: Mapping[str, Any], after: Mapping[str, Any], *, has_before: bool, spans: Spans = NO_SPANS
) -> FieldTable:
    rows_by_change = differences.by_change(before, after)
    same = rows_by_change.pop(FieldChange.SAME)
    differing = [(path, change) for change, paths in rows_by_change.items() for path in paths]
    rows = [differences.row(path, change, before, after) for path, change in differing[:MAX_ROWS]]
    worded = [row.path for row in rows if _has_words(row)][:MAX_WORDED] if has_before else []
    return FieldTable(
        [_field(row, spans, is_worded=row.path in worded) for row in rows],
        [_field(differences.row(path, FieldChange.SAME, before, after), spans) for path in same[:MAX_ROWS]],
        max(len(differing) - MAX_ROWS, 0) + max(len(same) - MAX_ROWS, 0),
        has_before,
    )


def _has_words(row: FieldRow) -> bool:
    return isinstance(row.old, str) and isinstance(row.new, str) and max(len(row.old), len(row.new)) > LONG


def _field(row: FieldRow, spans: Spans = NO_SPANS, *, is_worded: bool = False) -> Field:
    old, new = words.value(row.old), words.value(row.new)
    note = ""
    if row.difference is not None:
        share = f" ({words.percent(row.percent)})" if row.percent is not None else ""
        note = words.signed(row.difference) + share
    is_long = max(len(old), len(new)) > LONG or "\n" in old + new
    marked = list(spans.get(row.path, ()))
    is_short = max(len(old), len(new)) <= MAX_CHARACTERS
    changed = wording.changed(old, new, marked) if is_worded and is_short else None
    path = written(row.path) or _("(the whole payload)")
    shown = ends(new, marked, most=MAX_CHARACTERS)
    return Field(path, row.change.value, cut(old), cut(new), note, is_long, shown, changed or ())


def cut(text: str) -> str:
    """Write a text with what is hidden in it written out; of a very long one both ends."""
    return "".join(part.text for part in ends(text, most=MAX_CHARACTERS))
