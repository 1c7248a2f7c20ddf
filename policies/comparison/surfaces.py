"""Surfaces: how closely each is watched. PURE."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from policies.comparison.change import (
    LOOSER,
    NEUTRAL,
    TIGHTER,
    Change,
    Direction,
    Judge,
    Row,
    less_is_tighter,
    more_is_tighter,
    unproved,
)
from policies.comparison.tiers import Ladder

_DOUBT = "what is doubtful would be reviewed less closely"


def _off_is_tighter(before: bool, after: bool) -> Direction:
    return LOOSER if after else TIGHTER


def _on_is_tighter(before: bool, after: bool) -> Direction:
    return TIGHTER if after else LOOSER


def _named_is_tighter(before: str, after: str) -> Direction:
    """Judge the currency of amounts: where one is named, any other needs a person."""
    return TIGHTER if not before else LOOSER


def _around_the_clock_is_tighter(before: str | None, after: str | None) -> Direction:
    """Judge which hours count: the deadline is sooner where all do. What two calendars allow, nobody can prove."""
    return TIGHTER if after is None else LOOSER


_FIELDS: Final[Mapping[str, Judge]] = {
    "is_enabled": _off_is_tighter,
    "owner": unproved,
    "connector": unproved,
    "confidence_high": more_is_tighter,
    "confidence_low": more_is_tighter,
    "deadline": less_is_tighter,
    "undo_window": more_is_tighter,
    "retention": more_is_tighter,
    "cool_down": more_is_tighter,
    "editor_may_approve": _off_is_tighter,
    "agent_owner_may_decide": _off_is_tighter,
    "distinct_people": _on_is_tighter,
    "calendar": _around_the_clock_is_tighter,
    "confirms_number": _on_is_tighter,
    "payload_schema": unproved,
    "derived_tags": unproved,
    "amount_pointer": unproved,
    "audience_pointer": unproved,
    "currency": _named_is_tighter,
}
_READ: Final[Mapping[str, tuple[str, ...]]] = {"params": ("params",), "time_zone": ("now", "weekday", "hour")}
"""Fields that only conditions read, and under which names."""
_DEFAULTS: Final[Mapping[str, Any]] = {
    "params": {},
    "time_zone": "UTC",
    "cool_down": 0.0,
    "shelf_life": None,
    "distinct_people": False,
    "calendar": None,
    "currency": "",
    "confirms_number": False,
}
"""What versions of before had no word for."""


def compare_surfaces(
    old: Mapping[str, Row], new: Mapping[str, Row], ladder: Ladder, conditions: Iterable[str]
) -> Iterator[Change]:
    """Yield what differs between two tables of surfaces; `conditions` are those of both documents."""
    texts = tuple(conditions)
    for slug in sorted({*old, *new}):
        before, after = old.get(slug), new.get(slug)
        if before is None or after is None:
            yield Change("surface", slug, "", before, after, _came_or_went(after))
        elif before != after:
            yield from _changed(slug, {**_DEFAULTS, **before}, {**_DEFAULTS, **after}, ladder, texts)


def _came_or_went(after: Row | None) -> Direction:
    """Judge a surface that was unknown, so that nothing could be proposed there, or now is."""
    if after is None:
        return TIGHTER
    return LOOSER if after["is_enabled"] else NEUTRAL


def _changed(slug: str, before: Row, after: Row, ladder: Ladder, texts: tuple[str, ...]) -> Iterator[Change]:
    for name in ("tier", "floor", "senior_tier"):
        if before[name] != after[name]:
            judged = _tier(name, before[name], after[name], ladder)
            yield Change("surface", slug, name, before[name], after[name], *judged)
    if before["shelf_life"] != after["shelf_life"]:
        direction = _shelf_life(before, after)
        yield Change("surface", slug, "shelf_life", before["shelf_life"], after["shelf_life"], direction)
    for name, judge in _FIELDS.items():
        if before[name] != after[name]:
            direction = judge(before[name], after[name])
            yield Change("surface", slug, name, before[name], after[name], direction)
    for name, facts in _READ.items():
        if before[name] != after[name]:
            is_read = any(fact in text for fact in facts for text in texts)
            why = "conditions read it" if is_read else ""
            yield Change("surface", slug, name, before[name], after[name], LOOSER if is_read else NEUTRAL, why)


def _shelf_life(before: Row, after: Row) -> Direction:
    """Judge how long an approval stays good; where nobody says, as long as people have to decide."""
    was, is_now = (row["deadline"] if row["shelf_life"] is None else row["shelf_life"] for row in (before, after))
    return NEUTRAL if was == is_now else less_is_tighter(was, is_now)


def _tier(name: str, before: str, after: str, ladder: Ladder) -> tuple[Direction, str]:
    direction = ladder.judge(before, after)
    # Doubt takes an automatic tier away and puts one-by-one review in its place; it adds nothing to a tier in
    # which people decide from the start, though that may be milder.
    if name == "tier" and direction is TIGHTER and ladder.is_automatic(before) and ladder.is_short_of_doubt(after):
        return LOOSER, _DOUBT
    return direction, ""
