"""Wake-ups. Each finds its own work in the database, so losing or repeating one changes nothing.

A wake-up works for a bounded time and then leaves the rest to the next one. Its time limits end what hangs;
they allow for the bound and for the one thing that had begun before it.
"""

import time
from collections.abc import Callable
from typing import Any, Final

from celery import shared_task

from approvals.api.http import idempotency
from approvals.lifecycle import assessment, escalation, reevaluation
from approvals.messaging import sending
from approvals.notices import occasions, retention
from approvals.replays import runner
from approvals.shipping import delivery

BOUND_SECONDS: Final = 20.0
# Deliveries may take a minute each; what only uses the database may not.
NETWORK: Final[dict[str, Any]] = {"soft_time_limit": 120, "time_limit": 180}
DATABASE: Final[dict[str, Any]] = {"soft_time_limit": 60, "time_limit": 120}
MODEL: Final[dict[str, Any]] = {"soft_time_limit": 360, "time_limit": 420}
MOST_QUESTIONS: Final = 5
MOST_OCCASIONS: Final = 50


@shared_task(name="approvals.tasks.ship_due", **NETWORK)
def ship_due() -> None:
    """Ship what is due."""
    _work(lambda: delivery.ship_due(most=1), full=1)


@shared_task(name="approvals.tasks.deliver_callbacks", **NETWORK)
def deliver_callbacks() -> None:
    """Tell agents what became of their proposals."""
    _work(lambda: delivery.deliver_callbacks(most=1), full=1)


@shared_task(name="approvals.tasks.deliver_notices", **NETWORK)
def deliver_notices() -> None:
    """Tell people what happened."""
    _work(lambda: occasions.fan_out(most=MOST_OCCASIONS), full=MOST_OCCASIONS)
    _work(lambda: sending.deliver_due(most=1), full=1)


@shared_task(name="approvals.tasks.expire_overdue", **DATABASE)
def expire_overdue() -> None:
    """Mark what ran out of time."""
    _work(escalation.expire_overdue, full=escalation.BATCH)


@shared_task(name="approvals.tasks.fire_due", **DATABASE)
def fire_due() -> None:
    """Remind people, and call the next role, where nobody has answered."""
    _work(escalation.fire_due, full=escalation.BATCH)


@shared_task(name="approvals.tasks.assess_waiting", **MODEL)
def assess_waiting() -> None:
    """Ask the model about what waits for people."""
    assessment.assess_waiting(most=MOST_QUESTIONS)


@shared_task(name="approvals.tasks.reevaluate_open", **DATABASE)
def reevaluate_open() -> None:
    """Judge by the policy in force what is open under an older one."""
    _work(reevaluation.reevaluate_open, full=reevaluation.BATCH)


@shared_task(name="approvals.tasks.forget_old_answers", **DATABASE)
def forget_old_answers() -> None:
    """Delete answers that nobody may repeat, and notices that nobody looks for any more."""
    _work(idempotency.forget_old, full=idempotency.BATCH)
    _work(retention.forget_old_notices, full=retention.BATCH)


@shared_task(name="approvals.tasks.replay_policies", **DATABASE)
def replay_policies() -> None:
    """Carry on the replays that people asked for, a slice at a time."""
    runner.run_next()


def _work(batch: Callable[[], int], *, full: int) -> None:
    """Do one batch after the other until one is not `full`, or the time is up."""
    until = time.monotonic() + BOUND_SECONDS
    while batch() >= full and time.monotonic() < until:
        pass
