"""Beat: each second it looks what is due, and reminds the workers of that through the broker.

It sends nothing for what is not due, so a portal that waits costs next to nothing. It keeps no file of earlier runs:
what is due stands in the database. Where one worker does everything it is beat as well, in one more thread: a process
of its own would take as much memory as the worker.
"""

import logging
import threading
from typing import Any, Final

from celery import bootsteps
from celery.beat import Scheduler, Service
from click import Option
from django.db import Error, close_old_connections, connection

from approvals.sweeps import Sweep
from hitlportal.environment.schedule import SWEEPS
from hitlportal.processes.beat.looks import Looks

log = logging.getLogger(__name__)

PAUSE_SECONDS: Final = 1.0


class Reminders(Scheduler):
    """Celery's schedule, of which only that is sent which is due."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        known = {sweep.task: sweep for sweep in SWEEPS}
        rows = self.app.conf.beat_schedule.items()
        self._looks = Looks(
            known.get(row["task"]) or Sweep(task=row["task"], title=title, every_seconds=row["schedule"])
            for title, row in rows
        )

    def tick(self, *_args: Any, **_options: Any) -> float:
        """Look once and remind of what is due; return for how many seconds to wait."""
        try:
            due = self._looks.due()
        except Error as error:
            log.warning("Beat could not use the database (%s). It tries again.", error)
            due = []
        close_old_connections()
        for sweep in due:
            self.apply_entry(self.schedule[sweep.title], producer=self.producer)
        return PAUSE_SECONDS


class BeatStep(bootsteps.StartStopStep):
    """Beat as a thread of a worker that is started with --with-beat."""

    def __init__(self, parent: Any, *, with_beat: bool = False, **options: Any) -> None:
        super().__init__(parent, **options)
        self.enabled = with_beat

    def create(self, parent: Any) -> Any:
        """Return what the worker starts and stops."""
        return BeatThread(parent.app)


class BeatThread(threading.Thread):
    """Sends the reminders of the schedule."""

    def __init__(self, app: Any) -> None:
        super().__init__(name="beat", daemon=True)
        self._service = Service(app, scheduler_cls=Reminders)
        self._stopping = threading.Event()

    def run(self) -> None:
        """Send until stopped; a broker that is away for long is tried again."""
        while not self._stopping.is_set():
            try:
                self._service.start()
            except Exception:
                log.exception("Beat has failed. It goes on in a moment.")
                self._stopping.wait(PAUSE_SECONDS)
        connection.close()

    def stop(self) -> None:
        """Send nothing more. A connection that is being tried ends with the process."""
        self._stopping.set()
        self._service.stop(wait=False)


def join(app: Any) -> None:
    """Let workers of the app be told to be beat as well."""
    app.user_options["worker"].add(Option(("--with-beat",), is_flag=True, help="Send the reminders of beat, too."))
    app.steps["worker"].add(BeatStep)
