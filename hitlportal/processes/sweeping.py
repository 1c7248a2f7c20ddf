"""The sweep that needs no broker: threads of the worker that look for due work by themselves.

Beat asks for the same work through the broker, and oftener. While the broker is away these go on,
so that what was approved ships and what ran out of time expires, only a little later.
"""

import logging
import math
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

from celery import signals
from django.db import Error, close_old_connections
from django.utils.module_loading import import_string

from approvals.sweeps import Sweep
from hitlportal.environment.schedule import SWEEPS
from hitlportal.processes import watchdog

log = logging.getLogger(__name__)

INTERVAL_SECONDS: Final = 5.0
# Twenty dispatches of a minute at most, twenty callbacks of ten seconds, and the database's part.
SOFT_SECONDS: Final = 1800.0
HARD_SECONDS: Final = 2400.0


@signals.worker_init.connect
def start(**facts: Any) -> None:
    """Start sweeping when a worker starts, whether or not it finds its broker."""
    for is_slow in (False, True):
        mine = [sweep for sweep in SWEEPS if sweep.is_slow == is_slow]
        name = "the slow sweep" if is_slow else "the sweep"
        threading.Thread(target=_sweep_for_ever, args=(name, mine), name=name, daemon=True).start()


def _sweep_for_ever(name: str, sweeps: Sequence[Sweep]) -> None:
    pause = threading.Event()
    last: dict[str, float] = {}
    while not pause.wait(INTERVAL_SECONDS):
        try:
            with watchdog.watched(name, soft_seconds=SOFT_SECONDS, hard_seconds=HARD_SECONDS):
                sweep(sweeps, last)
        except Error as error:
            log.warning("The sweep could not use the database (%s). It tries again.", error)
        finally:
            close_old_connections()


def sweep(sweeps: Sequence[Sweep] = SWEEPS, last: dict[str, float] | None = None) -> None:
    """Do once whatever is due, no kind oftener than beat asks for it; `last` remembers when each was done."""
    last = {} if last is None else last
    for each in sweeps:
        now = time.monotonic()
        if now - last.get(each.task, -math.inf) < each.every_seconds:
            continue
        for work in each.work:
            import_string(work.path)(most=work.most_in_sweep)
        last[each.task] = now
