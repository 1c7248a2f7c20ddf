"""Calendars and escalations: when people have to answer, and who is called if they do not. PURE."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from policies.comparison.change import LOOSER, NEUTRAL, TIGHTER, Change, Direction, Row

_RUNS_OTHERWISE = "deadlines that run by it change"


def compare_calendars(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    """Yield what differs between the calendars of two documents.

    What nobody uses changes nothing. Of what somebody uses, nobody can prove that no deadline is later.
    """
    before, after = old.get("calendars", {}), new.get("calendars", {})
    used = {row.get("calendar") for document in (old, new) for row in document["surfaces"].values()}
    for slug in sorted({*before, *after}):
        was, now = before.get(slug), after.get(slug)
        if was is None or now is None:
            # Whether a surface begins or ends to use it is a change of the surface and judged there.
            yield Change("calendar", slug, "", was, now, NEUTRAL)
            continue
        direction, why = (LOOSER, _RUNS_OTHERWISE) if slug in used else (NEUTRAL, "")
        for name in ("time_zone", "hours", "holidays"):
            if was[name] != now[name]:
                yield Change("calendar", slug, name, was[name], now[name], direction, why)


def compare_escalations(old: Iterable[Row], new: Iterable[Row]) -> Iterator[Change]:
    """Yield what differs between two tables of escalations. To let others decide too, or sooner, is looser."""
    before, after = _by_key(old), _by_key(new)
    for key in sorted({*before, *after}):
        was, now = before.get(key), after.get(key)
        if was is None or now is None:
            widens = (was or now or {})["widens"]
            direction = (LOOSER if was is None else TIGHTER) if widens else NEUTRAL
            yield Change("escalation", escalation_name(was or now or {}), "", was, now, direction)
            continue
        for name in ("role", "after", "widens"):
            if was[name] != now[name]:
                yield Change("escalation", escalation_name(now), name, was[name], now[name], _judge(name, was, now))


def escalation_name(row: Row) -> str:
    """Return how people are told of a level."""
    return f"{row['surface']}, level {row['level']}: {row['role']}"


def _judge(name: str, was: Row, now: Row) -> Direction:
    if name == "widens":
        return LOOSER if now["widens"] else TIGHTER
    if not now["widens"]:
        return NEUTRAL
    if name == "after":
        return TIGHTER if now["after"] > was["after"] else LOOSER
    return LOOSER


def _by_key(rows: Iterable[Row]) -> dict[tuple[str, int], Row]:
    return {(row["surface"], row["level"]): row for row in rows}
