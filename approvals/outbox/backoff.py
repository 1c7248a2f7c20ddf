"""Delays between attempts of a delivery. PURE."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

MAX_ATTEMPTS: Final = 10
FIRST: Final = timedelta(seconds=5)
LONGEST: Final = timedelta(hours=1)
SHORTEST: Final = timedelta(seconds=1)
"""However the dice fall, a struggling receiver gets this much peace."""

_DOUBLINGS: Final = 10  # 5 s doubled ten times exceeds the hour


def delay(attempt: int, *, jitter: float) -> timedelta:
    """Return how long to wait after failed attempt number `attempt` (the first is 1).

    The ceiling doubles from 5 s to 1 h; `jitter`, a random fraction from 0 to 1, picks a point
    below it ("full jitter"), so that many deliveries that failed together do not return together.
    """
    if attempt < 1:
        raise ValueError("attempts are counted from 1")
    if not 0 <= jitter <= 1:
        raise ValueError("jitter is a fraction from 0 to 1")
    ceiling = min(FIRST * (1 << min(attempt - 1, _DOUBLINGS)), LONGEST)
    return max(ceiling * jitter, SHORTEST)


def retry_after(headers: Mapping[str, str], at: datetime) -> timedelta | None:
    """Return what the receiver asked for in Retry-After (RFC 9110, 10.2.3), at most 1 h.

    None without such a header or with one that is neither seconds nor a date; a date in the past
    is no wait at all.
    """
    values = [value.strip() for name, value in headers.items() if name.lower() == "retry-after"]
    if not values:
        return None
    header = values[0]
    if header.isascii() and header.isdigit():
        # A number of many digits would not fit a timedelta; more than eight are more than an hour.
        return min(timedelta(seconds=int(header)), LONGEST) if len(header) <= 8 else LONGEST
    try:
        until = parsedate_to_datetime(header)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max(until - at, timedelta()), LONGEST)
