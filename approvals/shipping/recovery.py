"""People put right what went wrong: retry what failed, roll back what shipped."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from approvals import transitions
from approvals.errors import NothingToRollBack, StateConflict
from approvals.models import Decision, Dispatch, DispatchStatus, Proposal, State
from approvals.outbox.wakeups import wake
from approvals.people import eligibility, votes
from approvals.shipping import dispatches
from approvals.shipping.dispatches import SHIP_TASK
from audit.clock import database_now
from policies.engine.policy import Policy, SurfacePolicy
from policies.models import Connector
from policies.publishing.publish import active_policy


@transaction.atomic
def retry(*, proposal_id: UUID, by: User) -> Proposal:
    """Try a failed dispatch again now, through the surface's connector of today.

    Raises StateConflict or NotEligible.
    """
    locked = _lock(proposal_id, by)
    proposal, surface = locked.proposal, locked.surface
    dispatch = Dispatch.objects.select_for_update().filter(proposal=proposal, status=DispatchStatus.FAILED).first()
    at = database_now()
    if dispatch is None or proposal.state not in {State.FAILED, State.SHIPPED}:
        raise StateConflict(_("Nothing of this proposal has failed."))
    if proposal.state == State.FAILED and proposal.expires_at and proposal.expires_at <= at:
        raise StateConflict(_("The proposal has expired and cannot be shipped any more."))
    connector = None if surface.connector is None else Connector.objects.get(pk=surface.connector)
    dispatches.try_again(dispatch, connector=connector, at=at)
    was = proposal.state
    if was == State.FAILED:
        proposal.retry(release_at=at)
    decision = votes.record(proposal, by=by, verdict=Decision.Verdict.RETRY, at=at, absence=locked.right.absence)
    wake(SHIP_TASK)
    told = votes.ledger_data(decision, roles=locked.right.roles, policy=locked.policy)
    return transitions.save(proposal, "proposal.retried", was=was, by=by, at=at, dispatch=str(dispatch.pk), **told)


@transaction.atomic
def roll_back(*, proposal_id: UUID, by: User, comment: str = "") -> Proposal:
    """Order a shipped proposal's own rollback payload to be executed, as a dispatch of its own.

    The proposal is rolled back when the executor has answered. Raises StateConflict,
    NothingToRollBack or NotEligible.
    """
    locked = _lock(proposal_id, by)
    proposal = locked.proposal
    if proposal.state != State.SHIPPED:
        raise StateConflict(_("Only what has shipped can be rolled back."))
    if proposal.revision.rollback_body is None:
        raise NothingToRollBack(_("This proposal came without a way to roll it back."))
    if Dispatch.objects.filter(proposal=proposal, kind=Dispatch.Kind.ROLLBACK).exists():
        raise StateConflict(_("The roll back is under way already."))
    at = database_now()
    dispatch = dispatches.enqueue_rollback(proposal, connector=locked.surface.connector, at=at)
    decision = votes.record(
        proposal, by=by, verdict=Decision.Verdict.ROLL_BACK, at=at, comment=comment, absence=locked.right.absence
    )
    told = votes.ledger_data(decision, roles=locked.right.roles, policy=locked.policy)
    return transitions.save(
        proposal, "proposal.rollback_ordered", was=proposal.state, by=by, at=at, dispatch=str(dispatch.pk), **told
    )


@dataclass(frozen=True, slots=True)
class _Locked:
    proposal: Proposal
    policy: Policy
    surface: SurfacePolicy
    right: eligibility.Right


def _lock(proposal_id: UUID, person: User) -> _Locked:
    """Lock a proposal on which `person` may decide, with what the active policy says of its surface."""
    proposal = Proposal.objects.locked(proposal_id)
    policy = active_policy()
    surface = policy.surfaces.get(proposal.surface_id)
    if surface is None:
        raise StateConflict(_("The surface %s is not published.") % proposal.surface_id)
    return _Locked(proposal, policy, surface, eligibility.right(person, proposal, surface))
