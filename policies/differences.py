"""Differences between two payloads, field by field. PURE."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

MISSING: Final = object()
"""No value at all, which is not the same as null."""
SHORT_LIST: Final = 12


class FieldChange(StrEnum):
    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"
    SAME = "same"


_ORDER: Final = (FieldChange.CHANGED, FieldChange.REMOVED, FieldChange.ADDED, FieldChange.SAME)


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field: its dotted path and its values; a value that is not there is MISSING."""

    path: str
    change: FieldChange
    old: Any
    new: Any

    @property
    def difference(self) -> float | int | None:
        """How much a number grew; None where it did not change or is no number."""
        if self.change is not FieldChange.CHANGED or not (_is_number(self.old) and _is_number(self.new)):
            return None
        difference: float | int = self.new - self.old
        return difference if isinstance(difference, int) else round(difference, 10)

    @property
    def percent(self) -> float | None:
        """How much a number grew, in per cent of what it was; None where that means nothing."""
        return None if self.difference is None or not self.old else 100 * self.difference / abs(self.old)


def compare(old: Any, new: Any) -> list[FieldRow]:
    """Return every field of `old` and `new`, what differs first, otherwise in the order they were written."""
    before, after = leaves(old), leaves(new)
    return [row(path, change, before, after) for change, paths in by_change(before, after).items() for path in paths]


def by_change(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[FieldChange, list[str]]:
    """Return the paths of the leaves `before` and `after` by what becomes of them, what differs first."""
    by_kind: dict[FieldChange, list[str]] = {change: [] for change in _ORDER}
    for path, new in after.items():
        if path not in before:
            by_kind[FieldChange.ADDED].append(path)
        else:
            old = before[path]
            # True equals 1 in Python, but not here.
            is_same = old == new and isinstance(old, bool) is isinstance(new, bool)
            by_kind[FieldChange.SAME if is_same else FieldChange.CHANGED].append(path)
    by_kind[FieldChange.REMOVED] = [path for path in before if path not in after]
    return by_kind


def row(path: str, change: FieldChange, before: Mapping[str, Any], after: Mapping[str, Any]) -> FieldRow:
    """Return what becomes of one leaf."""
    return FieldRow(path, change, before.get(path, MISSING), after.get(path, MISSING))


def changes(old: Any, new: Any) -> list[FieldRow]:
    """Return only the fields that differ."""
    return [row for row in compare(old, new) if row.change is not FieldChange.SAME]


def describes_same_fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether two documents, as their leaves, name any field in common. If not, one is no older version of the other.

    An agent may describe the world before in other words than what it asks for:
    `{"search": 20000}` before, `{"from": "search", "amount": 4000}` asked.
    """
    return bool(before.keys() & after.keys())


def leaves(value: Any) -> dict[str, Any]:
    """Return the leaves by dotted path; short lists of plain values are leaves, and so is what is empty.

    An empty document has none.
    """
    leaves: dict[str, Any] = {}
    if value or not isinstance(value, dict | list):
        _collect(value, "", leaves)
    return leaves


def _collect(value: Any, path: str, leaves: dict[str, Any]) -> None:
    if isinstance(value, dict) and value:
        start = f"{path}." if path else ""
        for key, part in value.items():
            if isinstance(part, dict | list):
                _collect(part, start + key, leaves)
            else:
                leaves[start + key] = part
    elif isinstance(value, list) and value and not is_plain_list(value):
        for number, part in enumerate(value, start=1):
            _collect(part, f"{path}[{number}]", leaves)
    else:
        leaves[path] = value


def is_plain_list(value: Sequence[Any]) -> bool:
    """Whether a list is short and holds plain values only, so that it is shown in one line."""
    return len(value) <= SHORT_LIST and not any(isinstance(part, dict | list) for part in value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
