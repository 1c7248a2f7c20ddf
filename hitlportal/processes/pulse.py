"""The threads in which worker and beat say that they run, whatever else they do at the time."""

import logging
import socket
import threading
from typing import Any, Final

from celery import signals
from django.db import Error, connection

from approvals.figures import heartbeats
from approvals.sweeps import NOTICES, WORK

log = logging.getLogger(__name__)
PROGRAMS: Final = {WORK: heartbeats.WORKER, NOTICES: heartbeats.NOTICE_WORKER}


@signals.celeryd_after_setup.connect
def _with_the_worker(instance: Any, **facts: Any) -> None:
    for program in _programs(instance):
        Pulse(program).start()


def _programs(worker: Any) -> list[str]:
    """Return what a worker is missed as, by its queues; a shipper is missed by what it does not ship."""
    return [program for queue, program in PROGRAMS.items() if queue in worker.app.amqp.queues.consume_from]


@signals.beat_init.connect
def _with_beat(**facts: Any) -> None:
    """Beat that goes on after a failure has its pulse already."""
    if all(thread.name != f"pulse of {heartbeats.BEAT}" for thread in threading.enumerate()):
        Pulse(heartbeats.BEAT).start()


@signals.worker_shutdown.connect
def _stopped(sender: Any = None, **facts: Any) -> None:
    try:
        for program in [heartbeats.WORKER] if sender is None else _programs(sender):
            heartbeats.leave(program, host=socket.gethostname())
    except Error as error:
        log.warning("The worker could not say that it stops (%s).", error)


class Pulse(threading.Thread):
    """Says that one program runs, until it is stopped or the process ends."""

    def __init__(self, program: str) -> None:
        super().__init__(name=f"pulse of {program}", daemon=True)
        self._program = program
        self._stopping = threading.Event()

    def run(self) -> None:
        """Say so every few seconds; a database that is away is asked again."""
        host = socket.gethostname()
        while not self._stopping.is_set():
            try:
                heartbeats.note(self._program, host=host)
            except Error as error:
                log.warning("The %s could not say that it runs (%s). It tries again.", self._program, error)
            connection.close()  # kept open it would take PostgreSQL three MiB
            self._stopping.wait(heartbeats.EVERY_SECONDS)

    def stop(self) -> None:
        """Say nothing more, and return when the thread has ended."""
        self._stopping.set()
        self.join()
