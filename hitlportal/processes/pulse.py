"""The thread in which worker and beat say that they run, whatever else they do at the time.

It has a connection to the database anyway, so it looks for due work along with that; it never does any.
"""

import logging
import socket
import threading
from collections.abc import Callable
from typing import Any, Final

from celery import signals
from django.db import Error, close_old_connections, connection

from approvals.figures import heartbeats
from approvals.sweeps import DATABASE, NOTICES, WORK
from hitlportal.processes import watchdog

log = logging.getLogger(__name__)
PROGRAMS: Final = {WORK: heartbeats.WORKER, NOTICES: heartbeats.NOTICE_WORKER}
_pulses: Final[list["Pulse"]] = []


@signals.celeryd_after_setup.connect
def _with_the_worker(instance: Any, **facts: Any) -> None:
    of_this_process(*_programs(instance))


def _programs(worker: Any) -> list[str]:
    """Return what a worker is missed as, by its queues; a shipper is missed by what it does not ship."""
    return [program for queue, program in PROGRAMS.items() if queue in worker.app.amqp.queues.consume_from]


@signals.beat_init.connect
def _with_beat(**facts: Any) -> None:
    of_this_process(heartbeats.BEAT)


@signals.worker_shutdown.connect
def _stopped(sender: Any = None, **facts: Any) -> None:
    try:
        for program in [heartbeats.WORKER] if sender is None else _programs(sender):
            heartbeats.leave(program, host=socket.gethostname())
    except Error as error:
        log.warning("The worker could not say that it stops (%s).", error)


class Pulse(threading.Thread):
    """Says that programs run, until it is stopped or the process ends."""

    def __init__(self, *programs: str) -> None:
        super().__init__(name="pulse", daemon=True)
        self._programs = {*programs}
        self._looks: list[Callable[[], object]] = []
        self._stopping = threading.Event()

    def also(self, look: Callable[[], object] | None = None, *, programs: tuple[str, ...] = ()) -> None:
        """Say that these programs run, too, and `look` for work each time but the first."""
        self._programs |= {*programs}
        if look is not None:
            self._looks.append(look)

    def run(self) -> None:
        """Say so every few seconds; a database that is away is asked again."""
        host, looks = socket.gethostname(), self._looks[:0]
        soft, hard = DATABASE
        while not self._stopping.is_set():
            try:
                with watchdog.watched(self.name, soft_seconds=soft, hard_seconds=hard):
                    heartbeats.note(*self._programs, host=host)
                    for look in looks:
                        look()
            except Error as error:
                log.warning("The database cannot be used to say what runs and to look for work (%s). It is tried "
                            "again.", error)  # fmt: skip
            close_old_connections()
            self._stopping.wait(heartbeats.EVERY_SECONDS)
            looks = self._looks
        connection.close()

    def stop(self) -> None:
        """Say nothing more, and return when the thread has ended."""
        self._stopping.set()
        self.join()


def of_this_process(*programs: str) -> Pulse:
    """Return the pulse of this process, which says from now on that these programs run, too. Starts it if need be."""
    alive = [pulse for pulse in _pulses if pulse.is_alive()]
    if not alive:
        alive = _pulses[:] = [Pulse(*programs)]
        alive[0].start()
    alive[0].also(programs=programs)
    return alive[0]
