"""The sweep that needs no broker: the worker looks for due work by itself, and does it in threads of its own.

Beat asks for the same work through the broker, and oftener. While the broker is away this goes on,
so that what was approved ships and what ran out of time expires, only a little later. The thread that says that the
worker runs looks what is due; what is done in its own time, it hands on.
"""

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Any, Final

from celery import signals
from django.db import Error, connection
from django.utils.module_loading import import_string

from approvals.sweeps import Sweep
from audit.ledger import entries
from audit.ledger.entries import Cause
from hitlportal.environment.schedule import SWEEPS
from hitlportal.processes import pulse, watchdog
from hitlportal.processes.beat.looks import Looks

log = logging.getLogger(__name__)

# Twenty dispatches of a minute at most, twenty callbacks of ten seconds, and the database's part.
SOFT_SECONDS: Final = 1800.0
HARD_SECONDS: Final = 2400.0


@signals.celeryd_after_setup.connect
def start(instance: Any = None, **facts: Any) -> None:
    """Start sweeping when a worker starts, whether or not it finds its broker: what its queues are for."""
    queues = {sweep.queue for sweep in SWEEPS} if instance is None else {*instance.app.amqp.queues.consume_from}
    for is_slow in (False, True):
        mine = [sweep for sweep in SWEEPS if sweep.is_slow == is_slow and sweep.queue in queues]
        if mine:
            sweeper = Sweeper("the slow sweep" if is_slow else "the sweep", mine)
            sweeper.start()
            pulse.of_this_process().also(sweeper.look)


class Sweeper(threading.Thread):
    """Does what is due, one kind after the other. It holds no connection to the database while nothing is."""

    def __init__(self, name: str, sweeps: Iterable[Sweep]) -> None:
        super().__init__(name=name, daemon=True)
        self._looks = Looks(sweeps)
        self._due: dict[str, Sweep] = {}
        self._is_something_due = threading.Condition()

    def look(self) -> None:
        """Look what is due and have it done. Called by another thread, every few seconds."""
        due = self._looks.due()
        with self._is_something_due:
            self._due |= {sweep.task: sweep for sweep in due}
            if self._due:
                self._is_something_due.notify()

    def run(self) -> None:
        """Do what is due for as long as the process lives."""
        while True:
            with self._is_something_due:
                self._is_something_due.wait_for(lambda: self._due)
                due, self._due = [*self._due.values()], {}
            with watchdog.watched(self.name, soft_seconds=SOFT_SECONDS, hard_seconds=HARD_SECONDS):
                sweep(due, self._looks.again)
            connection.close()


def sweep(sweeps: Iterable[Sweep] = SWEEPS, again: Callable[[Sweep], object] = lambda _: None) -> None:
    """Do once whatever is due of these; what does not come to its end is given to `again`, and the others go on."""
    for each in sweeps:
        try:
            with entries.caused_by(Cause.run("sweep", each.task.rpartition(".")[2])):
                for work in each.work:
                    import_string(work.path)(most=work.most_in_sweep)
        except Error as error:
            log.warning("The sweep could not use the database (%s). It tries again.", error)
            again(each)
        except Exception:
            log.exception("The sweep could not carry out %s. It tries again.", each.task)
            again(each)
