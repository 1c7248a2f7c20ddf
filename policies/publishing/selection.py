"""Parts of a draft that can be published without the rest, and what each of them needs beside it. PURE.

A part is named `thing:id`, or `thing:id:field` where one field of a row can stand alone. Rules, limits and checks go
as whole rows, because their fields only make sense together; requirements and escalations by surface.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from policies.comparison import Change

Document = Mapping[str, Any]
Parts = dict[str, tuple[Any, Any]]
"""Each part with what it is before and after; None where it is not there."""

ORDER: Final = "tier::order"
"""The order of the tiers is one part: a rank says nothing without the others."""
_ROWS: Final = {"rules": "rule", "limits": "limit", "guardrails": "guardrail", "calendars": "calendar", "tests": "test"}
_BY_FIELD: Final = {"tiers": "tier", "surfaces": "surface"}
_LISTS: Final = {"requirements": "requirement", "escalations": "escalation"}
_TABLES: Final = {thing: table for table, thing in (_ROWS | _BY_FIELD | _LISTS).items()}
_TOGETHER: Final[Mapping[str, str]] = {
    **dict.fromkeys(("rank", "posture", "review"), "order"),
    **dict.fromkeys(("confidence_high", "confidence_low"), "confidence"),
    **dict.fromkeys(("payload_schema", "derived_tags", "amount_pointer", "audience_pointer", "currency"), "payload"),
}
_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "tier": ("tier", "floor", "senior_tier", "warning_tier"),
    "surface": ("surface",),
    "calendar": ("calendar",),
}
"""Under which keys a row names rows of other tables."""
DIALS: Final = (
    "tier", "senior_tier", "owner", "confidence_low", "confidence_high", "deadline", "calendar", "undo_window",
    "shelf_life", "cool_down", "params",
)  # fmt: skip
"""Fields of a surface that people may be let to tune who may not change the policy."""
_PARAM: Final = re.compile(r"\bparams\.(\w+)")


def parts(old: Document, new: Document) -> Parts:
    """Return everything in which the documents differ, part by part, in the order of their tables."""
    parts: Parts = {}
    for table, thing in _BY_FIELD.items():
        for slug, before, after in _differing(old, new, table):
            _add_fields(parts, thing, slug, before, after)
    for table, thing in _ROWS.items():
        for slug, before, after in _differing(old, new, table):
            parts[f"{thing}:{slug}"] = before, after
    for table, thing in _LISTS.items():
        was, now = _by_surface(old.get(table, ())), _by_surface(new.get(table, ()))
        for slug in sorted({*was, *now}):
            if was.get(slug) != now.get(slug):
                parts[f"{thing}:{slug}"] = was.get(slug), now.get(slug)
    return parts


def part_of(change: Change, known: Collection[str]) -> str:
    """Return the part to which a difference belongs; empty where it only follows from others."""
    slug = change.id
    if change.thing in _LISTS.values():
        named = (name for name in known if name.partition(":")[0] == change.thing)
        return next((name for name in named if re.match(rf"{re.escape(name.partition(':')[2])}[ ,]", slug)), "")
    whole = f"{change.thing}:{slug}"
    field = _TOGETHER.get(change.field, change.field)
    tries = (whole, ORDER if field == "order" else f"{whole}:{field}", ORDER if change.thing == "tier" else "")
    return next((name for name in tries if name in known), "")


def of_surfaces(old: Document, new: Document, surfaces: Collection[str]) -> list[str]:
    """Return the parts that only tune `surfaces`: their dials, and what asks, escalates or limits there alone."""
    dials = {f"surface:{slug}:{_TOGETHER.get(field, field)}" for slug in surfaces for field in DIALS}
    listed = {f"{thing}:{slug}" for slug in surfaces for thing in _LISTS.values()}

    def is_theirs(name: str, rows: tuple[Any, Any]) -> bool:
        if not name.startswith("limit:"):
            return name in dials or name in listed
        return all(row is None or (row["surfaces"] and {*row["surfaces"]} <= {*surfaces}) for row in rows)

    return [name for name, rows in parts(old, new).items() if is_theirs(name, rows)]


def document(old: Document, new: Document, chosen: Collection[str]) -> dict[str, Any]:
    """Return `old` with the chosen parts as `new` has them, and everything else as it is."""
    differing = parts(old, new)
    merged: dict[str, Any] = {table: old.get(table, {}) for table in new}
    for table in (*_BY_FIELD, *_ROWS):
        merged[table] = dict(merged[table])
    for name in differing.keys() & {*chosen}:
        thing, slug, field = _split(name)
        if name == ORDER:
            _reorder(merged["tiers"], new["tiers"])
        elif thing in _LISTS.values():
            table = _TABLES[thing]
            rest = [row for row in merged[table] if row["surface"] != slug]
            merged[table] = rest + [row for row in new[table] if row["surface"] == slug]
        elif field:
            row = new[_TABLES[thing]][slug]
            mine = {key: value for key, value in row.items() if _TOGETHER.get(key, key) == field}
            merged[_TABLES[thing]][slug] = merged[_TABLES[thing]][slug] | mine
        elif slug in new[_TABLES[thing]]:
            merged[_TABLES[thing]][slug] = new[_TABLES[thing]][slug]
        else:
            merged[_TABLES[thing]].pop(slug, None)
    return _in_order(merged, new)


def needed(old: Document, new: Document, chosen: Collection[str]) -> dict[str, str]:
    """Return the parts without which the chosen ones would name what is not there, each with the part that needs it."""
    differing = parts(old, new)
    more: dict[str, str] = {}
    waiting = [name for name in differing if name in chosen]
    while waiting:
        name = waiting.pop()
        for other in _needs(name, differing):
            if other not in chosen and other not in more:
                more[other] = name
                waiting.append(other)
    return more


def _needs(name: str, differing: Parts) -> Iterator[str]:
    """Yield the parts that add what `name` begins to name, or end the naming of what it takes away."""
    before, after = differing[name]
    thing, slug, field = _split(name)
    for other, (was, now) in differing.items():
        if other == name:
            continue
        other_thing, other_slug, other_field = _split(other)
        comes = was is None and not other_field and _mentions(after, other_thing, other_slug)
        goes = after is None and not field and _mentions(was, thing, slug) and not _mentions(now, thing, slug)
        is_read = other_field == "params" and _reads(after, _params(now) - _params(was))
        was_read = field == "params" and _reads(was, _params(before) - _params(after))
        if comes or goes or is_read or was_read:
            yield other


def _mentions(content: Any, thing: str, slug: str) -> bool:
    """Whether a part names a row: under a key of its own, in a condition, or as what decides a test."""
    rows = content if isinstance(content, list) else [content]
    for row in rows:
        if not isinstance(row, Mapping):
            continue
        if any(row.get(key) == slug for key in _NAMES.get(thing, ())):
            return True
        if thing == "limit" and re.search(rf"\b{re.escape(slug)}\b", str(row.get("condition", ""))):
            return True
        if thing in {"rule", "limit", "guardrail"} and slug in re.split(r"[\s:,]+", str(row.get("deciding") or "")):
            return True
        if thing == "surface" and isinstance(row.get("facts"), Mapping) and row["facts"].get("surface") == slug:
            return True
    return False


def _reads(row: Any, names: Collection[str]) -> bool:
    return isinstance(row, Mapping) and any(name in names for name in _PARAM.findall(str(row.get("condition", ""))))


def _params(content: Any) -> set[str]:
    params = content.get("params") if isinstance(content, Mapping) else None
    return {*params} if isinstance(params, Mapping) else set()


def _differing(old: Document, new: Document, table: str) -> Iterator[tuple[str, Any, Any]]:
    was, now = old.get(table, {}), new.get(table, {})
    for slug in sorted({*was, *now}):
        if was.get(slug) != now.get(slug):
            yield slug, was.get(slug), now.get(slug)


def _add_fields(parts: Parts, thing: str, slug: str, before: Any, after: Any) -> None:
    if before is None or after is None:
        parts[f"{thing}:{slug}"] = before, after
        return
    for key in sorted({*before, *after}):
        if before.get(key) != after.get(key) or (key in before) is not (key in after):
            field = _TOGETHER.get(key, key)
            name = ORDER if field == "order" else f"{thing}:{slug}:{field}"
            was, now = parts.get(name, ({}, {}))
            parts[name] = was | {key: before.get(key)}, now | {key: after.get(key)}


def _by_surface(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    by_surface: dict[str, list[Any]] = {}
    for row in rows:
        by_surface.setdefault(row["surface"], []).append(row)
    return by_surface


def _reorder(tiers: dict[str, Any], new: Mapping[str, Any]) -> None:
    for slug in tiers.keys() & new.keys():
        mine = {key: value for key, value in new[slug].items() if _TOGETHER.get(key) == "order"}
        tiers[slug] = tiers[slug] | mine


def _split(name: str) -> tuple[str, str, str]:
    thing, slug, field = (*name.split(":", 2), "", "")[:3]
    return thing, slug, field


def _in_order(merged: dict[str, Any], new: Document) -> dict[str, Any]:
    """Return lists in the order in which the whole draft has them: where all is chosen, the digest is the same."""
    for table in _LISTS.values():
        name = _TABLES[table]
        known = {repr(row): place for place, row in enumerate(new[name])}
        merged[name] = sorted(merged[name], key=lambda row: (known.get(repr(row), len(known)), repr(row)))
    return merged
