from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.notices.timing import Reach, due_at

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = (time(22), time(7))
DAY_OFF = (time(9), time(17))


def at(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("pace", "reach", "happened", "due"),
    [
        pytest.param("now", Reach(BERLIN), "2026-06-01T23:30", "2026-06-01T23:30", id="at-once"),
        pytest.param("now", Reach(BERLIN, NIGHT), "2026-06-01T21:59", "2026-06-01T21:59", id="just-before-quiet"),
        pytest.param("now", Reach(BERLIN, NIGHT), "2026-06-01T22:00", "2026-06-02T07:00", id="in-the-evening"),
        pytest.param("now", Reach(BERLIN, NIGHT), "2026-06-02T03:00", "2026-06-02T07:00", id="after-midnight"),
        pytest.param("now", Reach(BERLIN, NIGHT), "2026-06-02T07:00", "2026-06-02T07:00", id="quiet-is-over"),
        pytest.param("now", Reach(BERLIN, DAY_OFF), "2026-06-02T12:00", "2026-06-02T17:00", id="quiet-by-day"),
        pytest.param("now", Reach(BERLIN, (time(9), time(9))), "2026-06-02T09:00", "2026-06-02T09:00", id="no-hours"),
        pytest.param("hourly", Reach(BERLIN), "2026-06-01T10:01", "2026-06-01T11:00", id="hourly"),
        pytest.param("hourly", Reach(BERLIN), "2026-06-01T10:00", "2026-06-01T11:00", id="hourly-on-the-hour"),
        pytest.param("hourly", Reach(BERLIN, NIGHT), "2026-06-01T21:30", "2026-06-02T07:00", id="hourly-into-quiet"),
        pytest.param("daily", Reach(BERLIN), "2026-06-01T07:59", "2026-06-01T08:00", id="daily-today"),
        pytest.param("daily", Reach(BERLIN), "2026-06-01T08:00", "2026-06-02T08:00", id="daily-tomorrow"),
        pytest.param("daily", Reach(BERLIN, NIGHT, time(6)), "2026-06-01T12:00", "2026-06-02T07:00", id="in-quiet"),
        # Clocks go forward at 02:00 on 29 March and back at 03:00 on 25 October.
        pytest.param("daily", Reach(BERLIN), "2026-03-28T09:00", "2026-03-29T08:00", id="a-day-of-23-hours"),
        pytest.param("daily", Reach(BERLIN), "2026-10-24T09:00", "2026-10-25T08:00", id="a-day-of-25-hours"),
    ],
)  # fmt: skip
def test_when_it_is_due(pace, reach, happened, due):
    assert due_at(pace, reach, at(happened)) == at(due)


def test_a_time_that_the_change_of_clocks_leaves_out_comes_an_hour_later():
    reach = Reach(BERLIN, daily_at=time(2, 30))
    assert due_at("daily", reach, at("2026-03-28T12:00")) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


CLOCKS = st.times().map(lambda clock: clock.replace(microsecond=0, second=0))
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))


@given(
    pace=st.sampled_from(["now", "hourly", "daily"]),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland"]),
    begins=CLOCKS,
    ends=CLOCKS,
    moment=MOMENTS,
)
def test_nothing_is_due_before_it_happened_nor_much_later(pace, zone, begins, ends, moment):
    due = due_at(pace, Reach(ZoneInfo(zone), (begins, ends)), moment)
    assert moment <= due <= moment + timedelta(days=2, hours=3)
    if begins != ends and due != moment:
        clock = due.astimezone(ZoneInfo(zone)).time()
        is_quiet = begins <= clock < ends if begins <= ends else clock >= begins or clock < ends
        # An hour that the change of clocks doubles or leaves out may begin within quiet hours.
        assert (
            not is_quiet
            or pace != "now"
            or abs(due.astimezone(ZoneInfo(zone)).utcoffset() - moment.astimezone(ZoneInfo(zone)).utcoffset())
            > timedelta(0)
        )
