"""End what hangs. Its lease runs out, and the work is found again.

The worker runs tasks in threads, where Celery's own time limits do nothing. Here a thread looks at what runs:
past the soft limit it cancels the statement that the task waits for in the database; past the hard limit it
ends the whole worker process, since a thread cannot be ended, and its supervisor starts it again.
"""

import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from celery import signals
from django.db import DEFAULT_DB_ALIAS, connections

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0
EXIT_CODE: Final = 70
CANCEL_SECONDS: Final = 5.0


@dataclass(slots=True)
class _Running:
    """One task in one thread, with the database connection that it uses."""

    name: str
    soft_seconds: float
    hard_seconds: float
    thread: int
    database: Any
    started: float = field(default_factory=time.monotonic)
    was_told: bool = False


_running: Final[dict[int, _Running]] = {}


def start() -> None:
    """Watch from now on, in a thread of its own."""
    threading.Thread(target=_look_for_ever, name="watchdog", daemon=True).start()


@contextmanager
def watched(name: str, *, soft_seconds: float, hard_seconds: float) -> Iterator[None]:
    """Let what runs inside, in this thread, take no longer than this."""
    _begin(name, soft_seconds, hard_seconds)
    try:
        yield
    finally:
        _end()


def _begin(name: str, soft_seconds: float, hard_seconds: float) -> None:
    mine = threading.get_ident()
    _running[mine] = _Running(name, soft_seconds, hard_seconds, mine, connections[DEFAULT_DB_ALIAS])


def _end() -> None:
    _running.pop(threading.get_ident(), None)


def _look_for_ever() -> None:
    while True:
        time.sleep(LOOK_SECONDS)
        for one in list(_running.values()):
            age = time.monotonic() - one.started
            if age > one.hard_seconds:
                _end_the_process(one)
            elif age > one.soft_seconds and not one.was_told:
                one.was_told = True
                _cancel(one)


def _cancel(one: _Running) -> None:
    log.warning("%s runs for more than %g s. Its statement is cancelled; it is here:%s", one.name, one.soft_seconds,
                _where(one))  # fmt: skip
    driver = one.database.connection  # of another thread; asking to cancel is what a thread may do with it
    if driver is None:
        return
    try:
        driver.cancel_safe(timeout=CANCEL_SECONDS)
    except Exception as error:  # noqa: BLE001  # whatever it is, the hard limit is still to come
        log.warning("The statement of %s could not be cancelled (%s).", one.name, error)


def _end_the_process(one: _Running) -> None:
    log.critical("%s runs for more than %g s. This worker ends and starts again; its work is taken up by lease. It was "
                 "here:%s", one.name, one.hard_seconds, _where(one))  # fmt: skip
    logging.shutdown()
    os._exit(EXIT_CODE)


def _where(one: _Running) -> str:
    frame = sys._current_frames().get(one.thread)  # noqa: SLF001  # documented, for debuggers such as this
    return "\n" + "".join(traceback.format_stack(frame)[-6:]) if frame is not None else " (it has just ended)"


@signals.worker_init.connect
def _start_with_the_worker(**facts: Any) -> None:
    start()


@signals.task_prerun.connect
def _before(task: Any, **facts: Any) -> None:
    """Celery keeps its limits on the task, or for all of them in its settings."""
    conf = task.app.conf
    _begin(task.name, task.soft_time_limit or conf.task_soft_time_limit, task.time_limit or conf.task_time_limit)


@signals.task_postrun.connect
def _after(**facts: Any) -> None:
    _end()
