"""Wake the background workers after a commit. A convenience: what is due, a sweep finds by itself."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)
_gathered: ContextVar[set[str] | None] = ContextVar("gathered", default=None)


def wake(task: str) -> None:
    """Once this transaction is committed, send the named task as a wake-up; a dead broker only costs time."""
    transaction.on_commit(lambda: _send(task))


@contextmanager
def gathered() -> Iterator[None]:
    """Send each wake-up once, at the end, however often it is asked for meanwhile."""
    tasks: set[str] = set()
    token = _gathered.set(tasks)
    try:
        yield
    finally:
        _gathered.reset(token)
        for task in sorted(tasks):
            _send(task)


def _send(task: str) -> None:
    if (tasks := _gathered.get()) is not None:
        tasks.add(task)
        return
    try:
        current_app.send_task(task, expires=30, retry=False, ignore_result=True)
    except (OperationalError, OSError) as error:
        log.warning("The broker did not take the wake-up for %s (%s). The sweep will find the work.", task, error)
