"""Wake-ups, one for each sweep. Each finds its own work in the database, so losing or repeating one changes nothing.

A wake-up works for a bounded time and then leaves the rest to the next one. Its time limits end what hangs;
they allow for the bound and for the one thing that had begun before it.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from celery import Task, shared_task
from django.utils.module_loading import import_string

from approvals.sweeps import SWEEPS, Sweep

BOUND_SECONDS: Final = 20.0


def carry_out(sweep: Sweep) -> None:
    """Do what is due of one kind."""
    for work in sweep.work:
        function = import_string(work.path)
        if work.is_repeated:
            _work(partial(function, most=work.most), full=work.most)
        else:
            function(most=work.most)


def _work(batch: Callable[[], int], *, full: int) -> None:
    """Do one batch after the other until one is not `full`, or the time is up."""
    until = time.monotonic() + BOUND_SECONDS
    while batch() >= full and time.monotonic() < until:
        pass


def _task(sweep: Sweep) -> "Task[[], None]":
    soft, hard = sweep.limits

    @shared_task(name=sweep.task, soft_time_limit=soft, time_limit=hard)
    def wake_up() -> None:
        carry_out(sweep)

    return wake_up


TASKS: Final = {sweep.task.rpartition(".")[2]: _task(sweep) for sweep in SWEEPS}


def __getattr__(name: str) -> Any:
    """Return a task by the last part of its name."""
    if name in TASKS:
        return TASKS[name]
    raise AttributeError(name)
