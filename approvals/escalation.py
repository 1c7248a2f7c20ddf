"""Deadlines. What ran out of time is marked here; it could not be decided or shipped since long before."""

from typing import Final

from django.db import transaction

from approvals import shipping, steps
from approvals.errors import StateConflict
from approvals.models import Proposal
from audit.clock import database_now

BATCH: Final = 200


def expire_overdue(*, most: int = BATCH) -> int:
    """Expire up to `most` overdue proposals, each in a transaction of its own; return how many.

    Any number of sweeps may run at once: rows that another one holds are skipped.
    """
    overdue = list(Proposal.objects.overdue().order_by("deadline_at").values_list("pk", flat=True)[:most])
    return sum(_expire(proposal_id) for proposal_id in overdue)


@transaction.atomic
def _expire(proposal_id: object) -> bool:
    proposal = Proposal.objects.overdue().select_for_update(skip_locked=True).filter(pk=proposal_id).first()
    if proposal is None:
        return False
    was = proposal.state
    try:
        shipping.cancel(proposal)
    except StateConflict:
        return False  # on its way already: the dispatcher says how that ends
    proposal.expire()
    steps.take(proposal, "proposal.expired", was=was, by=None, at=database_now())
    return True
