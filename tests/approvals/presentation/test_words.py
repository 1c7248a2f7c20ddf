"""How numbers and stretches of time are written. No database."""

from datetime import timedelta
from decimal import Decimal

import pytest

from approvals.presentation import words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-15, "−15"),
        (-1234.5, "−1,234.5"),
        (Decimal("-0.50"), "−0.5"),
        (0, "0"),
        (4000, "4,000"),
        (-1e-05, "−1e-05"),
    ],
)
def test_a_negative_number_has_one_minus_sign_everywhere(value: float | Decimal, text: str) -> None:
    assert words.number(value) == text
    assert words.value(value) == text


def test_shares_have_it_too() -> None:
    assert (words.share(-0.2), words.percent(-20.0), words.share(0.93)) == ("−20 %", "−20 %", "93 %")


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (timedelta(0), "0 seconds"),
        (timedelta(seconds=1), "1 second"),
        (timedelta(seconds=10), "10 seconds"),
        (timedelta(minutes=30), "30 minutes"),
        (timedelta(hours=1, minutes=30, seconds=5), "1 hour 30 minutes"),
        (timedelta(days=2, minutes=5), "2 days"),
        (timedelta(seconds=-3), "0 seconds"),
    ],
)
def test_a_stretch_of_time_is_spelt_out_in_a_sentence(time: timedelta, text: str) -> None:
    assert words.duration(time) == text


def test_when_something_happens_is_a_sentence_part() -> None:
    assert words.later(timedelta(seconds=10)) == "in 10 seconds"
    assert words.later(timedelta(0)) == "right away"


@pytest.mark.parametrize(
    ("names", "text"), [((), ""), (("CRM",), "CRM"), (("a", "b"), "a and b"), (("a", "b", "c"), "a, b and c")]
)
def test_a_list_is_written_as_one_says_it(names: tuple[str, ...], text: str) -> None:
    assert words.joined(names) == text
