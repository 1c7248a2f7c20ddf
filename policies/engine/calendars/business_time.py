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
_ONE_DAY: Final = timedelta(days=1)
_EARLIEST: Final = datetime(1, 1, 5, tzinfo=UTC)
_LATEST_MIDNIGHT: Final = datetime(9999, 12, 29)  # noqa: DTZ001  # as clocks anywhere show it
FURTHEST: Final = timedelta(days=731)
"""Nothing is due later than this, two years and a leap day, after it began."""

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

    def on(self, day: date) -> Spans:
        """Return when people work on `day`."""
        return () if day in self.holidays else self.hours[day.weekday()]


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

    Without a calendar all time is business time. What lies further ahead than FURTHEST comes then: sooner is
    stricter. Cost: about a microsecond for each day in between, so at most a millisecond.
    """
    last = _ahead(moment, FURTHEST)
    if calendar is None or duration <= _ZERO:
        return min(_ahead(moment, max(duration, _ZERO)), last)
    left = duration
    for day in _days(calendar, moment, last):
        if day.worked is not None and day.worked < left:
            left -= day.worked
            continue
        for begin, end in day.spans(calendar):
            start = max(begin, moment)
            if left <= end - start:
                return min(start + left, last)
            left -= max(end - start, _ZERO)
    return last


def between(calendar: BusinessCalendar | None, first: datetime, last: datetime) -> timedelta:
    """Return the business time from `first` to `last`; where `last` comes earlier, less than nothing."""
    if last < first:
        return -between(calendar, last, first)
    if calendar is None:
        return last - first
    total = _ZERO
    for day in _days(calendar, first, last):
        if day.worked is not None:
            total += day.worked
            continue
        for begin, end in day.spans(calendar):
            total += max(min(end, last) - max(begin, first), _ZERO)
    return total


def _ahead(moment: datetime, duration: timedelta) -> datetime:
    try:
        return moment + duration
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Day:
    """One day of a calendar."""

    date: date
    worked: timedelta | None
    """How much is worked on it, where the whole day is asked about and clocks are not set; else None."""
    free: datetime
    """Until when what was worked on the days before may last."""

    def spans(self, calendar: BusinessCalendar) -> Iterator[tuple[datetime, datetime]]:
        """Yield when people work, in UTC and in order; none overlaps another."""
        free = self.free
        for begin_minute, end_minute in calendar.on(self.date):
            begin, end = _instants(calendar.time_zone, self.date, begin_minute, end_minute)
            begin, free = max(begin, free), max(end, free)
            if end > begin:
                yield begin, end


def _days(calendar: BusinessCalendar, since: datetime, until: datetime) -> Iterator[_Day]:
    """Yield the days on which people may work after `since` and before `until`."""
    zone = ZoneInfo(calendar.time_zone)
    worked = [sum((timedelta(minutes=end - begin) for begin, end in day), _ZERO) for day in calendar.hours]
    # Clocks are set by a day at most; what the days before leave decides where the first span may begin.
    first = (
        min(max(since, _EARLIEST), _LATEST_MIDNIGHT.replace(tzinfo=UTC))
        .astimezone(zone)
        .replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    )
    midnight = first.replace(tzinfo=None) - timedelta(days=2)
    free, was_plain, offsets = _EARLIEST, False, _offsets(midnight, zone)
    while midnight < _LATEST_MIDNIGHT:
        begins = midnight.replace(tzinfo=UTC) - offsets[0]
        if begins >= until:
            return
        tomorrow = midnight + _ONE_DAY
        offsets, was = _offsets(tomorrow, zone), offsets
        is_plain = was[0] == was[1] == offsets[0] == offsets[1]
        is_whole = is_plain and was_plain and begins >= since and begins + _ONE_DAY <= until
        day = midnight.date()
        is_off = day in calendar.holidays
        yield _Day(day, (_ZERO if is_off else worked[day.weekday()]) if is_whole else None, free)
        if not is_plain and (spans := calendar.on(day)):
            free = max(free, _instants(calendar.time_zone, day, *spans[-1])[1])
        midnight, was_plain = tomorrow, is_plain


def _offsets(midnight: datetime, zone: ZoneInfo) -> tuple[timedelta, timedelta]:
    """Return by how much clocks are ahead of UTC when they show this, the first and the last time."""
    both = (midnight.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    first, last = ((offset if offset is not None else _ZERO) for offset in both)
    return first, last


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
    instant = shown.replace(tzinfo=zone, fold=fold).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == shown:
        return instant
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
