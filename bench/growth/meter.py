"""What one thing costs: time on the wall, processor time of Python and of PostgreSQL, round trips."""

import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from typing import Any, Final

import psutil
from django.db import connection

from bench.costs import Costs
from bench.load import percentile

Step = Callable[[], object]
NANOSECONDS: Final = 1e9


def measured(steps: Iterable[Step]) -> dict[str, float]:
    """Take the steps one after the other; return medians, and p95, in milliseconds, and the round trips of the last.

    `cpu_ms` is the median of what Python and the session's own process of PostgreSQL used together, on which ratios
    rest: a busy machine changes it less than time on the wall. `yardstick_ms` tells the machine's pace meanwhile. Give
    one step more than is to be timed.
    """
    *timed, last = steps
    in_one_process()
    walls, pythons, servers = [], [], []
    for step in timed:
        server, python, wall = server_seconds(), time.process_time(), time.perf_counter()
        step()
        walls.append(time.perf_counter() - wall)
        pythons.append(time.process_time() - python)
        servers.append(server_seconds() - server)
    pace = min(yardstick() for _ in range(5))
    costs = Costs()
    with costs.counted():
        last()
    both = [python + server for python, server in zip(pythons, servers, strict=True)]
    return {
        "cpu_ms": _milliseconds(median(both)),
        "median_ms": _milliseconds(median(walls)),
        "p95_ms": _milliseconds(percentile(walls, 0.95)),
        "python_ms": _milliseconds(median(pythons)),
        "postgres_ms": _milliseconds(median(servers)),
        "round_trips": costs.round_trips,
        "yardstick_ms": _milliseconds(pace),
    }


def yardstick() -> float:
    """Return the processor seconds that a fixed piece of work takes now: a core that is shared works more slowly."""
    begun = time.thread_time()
    for number in range(40):
        rows = [{"name": f"row {index}", "value": index * number} for index in range(60)]
        json.loads(json.dumps(rows))
    return time.thread_time() - begun


def server_seconds() -> float:
    """Return the processor time that this connection's process of PostgreSQL has used, as finely as it is known."""
    connection.ensure_connection()
    assert connection.connection is not None
    pid = connection.connection.info.backend_pid
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / NANOSECONDS
    except OSError:
        used: Any = psutil.Process(pid).cpu_times()
        return float(used.user + used.system)


def in_one_process() -> None:
    """Let PostgreSQL do all that this connection asks in the process that is watched."""
    with connection.cursor() as cursor:
        cursor.execute("SET max_parallel_workers_per_gather = 0")


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 2)
