"""Delays after failed sign-ins, before a password is checked again.

Each failure beyond the free ones doubles the wait. The caller names what is counted; nothing here asks
whether an account exists, so nothing here can tell.
"""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.core.cache import cache
from django.db import connection, transaction


@dataclass(frozen=True, slots=True)
class Limit:
    """So many tries are free; then the wait starts at `first` and doubles up to `longest`."""

    free: int
    first: timedelta
    longest: timedelta
    remembered: timedelta

    def wait(self, tries: int) -> float:
        """Return the seconds to wait after the given number of failed tries."""
        if tries < self.free:
            return 0.0
        doublings = min(tries - self.free, 30)
        return float(min(self.first.total_seconds() * 2**doublings, self.longest.total_seconds()))


HERE: Final = Limit(free=5, first=timedelta(seconds=30), longest=timedelta(hours=1), remembered=timedelta(days=1))
"""One account tried from one address or one device: those who fail slow down only themselves."""
ADDRESS: Final = Limit(
    free=50, first=timedelta(seconds=15), longest=timedelta(minutes=15), remembered=timedelta(hours=1)
)
"""Whatever account is tried from one address. Many people may share an address."""
ACCOUNT: Final = Limit(
    free=1000, first=timedelta(minutes=1), longest=timedelta(minutes=15), remembered=timedelta(days=2)
)
"""One account from wherever, a day: bounds what somebody can guess who has thousands of addresses."""


def count(limits: Mapping[str, Limit]) -> float:
    """Count one try under each key; where one of them says to wait, count none and return the seconds."""
    with transaction.atomic():
        _lock(limits)
        now = time.time()
        states: dict[str, tuple[int, float]] = {key: cache.get(_kept(key), (0, 0.0)) for key in limits}
        waits = [until - now for _tries, until in states.values() if until > now]
        if waits:
            return max(waits)
        for key, limit in limits.items():
            tries = states[key][0] + 1
            _keep(key, limit, tries, now + limit.wait(tries))
    return 0.0


def forgive(key: str, limit: Limit, *, all_of_it: bool) -> None:
    """Take back the last try because it was right; `all_of_it` forgets the failures before it too."""
    with transaction.atomic():
        _lock([key])
        tries, _until = cache.get(_kept(key), (0, 0.0))
        if all_of_it or tries <= 1:
            cache.delete(_kept(key))
        else:
            _keep(key, limit, tries - 1, 0.0)


def _keep(key: str, limit: Limit, tries: int, until: float) -> None:
    cache.set(_kept(key), (tries, until), timeout=int(limit.remembered.total_seconds()))


def _kept(key: str) -> str:
    return f"sign-in:{hashlib.sha256(key.encode()).hexdigest()}"


def _lock(keys: Mapping[str, Limit] | list[str]) -> None:
    # The cache cannot count atomically, so tries of one key at the same instant queue up. In one order,
    # or two that hold one key each would wait for each other for ever.
    digests = (hashlib.sha256(key.encode()).digest() for key in keys)
    numbers = sorted(int.from_bytes(digest[:8], signed=True) for digest in digests)
    with connection.cursor() as cursor:
        for number in numbers:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])
