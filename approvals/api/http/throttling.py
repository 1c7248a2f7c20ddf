"""Request limits of agents: so many a minute, counted together by all web processes.

They count in Redis where REDIS_URL names one. Without Redis, or while it does not answer, each web
process counts for itself, so the limit then holds per process. Counting never asks the database.
"""

import logging
import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import redis
from django.conf import settings

from policies.models import Agent

log = logging.getLogger(__name__)

WINDOW_SECONDS: Final = 60
TIMEOUT_SECONDS: Final = 0.1
REST_AFTER_FAILURE_SECONDS: Final = 5.0

# One round trip, and never a counter without its end.
_COUNT: Final = """
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return count
"""


@dataclass(frozen=True, slots=True)
class Quota:
    """What is left of a caller's requests in this window."""

    limit: int
    remaining: int
    reset_seconds: int
    is_exceeded: bool

    def headers(self) -> dict[str, str]:
        """Return the fields of draft-ietf-httpapi-ratelimit-headers, and the three older ones in use."""
        return {
            "RateLimit-Policy": f'"agent";q={self.limit};w={WINDOW_SECONDS}',
            "RateLimit": f'"agent";r={self.remaining};t={self.reset_seconds}',
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset_seconds),
        }


def consume(caller: str, *, limit: int) -> Quota:
    """Count one request of `caller` in the window of this minute."""
    now = time.time()
    window = int(now // WINDOW_SECONDS)
    count = _shared.count(caller, window)
    if count is None:
        count = _own.count(caller, window)
    return Quota(
        limit=limit,
        remaining=max(0, limit - count),
        reset_seconds=max(1, int((window + 1) * WINDOW_SECONDS - now)),
        is_exceeded=count > limit,
    )


def of(agent: Agent) -> Quota:
    """Count one request of `agent`, by its own limit or the usual one."""
    return consume(agent.slug, limit=agent.rate_per_minute or settings.AGENT_RATE_PER_MINUTE)


class _OwnCounter:
    """Counts within this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._window = 0
        self._counts: dict[str, int] = {}

    def count(self, caller: str, window: int) -> int:
        with self._lock:
            if window != self._window:
                self._window = window
                self._counts.clear()
            count = self._counts[caller] = self._counts.get(caller, 0) + 1
            return count


class _SharedCounter:
    """Counts in Redis; after a failure it leaves Redis alone for a moment, so that nobody waits for it."""

    def __init__(self) -> None:
        self._rests_until = 0.0

    def count(self, caller: str, window: int) -> int | None:
        """Return the count, or None where Redis is not there."""
        if not settings.REDIS_URL or time.monotonic() < self._rests_until:
            return None
        try:
            count: Any = _redis(settings.REDIS_URL).eval(
                _COUNT, 1, f"hitlportal:rate:{caller}:{window}", str(2 * WINDOW_SECONDS)
            )
        except (redis.RedisError, OSError) as error:
            self._rests_until = time.monotonic() + REST_AFTER_FAILURE_SECONDS
            log.warning("Redis does not count requests (%s); this process counts for itself.", error)
            return None
        return int(count)


@lru_cache(maxsize=2)
def _redis(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS)


_own = _OwnCounter()
_shared = _SharedCounter()
