"""Durations as people write them: 24h, 30m, 7d, 1h30m, and ISO 8601 such as PT8H. PURE."""

import re
from datetime import timedelta
from typing import Final

_HUMAN: Final = re.compile(
    r"(?:(?P<weeks>\d{1,9})w)? ?(?:(?P<days>\d{1,9})d)? ?(?:(?P<hours>\d{1,9})h)? ?(?:(?P<minutes>\d{1,9})m)?"
    r" ?(?:(?P<seconds>\d{1,12}(?:\.\d{1,6})?)s)?"
)
_ISO: Final = re.compile(
    r"P(?:(?P<weeks>\d{1,9})W)?(?:(?P<days>\d{1,9})D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d{1,9})H)?(?:(?P<minutes>\d{1,9})M)?(?:(?P<seconds>\d{1,12}(?:\.\d{1,6})?)S)?)?"
)
PATTERN: Final = (
    r"^(?=.*\d)((\d+w)? ?(\d+d)? ?(\d+h)? ?(\d+m)? ?(\d+(\.\d{1,6})?s)?"
    r"|P(\d+W)?(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d{1,6})?S)?)?)$"
)
"""The same for JSON Schema."""
LONGEST: Final = timedelta(days=365_000)


def read(text: str) -> timedelta:
    """Return the duration that `text` names. Raises ValueError if it names none, or more than LONGEST."""
    match = _HUMAN.fullmatch(text.strip()) or _ISO.fullmatch(text.strip())
    given = {name: number for name, number in match.groupdict().items() if number} if match else {}
    if not given:
        raise ValueError("Write a duration such as 24h, 30m, 7d or PT8H.")
    seconds, _, fraction = given.pop("seconds", "0").partition(".")
    try:
        # Whole microseconds: a float would lose some in long durations.
        duration = timedelta(
            seconds=int(seconds),
            microseconds=int(fraction.ljust(6, "0")),
            **{name: int(number) for name, number in given.items()},
        )
    except OverflowError as error:
        raise ValueError("This is longer than a thousand years.") from error
    if duration > LONGEST:
        raise ValueError("This is longer than a thousand years.")
    return duration


def written(duration: timedelta) -> str:
    """Return `duration`, which is not negative, as people write it: 7d, 24h, 1h30m, 10s."""
    days, seconds = duration.days, duration.seconds
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    if days == 1:
        days, hours = 0, hours + 24
    parts = [f"{number}{unit}" for number, unit in ((days, "d"), (hours, "h"), (minutes, "m")) if number]
    if seconds % 60 or duration.microseconds:
        fraction = f".{duration.microseconds:06}".rstrip("0") if duration.microseconds else ""
        parts.append(f"{seconds % 60}{fraction}s")
    return "".join(parts) or "0s"
