"""The sweep that needs no broker: a thread of the worker that looks for due work by itself.

Beat asks for the same work through the broker, and oftener. While the broker is away this thread goes on,
so that what was approved ships and what ran out of time expires, only a little later.
"""

import logging
import threading
from typing import Any, Final

from celery import signals
from django.db import Error, close_old_connections

from approvals.lifecycle import escalation, reevaluation
from approvals.messaging import sending
from approvals.notices import occasions
from approvals.shipping import delivery
from hitlportal.accounts.sign_in import link_mail
from hitlportal.processes import watchdog

log = logging.getLogger(__name__)

INTERVAL_SECONDS: Final = 5.0
MOST_DELIVERIES: Final = 20
# Twenty dispatches of a minute at most, twenty callbacks of ten seconds, and the database's part.
SOFT_SECONDS: Final = 1800.0
HARD_SECONDS: Final = 2400.0


@signals.worker_init.connect
def start(**facts: Any) -> None:
    """Start sweeping when a worker starts, whether or not it finds its broker."""
    threading.Thread(target=_sweep_for_ever, name="sweep", daemon=True).start()


def _sweep_for_ever() -> None:
    pause = threading.Event()
    while not pause.wait(INTERVAL_SECONDS):
        try:
            with watchdog.watched("the sweep", soft_seconds=SOFT_SECONDS, hard_seconds=HARD_SECONDS):
                sweep()
        except Error as error:
            log.warning("The sweep could not use the database (%s). It tries again.", error)
        finally:
            close_old_connections()


def sweep() -> None:
    """Do once whatever is due."""
    delivery.ship_due(most=MOST_DELIVERIES)
    delivery.deliver_callbacks(most=MOST_DELIVERIES)
    occasions.fan_out()
    escalation.expire_overdue()
    escalation.fire_due()
    reevaluation.reevaluate_open()
    link_mail.send_asked_for(most=10)
    sending.deliver_due(most=10)  # last, as a dead channel takes its time
