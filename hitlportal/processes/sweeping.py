"""The sweep that needs no broker: threads of the worker that look for due work by themselves.

Beat asks for the same work through the broker, and oftener. While the broker is away these go on,
so that what was approved ships and what ran out of time expires, only a little later. Where one worker does
everything it is beat as well, in one more thread: a process of its own would take as much memory as the worker.
"""

import logging
import math
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

from celery import bootsteps, signals
from celery.beat import Scheduler, Service
from click import Option
from django.db import Error, close_old_connections
from django.utils.module_loading import import_string

from approvals.sweeps import Sweep
from audit.ledger import entries
from audit.ledger.entries import Cause
from hitlportal.environment.schedule import SWEEPS
from hitlportal.processes import watchdog

log = logging.getLogger(__name__)

INTERVAL_SECONDS: Final = 5.0
# Twenty dispatches of a minute at most, twenty callbacks of ten seconds, and the database's part.
SOFT_SECONDS: Final = 1800.0
HARD_SECONDS: Final = 2400.0
BEAT_PAUSE_SECONDS: Final = 1


@signals.celeryd_after_setup.connect
def start(instance: Any = None, **facts: Any) -> None:
    """Start sweeping when a worker starts, whether or not it finds its broker: what its queues are for."""
    queues = {sweep.queue for sweep in SWEEPS} if instance is None else {*instance.app.amqp.queues.consume_from}
    for is_slow in (False, True):
        mine = [sweep for sweep in SWEEPS if sweep.is_slow == is_slow and sweep.queue in queues]
        name = "the slow sweep" if is_slow else "the sweep"
        if not mine:
            continue
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
        with entries.caused_by(Cause.run("sweep", each.task.rpartition(".")[2])):
            for work in each.work:
                import_string(work.path)(most=work.most_in_sweep)
        last[each.task] = now


class BeatStep(bootsteps.StartStopStep):
    """Beat as a thread of a worker that is started with --with-beat."""

    def __init__(self, parent: Any, *, with_beat: bool = False, **options: Any) -> None:
        super().__init__(parent, **options)
        self.enabled = with_beat

    def create(self, parent: Any) -> Any:
        """Return what the worker starts and stops."""
        return BeatThread(parent.app)


class BeatThread(threading.Thread):
    """Sends the reminders of the schedule. It remembers no earlier run: the sweep here does what is overdue."""

    def __init__(self, app: Any) -> None:
        super().__init__(name="beat", daemon=True)
        self._service = Service(app, max_interval=BEAT_PAUSE_SECONDS, scheduler_cls=Scheduler)
        self._stopping = threading.Event()

    def run(self) -> None:
        """Send until stopped; a broker that is away for long is tried again."""
        while not self._stopping.is_set():
            try:
                self._service.start()
            except Exception:
                log.exception("Beat has failed. It goes on in a moment.")
                self._stopping.wait(BEAT_PAUSE_SECONDS)

    def stop(self) -> None:
        """Send nothing more. A connection that is being tried ends with the process."""
        self._stopping.set()
        self._service.stop(wait=False)


def join(app: Any) -> None:
    """Let workers of the app be told to be beat as well."""
    app.user_options["worker"].add(Option(("--with-beat",), is_flag=True, help="Send the reminders of beat, too."))
    app.steps["worker"].add(BeatStep)
