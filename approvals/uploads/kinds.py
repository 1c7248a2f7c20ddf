"""Kinds of rows: what is done to them, in a word or two, and how often. PURE."""

from collections.abc import Mapping
from typing import Any, Final

from policies.engine.references import LONGEST_KIND, MOST_KINDS, OTHER, ByReference

USUAL_KEYS: Final = ("id", "key", "lead", "record", "email", "sku")
_AFTER: Final = ("after", "fields")


class KindCount:
    """Counts rows by kind of change; the kinds beyond a number of them count as other."""

    def __init__(self, by: ByReference) -> None:
        self._by = by
        self._counts: dict[str, int] = {}

    def add(self, row: Mapping[str, Any]) -> None:
        """Count one row."""
        kind = _of(row, self._by)
        if kind not in self._counts and len(self._counts) >= MOST_KINDS:
            kind = OTHER
        self._counts[kind] = self._counts.get(kind, 0) + 1

    def counts(self) -> dict[str, int]:
        """Return the counts by kind, the most frequent first."""
        return dict(sorted(self._counts.items(), key=lambda item: (-item[1], item[0])))


def key_of(first: Mapping[str, Any], by: ByReference) -> str:
    """Return by which field people look for rows: as the surface says, else the first usual one that there is."""
    return by.key or next((name for name in USUAL_KEYS if name in first), "")


def _of(row: Mapping[str, Any], by: ByReference) -> str:
    if by.kind:
        kind = row.get(by.kind)
        return str(kind)[:LONGEST_KIND] if isinstance(kind, str | int | bool) and kind != "" else OTHER
    name = next((name for name in _AFTER if isinstance(row.get(name), dict)), None)
    after = row if name is None else row[name]
    before = row["before"] if isinstance(row.get("before"), dict) else {}
    left_out = {*USUAL_KEYS, by.key, "before"} if name is None else set()
    changed = sorted(field for field in after if field not in left_out and not _is_same(after, before, field))
    return ", ".join(changed)[:LONGEST_KIND] or OTHER


def _is_same(after: Mapping[str, Any], before: Mapping[str, Any], field: str) -> bool:
    return (
        field in before
        and before[field] == after[field]
        and isinstance(before[field], bool) is isinstance(after[field], bool)
    )
