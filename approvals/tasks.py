"""Wake-ups. Each finds its own work in the database, so losing or repeating one changes nothing."""

from celery import shared_task

from approvals import assessing, delivery, escalation, idempotency, reevaluation, replaying


@shared_task(name="approvals.tasks.ship_due")
def ship_due() -> None:
    """Ship what is due."""
    delivery.ship_due()


@shared_task(name="approvals.tasks.deliver_callbacks")
def deliver_callbacks() -> None:
    """Tell agents what became of their proposals."""
    delivery.deliver_callbacks()


@shared_task(name="approvals.tasks.expire_overdue")
def expire_overdue() -> None:
    """Mark what ran out of time."""
    escalation.expire_overdue()


@shared_task(name="approvals.tasks.fire_due")
def fire_due() -> None:
    """Remind people, and call the next role, where nobody has answered."""
    while escalation.fire_due() == escalation.BATCH:
        pass


@shared_task(name="approvals.tasks.assess_waiting")
def assess_waiting() -> None:
    """Ask the model about what waits for people."""
    assessing.assess_waiting()


@shared_task(name="approvals.tasks.reevaluate_open")
def reevaluate_open() -> None:
    """Judge by the policy in force what is open under an older one."""
    while reevaluation.reevaluate_open() == reevaluation.BATCH:
        pass


@shared_task(name="approvals.tasks.forget_old_answers")
def forget_old_answers() -> None:
    """Delete answers that nobody may repeat any more."""
    while idempotency.forget_old() == idempotency.BATCH:
        pass


@shared_task(name="approvals.tasks.replay_policies")
def replay_policies() -> None:
    """Carry on the replays that people asked for, a slice at a time."""
    replaying.run_next()
