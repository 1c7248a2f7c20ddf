"""Business time: exact over holidays and over changes of the clocks."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from policies.engine.calendars.business_time import DAYS, FURTHEST, BusinessCalendar, between, later, read, read_hours
from policies.engine.calendars.deadlines import reaches
from tests.costs import least_cpu

OFFICE = read(
    {
        "time_zone": "Europe/Berlin",
        "hours": dict.fromkeys(DAYS[:5], "09:00-17:00"),
        "holidays": ["2026-12-25"],
    }
)
ROUND_THE_CLOCK = read({"time_zone": "Europe/Berlin", "hours": dict.fromkeys(DAYS, "0:00-24:00"), "holidays": []})
NIGHT = read({"time_zone": "Europe/Berlin", "hours": dict.fromkeys(DAYS, "02:00-03:00"), "holidays": []})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


@pytest.mark.parametrize(
    ("moment", "duration", "expected"),
    [
        pytest.param("2026-11-18T10:00+01:00", hours(2), "2026-11-18T12:00+01:00", id="within-a-day"),
        pytest.param("2026-11-18T16:00+01:00", hours(2), "2026-11-19T10:00+01:00", id="over-night"),
        pytest.param("2026-11-20T16:30+01:00", hours(1), "2026-11-23T09:30+01:00", id="over-the-weekend"),
        pytest.param("2026-11-21T12:00+01:00", hours(1), "2026-11-23T10:00+01:00", id="begins-on-a-weekend"),
        pytest.param("2026-12-24T16:00+01:00", hours(2), "2026-12-28T10:00+01:00", id="over-a-holiday"),
        pytest.param("2026-11-18T10:00+01:00", hours(7), "2026-11-18T17:00+01:00", id="to-the-end-of-the-day"),
        pytest.param("2026-11-18T20:00+01:00", hours(0), "2026-11-18T20:00+01:00", id="nothing-stays"),
        # Clocks go back on Sunday, 25 October: Friday's last hour and Monday's first are 64 + 1 hours apart.
        pytest.param("2026-10-23T16:00+02:00", hours(2), "2026-10-26T10:00+01:00", id="clocks-go-back"),
        pytest.param("2026-03-27T16:00+01:00", hours(2), "2026-03-30T10:00+02:00", id="clocks-go-forward"),
    ],
)
def test_office_hours(moment, duration, expected):
    assert later(OFFICE, at(moment), duration) == at(expected)


def test_a_repeated_hour_counts_twice_and_a_skipped_one_not_at_all():
    back, forward = at("2026-10-25T00:00+02:00"), at("2026-03-29T00:00+01:00")
    assert between(NIGHT, back, back + hours(12)) == hours(2)
    assert between(NIGHT, forward, forward + hours(12)) == hours(0)
    assert between(NIGHT, at("2026-06-01T00:00+02:00"), at("2026-06-02T00:00+02:00")) == hours(1)
    assert between(ROUND_THE_CLOCK, back, back + hours(25)) == hours(25)
    assert between(ROUND_THE_CLOCK, forward, forward + hours(23)) == hours(23)


def test_hours_that_begin_or_end_inside_a_skipped_hour():
    calendar = BusinessCalendar("Europe/Berlin", (((60, 150), (150, 240)),) * 7)  # 01:00-02:30 and 02:30-04:00
    night = at("2026-03-29T00:00+01:00")
    assert between(calendar, night, night + hours(12)) == hours(2)
    assert between(calendar, night - hours(24), night) == hours(3)


def test_without_a_calendar_all_time_counts():
    moment = at("2026-12-25T03:00+01:00")
    assert later(None, moment, hours(5)) == moment + hours(5)
    assert between(None, moment, moment + hours(5)) == hours(5)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("noon", "Write hours such as"),
        ("09:00", "Write hours such as"),
        ("17:00-09:00", "ends before it begins"),
        ("09:00-12:00, 11:00-13:00", "before the hours before it end"),
        ("09:00-24:01", "no time of day"),
        ("09:60-12:00", "no time of day"),
    ],
)
def test_hours_that_make_no_sense_are_refused(text, says):
    with pytest.raises(ValueError, match=says):
        read_hours(text)


def test_hours_are_read():
    assert read_hours("") == ()
    assert read_hours("9:00–12:00, 13:00 - 24:00") == ((540, 720), (780, 1440))


@pytest.mark.parametrize("row", [{"hours": {}}, {"time_zone": "Mars/Base"}, {"holidays": ["soon"]}])
def test_a_calendar_in_which_nobody_works_or_time_is_unknown_is_none(row):
    with pytest.raises(ValueError):
        read({"time_zone": "UTC", "hours": {"monday": "09:00-10:00"}, "holidays": [], **row})


# Zones whose clocks change at night, at midnight, by half an hour, or skip a whole day.
zones = st.sampled_from(
    [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "America/Havana",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Africa/Cairo",
    ]
)
spans = st.lists(st.integers(0, 96), max_size=4, unique=True).map(
    lambda quarters: tuple(
        (first * 15, last * 15)
        for first, last in zip(*[iter(sorted(quarters)[: len(quarters) // 2 * 2])] * 2, strict=True)
    )
)
calendars = st.one_of(
    st.none(),
    st.builds(
        BusinessCalendar,
        zones,
        st.lists(spans, min_size=7, max_size=7).map(tuple).filter(any),
        st.frozensets(st.dates(date(2011, 1, 1), date(2012, 12, 31)), max_size=5),
    ),
)
moments = st.datetimes(datetime(2011, 1, 1), datetime(2012, 12, 31), timezones=st.just(UTC))
durations = st.timedeltas(timedelta(0), timedelta(days=12))


@given(calendars, moments, durations)
def test_what_was_added_lies_in_between(calendar, moment, duration):
    assume(calendar is None or reaches(calendar, duration))
    assert between(calendar, moment, later(calendar, moment, duration)) == duration


@given(calendars, moments, moments)
def test_what_lies_in_between_leads_no_further(calendar, one, other):
    first, last = sorted([one, other])
    found = between(calendar, first, last)
    reached = later(calendar, first, found)
    assert first <= reached <= last
    assert between(calendar, reached, last) == timedelta(0)


@given(calendars, moments, durations, durations)
def test_later_is_monotonic_and_adds_up(calendar, moment, one, other):
    assume(calendar is None or reaches(calendar, one + other))
    assert later(calendar, moment, one) <= later(calendar, moment, one + other)
    if other:
        assert later(calendar, later(calendar, moment, one), other) == later(calendar, moment, one + other)


@given(calendars, moments, moments, moments)
def test_time_in_between_adds_up(calendar, one, other, third):
    first, middle, last = sorted([one, other, third])
    assert between(calendar, first, middle) + between(calendar, middle, last) == between(calendar, first, last)
    assert between(calendar, last, first) == -between(calendar, first, last)


def of(**hours: str) -> BusinessCalendar:
    return read({"time_zone": "Europe/Berlin", "hours": hours, "holidays": []})


RARE = of(monday="00:00-00:01")


@pytest.mark.parametrize(
    ("calendar", "deadline", "is_reached"),
    [
        pytest.param(RARE, timedelta(minutes=100), True, id="a-hundred-weeks"),
        pytest.param(RARE, hours(24), False, id="twenty-eight-years"),
        pytest.param(RARE, hours(8760), False, id="ten-thousand-years"),
        pytest.param(OFFICE, hours(40 * 50), True, id="a-year-of-office-hours"),
        pytest.param(OFFICE, hours(8760), False, id="a-year-of-hours-in-office-hours"),
        pytest.param(ROUND_THE_CLOCK, hours(8760), True, id="a-year-around-the-clock"),
        pytest.param(OFFICE, timedelta.max, False, id="the-longest-there-is"),
    ],
)
def test_a_deadline_is_reached_within_two_years_or_refused(calendar, deadline, is_reached):
    assert reaches(calendar, deadline) is is_reached


def test_holidays_that_leave_no_day_make_a_deadline_unreachable():
    mondays = [date(2027, 1, 4) + timedelta(weeks=week) for week in range(110)]
    row = {"time_zone": "UTC", "hours": {"monday": "09:00-17:00"}}
    assert not reaches(read({**row, "holidays": [day.isoformat() for day in mondays]}), hours(1))
    assert reaches(read({**row, "holidays": [day.isoformat() for day in mondays[:50]]}), hours(1))


@pytest.mark.parametrize("deadline", [hours(24), hours(8760), timedelta(days=365_000), timedelta.max])
@pytest.mark.parametrize("calendar", [None, RARE, OFFICE, of(sunday="02:00-02:01, 02:30-02:31, 23:59-24:00")])
def test_what_is_too_far_ahead_is_due_at_the_end_and_costs_milliseconds(calendar, deadline):
    made = at("2026-11-28T00:00+00:00")
    assert least_cpu(lambda: later(calendar, made, deadline)) < 0.05
    assert later(calendar, made, deadline) - made <= FURTHEST


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59+00:00", "9999-12-30T12:00+00:00", "9998-06-01T00:00+00:00"])
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_time_ends_with_the_year_9999(moment, zone):
    calendar = read({"time_zone": zone, "hours": {"monday": "00:00-00:01"}, "holidays": []})
    moment = datetime.fromisoformat(moment)
    assert moment < later(calendar, moment, hours(24)) <= datetime.max.replace(tzinfo=UTC)
    assert between(calendar, moment, datetime.max.replace(tzinfo=UTC)) >= timedelta(0)
