"""The threads in which worker and beat say that they run, whatever else they do at the time."""

import logging
import socket
import threading
from typing import Any

from celery import signals
from django.db import Error, close_old_connections, connection

from approvals.figures import heartbeats

log = logging.getLogger(__name__)


@signals.worker_init.connect
def _with_the_worker(**facts: Any) -> None:
    Pulse(heartbeats.WORKER).start()


@signals.beat_init.connect
def _with_beat(**facts: Any) -> None:
    Pulse(heartbeats.BEAT).start()


@signals.worker_shutdown.connect
def _stopped(**facts: Any) -> None:
    try:
        heartbeats.leave(heartbeats.WORKER, host=socket.gethostname())
    except Error as error:
        log.warning("The worker could not say that it stops (%s).", error)


class Pulse(threading.Thread):
    """Says that one program runs, until it is stopped or the process ends."""

    def __init__(self, program: str) -> None:
        super().__init__(name="pulse", daemon=True)
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
            close_old_connections()
            self._stopping.wait(heartbeats.EVERY_SECONDS)
        connection.close()

    def stop(self) -> None:
        """Say nothing more, and return when the thread has ended."""
        self._stopping.set()
        self.join()
