"""What a payload changes, field by field. PURE."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

MISSING: Final = object()
"""No value at all, which is not the same as null."""
SHORT_LIST: Final = 12


class Change(StrEnum):
    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"
    SAME = "same"


_ORDER: Final = {Change.CHANGED: 0, Change.REMOVED: 1, Change.ADDED: 2, Change.SAME: 3}


@dataclass(frozen=True, slots=True)
class Row:
    """One field: its dotted path and its values; a value that is not there is MISSING."""

    path: str
    change: Change
    old: Any
    new: Any

    @property
    def difference(self) -> float | int | None:
        """How much a number grew; None where it did not change or is no number."""
        if self.change is not Change.CHANGED or not (_is_number(self.old) and _is_number(self.new)):
            return None
        found: float | int = self.new - self.old
        return found if isinstance(found, int) else round(found, 10)

    @property
    def percent(self) -> float | None:
        """How much a number grew, in per cent of what it was; None where that means nothing."""
        return None if self.difference is None or not self.old else 100 * self.difference / abs(self.old)


def compare(old: Any, new: Any) -> list[Row]:
    """Return every field of `old` and `new`, what differs first, otherwise in the order they were written."""
    before, after = dict(flatten(old)), dict(flatten(new))
    rows = [_row(path, before.get(path, MISSING), value) for path, value in after.items()]
    rows += [Row(path, Change.REMOVED, value, MISSING) for path, value in before.items() if path not in after]
    return sorted(rows, key=lambda row: _ORDER[row.change])


def changes(old: Any, new: Any) -> list[Row]:
    """Return only the fields that differ."""
    return [row for row in compare(old, new) if row.change is not Change.SAME]


def describes_same_fields(old: Any, new: Any) -> bool:
    """Whether both name any field in common. If not, one is no older version of the other.

    An agent may describe the world before in other words than what it asks for:
    `{"search": 20000}` before, `{"from": "search", "amount": 4000}` asked.
    """
    return bool(dict(flatten(old)).keys() & dict(flatten(new)).keys())


def flatten(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield `(dotted path, leaf)` of every leaf; short lists of plain values are leaves, and so is what is empty.

    An empty document has none.
    """
    if isinstance(value, dict) and value:
        for key, part in value.items():
            yield from flatten(part, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value and not is_plain_list(value):
        for number, part in enumerate(value, start=1):
            yield from flatten(part, f"{path}[{number}]")
    elif path or not isinstance(value, dict | list):
        yield path, value


def _row(path: str, old: Any, new: Any) -> Row:
    if old is MISSING:
        return Row(path, Change.ADDED, old, new)
    # True equals 1 in Python, but not here.
    is_same = old == new and isinstance(old, bool) is isinstance(new, bool)
    return Row(path, Change.SAME if is_same else Change.CHANGED, old, new)


def is_plain_list(value: Sequence[Any]) -> bool:
    """Whether a list is short and holds plain values only, so that it is shown in one line."""
    return len(value) <= SHORT_LIST and not any(isinstance(part, dict | list) for part in value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
