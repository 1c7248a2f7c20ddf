"""Business time: how much of it lies between two moments, and which moment lies so much of it ahead. PURE.

A working span goes from the first moment at which clocks show its beginning to the last at which they show
its end. So an hour that clocks repeat counts twice if people work in it, and one that they skip not at all.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAY_MINUTES: Final = 24 * 60
_HOURS: Final = re.compile(r"(\d{1,2}):(\d{2}) ?[-–] ?(\d{1,2}):(\d{2})")
_ZERO: Final = timedelta(0)
_SECOND: Final = timedelta(seconds=1)

Spans = tuple[tuple[int, int], ...]
"""Beginnings and ends of a day's work, in minutes since midnight, in order and apart."""


@dataclass(frozen=True, slots=True)
class BusinessCalendar:
    """When people work: spans by weekday, Monday first, in a time zone; on holidays nobody does.

    Raises ValueError where nobody ever works, or for an unknown time zone.
    """

    time_zone: str
    hours: tuple[Spans, ...]
    holidays: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        if len(self.hours) != len(DAYS) or not any(self.hours):
            raise ValueError("A calendar needs working hours on some day of the week.")
        try:
            ZoneInfo(self.time_zone)
        except (OSError, LookupError) as error:
            raise ValueError(f"There is no time zone {self.time_zone}.") from error


def read_hours(text: str) -> Spans:
    """Read a day's work such as "09:00-12:00, 13:00-17:30"; nothing means none. Raises ValueError saying why."""
    spans: list[tuple[int, int]] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = _HOURS.fullmatch(part)
        if match is None:
            raise ValueError(f"Write hours such as 09:00-17:00, not {part}.")
        first, first_minutes, last, last_minutes = map(int, match.groups())
        begin, end = first * 60 + first_minutes, last * 60 + last_minutes
        if max(first_minutes, last_minutes) > 59 or end > DAY_MINUTES:
            raise ValueError(f"{part} is no time of day.")
        if begin >= end:
            raise ValueError(f"{part} ends before it begins.")
        if spans and begin < spans[-1][1]:
            raise ValueError(f"{part} begins before the hours before it end.")
        spans.append((begin, end))
    return tuple(spans)


def read(row: Mapping[str, Any]) -> BusinessCalendar:
    """Read a calendar of a policy document: `{"time_zone", "hours": {day: text}, "holidays": [ISO dates]}`.

    Raises KeyError, TypeError or ValueError on anything else.
    """
    hours = tuple(read_hours(row["hours"].get(day, "")) for day in DAYS)
    return BusinessCalendar(row["time_zone"], hours, frozenset(map(date.fromisoformat, row["holidays"])))


def later(calendar: BusinessCalendar | None, moment: datetime, duration: timedelta) -> datetime:
    """Return the first moment that lies `duration` of business time after `moment`; nothing of it stays there.

    Without a calendar all time is business time. Cost: in proportion to the days in between. Raises
    OverflowError where that is after the year 9999.
    """
    if calendar is None or duration <= _ZERO:
        return moment + max(duration, _ZERO)
    left = duration
    for begin, end in _spans(calendar, moment):
        start = max(begin, moment)
        if left <= end - start:
            return start + left
        left -= max(end - start, _ZERO)
    raise OverflowError("There is not so much business time left.")


def between(calendar: BusinessCalendar | None, first: datetime, last: datetime) -> timedelta:
    """Return the business time from `first` to `last`; where `last` comes earlier, less than nothing."""
    if last < first:
        return -between(calendar, last, first)
    if calendar is None:
        return last - first
    found = _ZERO
    for begin, end in _spans(calendar, first):
        if begin >= last:
            break
        found += max(min(end, last) - max(begin, first), _ZERO)
    return found


def _spans(calendar: BusinessCalendar, since: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield working spans that end after `since` in UTC, in order; none overlaps another."""
    zone = ZoneInfo(calendar.time_zone)
    # Clocks are set by a day at most; what the days before leave decides where the first span may begin.
    day = since.astimezone(zone).date() - timedelta(days=2)
    free = datetime.min.replace(tzinfo=UTC)
    while True:
        if day not in calendar.holidays:
            for begin_minute, end_minute in calendar.hours[day.weekday()]:
                begin, end = _instants(calendar.time_zone, day, begin_minute, end_minute)
                begin, free = max(begin, free), max(end, free)
                if end > begin and end > since:
                    yield begin, end
        day += timedelta(days=1)


@lru_cache(maxsize=4096)
def _instants(time_zone: str, day: date, begin: int, end: int) -> tuple[datetime, datetime]:
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001  # what clocks show, before they are read
    zone = ZoneInfo(time_zone)
    return (
        _instant(midnight + timedelta(minutes=begin), zone, fold=0),
        _instant(midnight + timedelta(minutes=end), zone, fold=1),
    )


def _instant(shown: datetime, zone: ZoneInfo, *, fold: int) -> datetime:
    """Return when clocks show this: the first time, or the last; where they skip it, the moment of the skip."""
    found = shown.replace(tzinfo=zone, fold=fold).astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) == shown:
        return found
    # Read by the clock of after the skip it comes too early, by that of before too late: it is in between.
    low = shown.replace(tzinfo=zone, fold=1).astimezone(UTC)
    high = shown.replace(tzinfo=zone, fold=0).astimezone(UTC)
    after = high.astimezone(zone).utcoffset()
    while high - low > _SECOND:
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == after:
            high = middle
        else:
            low = middle
    return high.replace(microsecond=0)
