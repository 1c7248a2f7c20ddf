"""Durations in forms and lists, in words: `1 day 12 hours`."""

import re
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any, Final

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.utils.translation import gettext_lazy, ngettext_lazy

UNITS: Final = (
    (86_400, "d", ngettext_lazy("%s day", "%s days")),
    (3600, "h", ngettext_lazy("%s hour", "%s hours")),
    (60, "m", ngettext_lazy("%s minute", "%s minutes")),
    (1, "s", ngettext_lazy("%s second", "%s seconds")),
)
ENGLISH: Final = re.compile(r"([0-9]{1,7}) ?(d|days?|h|hours?|m|min|minutes?|s|sec|seconds?)(?![a-z])", re.IGNORECASE)
HELP: Final = gettext_lazy("For example: 30 minutes, 4 hours, or 1 day 12 hours.")


def written(time: timedelta) -> str:
    """Write a duration in whole seconds with every unit that it has; none is `0 seconds`."""
    left, parts = int(time.total_seconds()), []
    for size, _letter, name in UNITS:
        number, left = divmod(left, size)
        if number:
            parts.append(name % number)
    return " ".join(parts) or UNITS[-1][2] % 0


def read(text: str) -> timedelta | None:
    """Return what words such as `1 day 12 hours`, `90m` or `7d` mean; None where they are anything else."""
    words = " ".join(text.replace(",", " ").split())
    if not words or ENGLISH.sub("", words).strip():
        return None
    numbers = [(unit[0].lower(), int(number)) for number, unit in ENGLISH.findall(words)]
    sizes = {letter: size for size, letter, _name in UNITS}
    is_sound = len({letter for letter, _number in numbers}) == len(numbers)
    return timedelta(seconds=sum(number * sizes[letter] for letter, number in numbers)) if is_sound else None


class DurationInWords(forms.DurationField):
    """Shows and takes a duration in words; takes what Django's own field takes as well, such as `1 12:00:00`."""

    default_error_messages = {"invalid": HELP}  # as Django's own fields have them

    def prepare_value(self, value: Any) -> Any:
        """Write what is stored in words, and what was typed as it was typed."""
        return written(value) if isinstance(value, timedelta) and value >= timedelta(0) else value

    def to_python(self, value: Any) -> timedelta | None:
        """Read what was typed. Raises ValidationError where it is no duration."""
        time = read(value) if isinstance(value, str) else None
        return time if time is not None else super().to_python(value)


@cache
def column(field: str, label: Any) -> Callable[[Model], str]:
    """Return a column of a list that shows a duration in words."""

    @admin.display(description=label, ordering=field)
    def shown(row: Model) -> str:
        return written(getattr(row, field))

    return shown
