"""When a failed delivery is tried again."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.outbox.backoff import LONGEST, MAX_ATTEMPTS, SHORTEST, delay, retry_after

NOW = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def test_ceilings_double_up_to_an_hour():
    ceilings = [delay(attempt, jitter=1).total_seconds() for attempt in range(1, MAX_ATTEMPTS + 2)]
    assert ceilings == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600]


@given(st.integers(1, 10**9), st.floats(0, 1))
def test_every_delay_lies_between_the_shortest_and_its_ceiling(attempt, jitter):
    assert SHORTEST <= delay(attempt, jitter=jitter) <= delay(attempt, jitter=1) <= LONGEST


def test_jitter_spreads_over_the_whole_range():
    assert delay(5, jitter=0.5) == seconds(40)
    assert delay(5, jitter=0) == seconds(1)


@pytest.mark.parametrize(("attempt", "jitter"), [(0, 0.5), (-1, 0.5), (1, -0.1), (1, 1.1), (1, float("nan"))])
def test_nonsense_is_refused(attempt, jitter):
    with pytest.raises(ValueError, match=r"attempts|jitter"):
        delay(attempt, jitter=jitter)


@pytest.mark.parametrize(
    ("asked", "wait"),
    [
        pytest.param("120", seconds(120), id="seconds"),
        pytest.param(" 7 ", seconds(7), id="spaces"),
        pytest.param("0", seconds(0), id="at-once"),
        pytest.param("86400", LONGEST, id="a-day-is-capped"),
        pytest.param("9" * 5000, LONGEST, id="absurd-is-capped"),
        pytest.param("Fri, 20 Nov 2026 06:01:30 GMT", seconds(90), id="date"),
        pytest.param("Fri, 20 Nov 2026 05:00:00 GMT", seconds(0), id="past-date"),
        pytest.param("Fri, 20 Nov 2099 05:00:00 GMT", LONGEST, id="far-date-is-capped"),
        pytest.param("Friday, 20-Nov-26 06:00:30 GMT", seconds(30), id="obsolete-date"),
        pytest.param("Fri Nov 20 06:00:30 2026", seconds(30), id="date-without-zone"),
        pytest.param("-5", None, id="negative"),
        pytest.param("1.5", None, id="fraction"),
        pytest.param("٣", None, id="foreign-digits"),
        pytest.param("soon", None, id="words"),
        pytest.param("", None, id="empty"),
    ],
)
def test_retry_after(asked, wait):
    assert retry_after({"Content-Type": "text/plain", "Retry-After": asked}, NOW) == wait


def test_without_the_header_nothing_is_asked():
    assert retry_after({}, NOW) is None
