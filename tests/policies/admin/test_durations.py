"""Durations are written and read in words; what Django takes is still taken."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from policies.admin.durations import DurationInWords, written
from policies.models import Limit


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (timedelta(0), "0 seconds"),
        (timedelta(seconds=1), "1 second"),
        (timedelta(seconds=90), "1 minute 30 seconds"),
        (timedelta(hours=36), "1 day 12 hours"),
        (timedelta(days=7), "7 days"),
        (timedelta(days=365, seconds=61), "365 days 1 minute 1 second"),
    ],
)
def test_what_is_written_reads_as_the_same(time: timedelta, words: str) -> None:
    assert written(time) == words
    assert DurationInWords().prepare_value(time) == words
    assert DurationInWords().to_python(words) == time


@pytest.mark.parametrize(
    ("typed", "time"),
    [
        ("7 00:00:00", timedelta(days=7)),
        ("4:00:00", timedelta(hours=4)),
        ("4h", timedelta(hours=4)),
        ("1d 12h", timedelta(hours=36)),
        ("1 Day, 30 min", timedelta(days=1, minutes=30)),
        ("90", timedelta(seconds=90)),
    ],
)
def test_short_forms_are_read(typed: str, time: timedelta) -> None:
    assert DurationInWords().to_python(typed) == time


@pytest.mark.parametrize("typed", ["soon", "4 moons", "hours", "1 day -", "1 day 1 day"])
def test_anything_else_is_refused_with_an_example(typed: str) -> None:
    with pytest.raises(ValidationError, match=r"1 day 12 hours|days"):
        DurationInWords().to_python(typed)


def test_what_was_typed_wrongly_is_shown_as_typed() -> None:
    assert DurationInWords().prepare_value("4 moons") == "4 moons"


def test_a_form_shows_words(admin_client) -> None:
    Limit.objects.create(slug="weekly", measure="count", per="surface", window="rolling", length="7 00:00:00", limit=5)
    page = admin_client.get("/admin/policies/limit/weekly/change/").content.decode()
    assert 'value="7 days"' in page
    assert "00:00:00" not in page
