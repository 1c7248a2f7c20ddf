"""Delivery times of messages: at once, hourly or daily, never in somebody's quiet hours. PURE."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Reach:
    """Where somebody is, when they want quiet (from, until; by their clock) and when their daily digest comes."""

    zone: ZoneInfo
    quiet: tuple[time, time] | None = None
    daily_at: time = time(8, 0)


def due_at(pace: str, reach: Reach, at: datetime) -> datetime:
    """Return when something that happened `at` is due: now, at the next full hour, or with the daily digest.

    What falls into quiet hours is due when they end. `pace` is "now", "hourly" or "daily".
    """
    match pace:
        case "hourly":
            # By the clock of UTC: in zones that are half an hour off it is still once an hour.
            due = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + HOUR
        case "daily":
            due = _next(reach.daily_at, reach.zone, at)
        case _:
            due = at
    return _after_quiet(reach, due)


def _after_quiet(reach: Reach, due: datetime) -> datetime:
    if reach.quiet is None:
        return due
    begins, ends = reach.quiet
    clock = due.astimezone(reach.zone).time()
    # Quiet hours that end before they begin go over midnight; of equal ends none are meant.
    is_quiet = begins <= clock < ends if begins <= ends else clock >= begins or clock < ends
    return _next(ends, reach.zone, due) if is_quiet else due


def _next(clock: time, zone: ZoneInfo, after: datetime) -> datetime:
    """Return the first moment after `after` at which clocks in `zone` show `clock`."""
    today = after.astimezone(zone).date()
    # A time that the change of clocks leaves out is the same moment an hour on.
    return next(moment for moment in (_at(today + DAY * days, clock, zone) for days in range(3)) if moment > after)


def _at(day: date, clock: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, clock, tzinfo=zone).astimezone(UTC)
