"""What something costs by the processor's clock, which hardly depends on what else the machine does."""

import json
import time
from collections.abc import Callable
from typing import Any

from django.db import connection

# Seconds that `_yardstick` takes on the quiet machine on which the bounds of the tests were set.
YARDSTICK_SECONDS = 0.0035


def _yardstick() -> float:
    """Seconds that a fixed piece of work takes now, of the kind that the portal does: texts, lists and lookups."""
    began = time.thread_time()
    for number in range(40):
        rows = [{"name": f"row {index}", "value": index * number} for index in range(60)]
        json.loads(json.dumps(rows))
    return time.thread_time() - began


def slowness() -> float:
    """How many times slower this machine works now than the one that the bounds were set on; never below 1."""
    return max(1.0, min(_yardstick() for _ in range(2)) / YARDSTICK_SECONDS)


class Stopwatch:
    """Processor time since it was started, in seconds of the machine that the bounds were set on.

    A processor that shares its core with a neighbour takes several times as long for the same work,
    so what was spent is divided by the pace at which this machine works before and after it.
    """

    def __init__(self, clock: Callable[[], float] = time.thread_time) -> None:
        self._slowness = slowness()
        self._clock = clock
        self._began = clock()

    @property
    def seconds(self) -> float:
        spent = self._clock() - self._began
        return spent / max(self._slowness, slowness())


def least_cpu(action: Callable[[], Any], *, times: int = 3, clock: Callable[[], float] = time.thread_time) -> float:
    """Seconds by a stopwatch for the cheapest of several runs: a neighbour only ever adds to one."""
    took = []
    for _ in range(times):
        watch = Stopwatch(clock)
        action()
        took.append(watch.seconds)
    return min(took)


def rows_read(table: str) -> int:
    """How many rows of a table this transaction has read so far, by PostgreSQL's count."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables"
            " WHERE relname = %s",
            [table],
        )
        return int(cursor.fetchone()[0])
