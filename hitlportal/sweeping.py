"""The sweep that needs no broker: a thread of the worker that looks for due work by itself.

Beat asks for the same work through the broker, and oftener. While the broker is away this thread goes on,
so that what was approved ships and what ran out of time expires, only a little later.
"""

import logging
import threading
from typing import Any, Final

from celery import signals
from django.db import Error, close_old_connections

from approvals import delivery, escalation, reevaluation

log = logging.getLogger(__name__)

INTERVAL_SECONDS: Final = 5.0


@signals.worker_init.connect
def start(**facts: Any) -> None:
    """Start sweeping when a worker starts, whether or not it finds its broker."""
    threading.Thread(target=_sweep_for_ever, name="sweep", daemon=True).start()


def _sweep_for_ever() -> None:
    pause = threading.Event()
    while not pause.wait(INTERVAL_SECONDS):
        try:
            sweep()
        except Error as error:
            log.warning("The sweep could not use the database (%s). It tries again.", error)
        finally:
            close_old_connections()


def sweep() -> None:
    """Do once whatever is due."""
    delivery.ship_due()
    delivery.deliver_callbacks()
    escalation.expire_overdue()
    escalation.fire_due()
    reevaluation.reevaluate_open()
