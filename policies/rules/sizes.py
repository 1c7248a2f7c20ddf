"""Measure the facts of one proposal while their numbers become what conditions compute with. PURE."""

from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

MAX_NESTING: Final = 100


class Sizes(NamedTuple):
    """How much one fact holds: values in all, the widest list or map, the longest text, all text."""

    values: int = 0
    widest: int = 0
    longest: int = 0
    text: int = 0


class TooLarge(ValueError):
    """A fact holds more than conditions read."""


def measured(value: Any, limit: int) -> tuple[Any, Sizes]:
    """Return JSON `value` with every number as a decimal number, and its sizes; a key counts as a value.

    Raises TooLarge beyond `limit` values or 100 levels, and TypeError for what is not JSON.
    """
    counter = _Counter(limit)
    [copied] = counter.copied([value], 0)
    return copied, Sizes(counter.values, counter.widest, counter.longest, counter.text)


class _Counter:
    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.values = -1
        self.widest = self.longest = self.text = 0

    def copied(self, items: Collection[Any], level: int) -> list[Any]:
        """Copy the values of one list or map. This runs for every value of every payload that rules read."""
        if level > MAX_NESTING:
            raise TooLarge(f"is nested more than {MAX_NESTING} deep")
        self._count(len(items), width=len(items) if level else 0)
        made = []
        for item in items:
            kind = type(item)
            if kind is str:
                self._read(len(item))
                made.append(item)
            elif kind is int:
                made.append(float(item))
            elif kind is float or item is None or kind is bool:
                made.append(item)
            elif isinstance(item, Mapping):
                self._count(len(item), width=len(item))
                for key in item:
                    self._read(len(key))
                made.append(dict(zip(item, self.copied(item.values(), level + 1), strict=True)))
            elif isinstance(item, list | tuple):
                made.append(self.copied(item, level + 1))
            else:
                raise TypeError(f"holds a {kind.__name__}, which is no JSON")
        return made

    def _read(self, length: int) -> None:
        self.text += length
        self.longest = max(self.longest, length)

    def _count(self, more: int, *, width: int) -> None:
        self.values += more
        self.widest = max(self.widest, width)
        if self.values > self.limit:
            raise TooLarge(f"holds more than {self.limit:,} values")
