"""Retry what failed, and roll back what shipped, on a person's word."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from approvals import transitions
from approvals.errors import NothingToRollBack, StateConflict
from approvals.models import Decision, Dispatch, DispatchStatus, Proposal, State
from approvals.outbox import statements
from approvals.outbox.callbacks import Announcement
from approvals.outbox.wakeups import wake
from approvals.people import eligibility, votes
from approvals.shipping import dispatches, enforcement, rejudgement
from approvals.shipping.dispatches import SHIP_TASK
from approvals.shipping.enforcement import in_force
from approvals.transitions import Beside
from policies.engine.policy import SurfacePolicy
from policies.models import Connector
from policies.publishing.current import Current, load_current


@in_force
def retry(*, proposal_id: UUID, by: User) -> Proposal:
    """Try a failed dispatch again now, through the surface's connector of today.

    The policy in force judges first: what it denies stays failed, and what it asks people for waits for them.
    Raises StateConflict, PolicyChanged or NotEligible.
    """
    locked = _lock(proposal_id, by)
    proposal, at, was = locked.proposal, locked.now.at, locked.proposal.state
    dispatch = _failed(proposal, at=at)
    if was == State.FAILED:
        enforcement.require(proposal, locked.now, tells=False)
        rejudgement.require_not_denied(proposal)
    if was == State.FAILED and rejudgement.is_unmet(proposal):
        enforcement.hold_back(proposal, locked.surface, locked.now)
    else:
        connector = None if locked.surface.connector is None else Connector.objects.get(pk=locked.surface.connector)
        dispatches.try_again(dispatch, connector=connector, at=at)
        wake(SHIP_TASK)
        if was == State.FAILED:
            proposal.retry(release_at=at)
    right = locked.right
    decision = votes.new_decision(
        proposal, by=by, roles=right.roles, verdict=Decision.Verdict.RETRY, at=at, absence=right.absence
    )
    data = votes.ledger_data(decision, policy=locked.now.policy)
    beside = Beside(rows=[decision], said=Announcement(decision=statements.by_person(decision)))
    entry_data = {"dispatch": str(dispatch.pk), **data}
    return transitions.save(proposal, "proposal.retried", was=was, by=by, at=at, beside=beside, **entry_data)


def _failed(proposal: Proposal, *, at: datetime) -> Dispatch:
    """Lock what has failed of a locked proposal. Raises StateConflict where nothing has, or it is too late."""
    rows = Dispatch.objects.select_for_update().filter(proposal=proposal, status=DispatchStatus.FAILED)
    dispatch: Dispatch | None = rows.first()
    if dispatch is None or proposal.state not in {State.FAILED, State.SHIPPED}:
        raise StateConflict(_("Nothing of this proposal has failed."))
    if proposal.state == State.FAILED and proposal.expires_at and proposal.expires_at <= at:
        raise StateConflict(_("The proposal has expired and cannot be shipped any more."))
    return dispatch


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
        raise NothingToRollBack(_("This proposal has no rollback."))
    if Dispatch.objects.filter(proposal=proposal, kind=Dispatch.Kind.ROLLBACK).exists():
        raise StateConflict(_("The roll back is under way already."))
    at, right = locked.now.at, locked.right
    decision = votes.new_decision(
        proposal,
        by=by,
        roles=right.roles,
        verdict=Decision.Verdict.ROLL_BACK,
        at=at,
        comment=comment,
        absence=right.absence,
    )
    dispatch = dispatches.enqueue_rollback(
        proposal, connector=locked.surface.connector, decision=statements.by_person(decision), at=at
    )
    data = votes.ledger_data(decision, policy=locked.now.policy)
    return transitions.save(
        proposal,
        "proposal.rollback_ordered",
        was=proposal.state,
        by=by,
        at=at,
        beside=Beside(rows=[decision]),
        dispatch=str(dispatch.pk),
        **data,
    )


@dataclass(frozen=True, slots=True)
class _Locked:
    proposal: Proposal
    now: Current
    surface: SurfacePolicy
    right: eligibility.Right


def _lock(proposal_id: UUID, person: User) -> _Locked:
    """Lock a proposal on which `person` may decide, with what the policy in force says of its surface."""
    proposal = Proposal.objects.locked_whole(proposal_id)
    now = load_current(agent=proposal.agent_id, surface=proposal.surface_id)
    surface = now.policy.surfaces.get(proposal.surface_id)
    if surface is None:
        raise StateConflict(_("The surface %s is not published.") % proposal.surface_id)
    return _Locked(proposal, now, surface, eligibility.right(person, proposal, surface))
