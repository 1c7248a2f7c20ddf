"""Durations that the portal can keep: deadlines that are reached, and spans that end in this century. PURE."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from policies.engine.calendars import business_time
from policies.engine.calendars.business_time import FURTHEST, BusinessCalendar

LONGEST_KEPT: Final = timedelta(days=36_525)
"""A hundred years: for how long at most payloads are kept."""
_SURFACE: Final = {"undo_window": FURTHEST, "cool_down": FURTHEST, "retention": LONGEST_KEPT}
_WORDS: Final = {FURTHEST: "two years", LONGEST_KEPT: "a hundred years"}
_FIELDS: Final = {"deadline": "deadline", "shelf_life": "shelf life"}
_WEEK: Final = timedelta(days=7)


class Fault(NamedTuple):
    """A duration that is too long: of which thing, in which field, and why."""

    thing: str
    id: str
    field: str
    text: str


def faults(document: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield the durations of a policy document that cannot be kept; what is wrong with calendars others say."""
    for slug, row in sorted(document["tiers"].items()):
        yield from _too_long("tier", slug, "hold", row["hold"], FURTHEST)
    for slug, row in sorted(document["limits"].items()):
        yield from _too_long("limit", slug, "length", row["window"]["length_seconds"], FURTHEST)
    for slug, row in sorted(document["surfaces"].items()):
        for name, most in _SURFACE.items():
            yield from _too_long("surface", slug, name, row.get(name, 0), most)
        for name in ("deadline", "shelf_life"):
            if row.get(name) is not None:
                yield from _in_working_time(slug, row, name, document.get("calendars", {}))


def _too_long(thing: str, slug: str, name: str, seconds: float, most: timedelta) -> Iterator[Fault]:
    if seconds > most.total_seconds():
        yield Fault(thing, slug, name, f"It can be {_WORDS[most]} at most.")


def _in_working_time(slug: str, row: Mapping[str, Any], field: str, calendars: Mapping[str, Any]) -> Iterator[Fault]:
    name = row.get("calendar")
    try:
        calendar = business_time.read(calendars[name]) if name else None
    except (KeyError, TypeError, ValueError):
        return
    if calendar is None:
        yield from _too_long("surface", slug, field, row[field], FURTHEST)
    elif not reaches(calendar, timedelta(seconds=min(row[field], LONGEST_KEPT.total_seconds()))):
        a_week = sum(end - begin for day in calendar.hours for begin, end in day)
        text = (
            f"The calendar {name} does not reach it: with {_worked(a_week)} of work a week and its holidays it can take"
            f" more than {_WORDS[FURTHEST]}. Write a shorter {_FIELDS[field]}, or more hours."
        )
        yield Fault("surface", slug, field, text)


def _worked(minutes: int) -> str:
    number, unit = (minutes // 60, "hour") if minutes % 60 == 0 else (minutes, "minute")
    return f"{number:,} {unit}{'s' if number != 1 else ''}"


def reaches(calendar: BusinessCalendar, deadline: timedelta) -> bool:
    """Whether `deadline` is always over within FURTHEST, whenever it begins. Cost: below a second, usually far less.

    Clocks are taken as never set. The worst time to begin is when the work of a day is over, in an ordinary week or
    in one that ends in a holiday.
    """
    worked = [sum(end - begin for begin, end in day) for day in calendar.hours]
    wanted = deadline / timedelta(minutes=1)
    if sum(worked) * (FURTHEST - _WEEK).days / 7 < wanted:
        return False
    off = {day.toordinal() for day in calendar.holidays if worked[day.weekday()]}
    ordinary = date(1, 1, 1).toordinal() if not off else max(off) + 8
    return all(_is_reached(worked, off, start, wanted) for start in {ordinary, *off})


def _is_reached(worked: list[int], off: set[int], start: int, wanted: float) -> bool:
    left = wanted
    for day in range(start, start + (FURTHEST - _WEEK).days):
        left -= 0 if day in off else worked[(day - 1) % 7]
        if left <= 0:
            return True
    return False
