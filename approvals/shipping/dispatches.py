"""The only writer of dispatches and attempts: enqueue, lease, end, retry, cancel.

Nothing here talks to the network: `delivery` does, between a claim and its result, outside any transaction.
"""

import random
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from approvals import transitions
from approvals.errors import LeaseLost, StateConflict
from approvals.evaluation import conflicts
from approvals.models import Attempt, Dispatch, DispatchStatus, Proposal, State
from approvals.outbox import backoff
from approvals.outbox.wakeups import wake
from approvals.shipping import sampling
from audit.clock import database_now
from audit.ledger import entries
from audit.ledger.entries import SYSTEM, Actor
from policies import plain_text
from policies.models import Connector

SHIP_TASK: Final = "approvals.tasks.ship_due"
WENT_AWAY: Final = "The worker that held it went away."


def new_dispatch(proposal: Proposal, *, connector: str | None, at: datetime) -> Dispatch:
    """Make the dispatch of a proposal that has just been approved, unsaved."""
    assert proposal.release_at is not None, "an approved proposal has its release time"
    return Dispatch(
        proposal=proposal,
        revision=proposal.revision,
        kind=Dispatch.Kind.EXECUTE,
        connector_id=connector,
        digest=proposal.approved_digest,
        next_attempt_at=proposal.release_at,
        created_at=at,
    )


def enqueue(proposal: Proposal, *, connector: str | None, at: datetime) -> None:
    """Write the dispatch of an approved proposal; one that was cancelled comes back to life."""
    Dispatch.objects.bulk_create(
        [new_dispatch(proposal, connector=connector, at=at)],
        update_conflicts=True,
        unique_fields=["revision", "kind"],
        update_fields=["status", "next_attempt_at", "connector", "attempts_made"],
    )
    wake_for(proposal, at=at)


def enqueue_rollback(proposal: Proposal, *, connector: str | None, at: datetime) -> Dispatch:
    """Write the dispatch of a shipped proposal's own rollback payload."""
    dispatch: Dispatch = Dispatch.objects.create(
        proposal=proposal,
        revision=proposal.revision,
        kind=Dispatch.Kind.ROLLBACK,
        connector_id=connector,
        digest=proposal.revision.rollback_digest,
        next_attempt_at=at,
        created_at=at,
    )
    wake(SHIP_TASK)
    return dispatch


def wake_for(proposal: Proposal, *, at: datetime) -> None:
    """Wake the dispatcher after the commit, if the approved proposal may ship at once."""
    assert proposal.release_at is not None, "an approved proposal has its release time"
    if proposal.release_at <= at:
        wake(SHIP_TASK)


def cancel(proposal: Proposal) -> None:
    """Cancel the dispatch of a locked proposal, if it has one. Raises StateConflict once it was claimed."""
    dispatch = (
        Dispatch.objects.select_for_update()
        .filter(proposal=proposal, kind=Dispatch.Kind.EXECUTE)
        .exclude(status=DispatchStatus.CANCELLED)
        .first()
    )
    if dispatch is None:
        return
    if dispatch.fence > 0:
        # It may have reached the far side, so only a roll back can take it back.
        raise StateConflict(_("It is on its way already. Once it has shipped you can roll it back."))
    dispatch.status = DispatchStatus.CANCELLED
    dispatch.save(update_fields=["status"])


def is_on_its_way(proposal: Proposal, *, at: datetime) -> bool:
    """Whether a worker has a locked proposal in its hands. One whose lease has run out has let go of it."""
    rows = Dispatch.objects.filter(proposal=proposal, kind=Dispatch.Kind.EXECUTE)
    return rows.filter(status=DispatchStatus.CLAIMED, lease_until__gt=at).exists()


def take_back(proposal: Proposal, *, at: datetime) -> None:
    """Cancel the dispatch of a locked proposal that is not on its way, though it may have been before."""
    if (dispatch := _let_go(proposal, at=at)) is not None:
        dispatch.status = DispatchStatus.CANCELLED
        dispatch.save()


def delay(proposal: Proposal, *, until: datetime) -> None:
    """Let the dispatch of a locked proposal that is not on its way wait longer."""
    if (dispatch := _let_go(proposal, at=until)) is not None:
        dispatch.status = DispatchStatus.WAITING
        dispatch.next_attempt_at = until
        dispatch.save()


def _let_go(proposal: Proposal, *, at: datetime) -> Dispatch | None:
    """Lock the dispatch of a locked proposal, and end the attempt of a worker that went away."""
    rows = Dispatch.objects.select_for_update().filter(proposal=proposal, kind=Dispatch.Kind.EXECUTE)
    dispatch: Dispatch | None = rows.exclude(status=DispatchStatus.CANCELLED).first()
    if dispatch is not None and dispatch.status == DispatchStatus.CLAIMED:
        end_attempt(dispatch, at=at, error=WENT_AWAY)
        dispatch.lease_until = None
    return dispatch


def lease(dispatch: Dispatch, *, worker: str, at: datetime, until: datetime, grant: str, policy: int | None) -> None:
    """Put a locked dispatch into one worker's hands, and begin an attempt; keep what proves that it may.

    `policy` is the version in force, and None where the policy has no say: in a roll back.
    """
    dispatch.status = DispatchStatus.CLAIMED
    dispatch.fence += 1
    dispatch.attempts_made += 1
    dispatch.lease_until = until
    dispatch.grant = grant
    dispatch.save()
    Attempt.objects.create(
        dispatch=dispatch,
        fence=dispatch.fence,
        worker=worker,
        digest=dispatch.digest,
        started_at=at,
        policy_version=policy,
        requirements=dispatch.proposal.requirements,
        distinct_people=dispatch.proposal.distinct_people,
    )
    _tell(dispatch, "dispatch.claimed", at=at, by=Actor(f"worker:{worker}"))


def try_again(dispatch: Dispatch, *, connector: Connector | None, at: datetime) -> None:
    """Let a locked dispatch that has failed be claimed again now, through `connector`."""
    dispatch.status = DispatchStatus.WAITING
    dispatch.connector = connector
    dispatch.attempts_made = 0
    dispatch.next_attempt_at = at
    dispatch.save()


@transaction.atomic
def complete(*, dispatch_id: UUID, fence: int, receipt: Any, http_status: int | None = None) -> Dispatch:
    """Record the executor's receipt: the proposal is shipped (or rolled back).

    Raises LeaseLost if another worker has claimed it since. A repeated receipt of the same claim
    changes nothing.
    """
    dispatch = _lock(dispatch_id)
    if dispatch.status == DispatchStatus.DELIVERED and dispatch.fence == fence:
        return dispatch
    _require_lease(dispatch, fence)
    at = database_now()
    end_attempt(dispatch, at=at, http_status=http_status)
    dispatch.status = DispatchStatus.DELIVERED
    dispatch.lease_until = None
    dispatch.delivered_at = at
    dispatch.receipt = receipt
    dispatch.last_error = ""
    dispatch.save()
    proposal, was = dispatch.proposal, dispatch.proposal.state
    if dispatch.kind == Dispatch.Kind.EXECUTE:
        proposal.ship()
        conflicts.has_shipped(proposal, at=at)
    else:
        proposal.roll_back()
    kind = "proposal.shipped" if dispatch.kind == Dispatch.Kind.EXECUTE else "proposal.rolled_back"
    transitions.save(proposal, kind, was=was, by=None, at=at, dispatch=str(dispatch.pk), shipped=dispatch.digest)
    if dispatch.kind == Dispatch.Kind.EXECUTE:
        sampling.draw(proposal, at=at)
    return dispatch


@transaction.atomic
def postpone(
    *,
    dispatch_id: UUID,
    fence: int,
    error: str,
    is_final: bool = False,
    http_status: int | None = None,
    after: timedelta | None = None,
) -> Dispatch:
    """Record a failed attempt and try again later, or give up if it `is_final` or was tried enough.

    `after` is what the far side asked us to wait. Raises LeaseLost.
    """
    dispatch = _lock(dispatch_id)
    _require_lease(dispatch, fence)
    at = database_now()
    error = plain_text.one_line(plain_text.kept(error))
    end_attempt(dispatch, at=at, error=error, http_status=http_status)
    if is_final or dispatch.attempts_made >= backoff.MAX_ATTEMPTS:
        give_up(dispatch, error, at=at)
        return dispatch
    # The jitter spreads retries; it decides nothing.
    wait = after or backoff.delay(dispatch.attempts_made, jitter=random.random())  # noqa: S311
    dispatch.status = DispatchStatus.WAITING
    dispatch.lease_until = None
    dispatch.next_attempt_at = at + wait
    dispatch.last_error = error[:500]
    dispatch.save()
    _tell(dispatch, "dispatch.postponed", at=at)
    return dispatch


def _lock(dispatch_id: UUID) -> Dispatch:
    """Lock the proposal first and then its dispatch, in the order that everybody does."""
    proposal_id = Dispatch.objects.values_list("proposal_id", flat=True).get(pk=dispatch_id)
    proposal = Proposal.objects.locked(proposal_id)
    dispatch = Dispatch.objects.select_for_update(of=("self",)).select_related("revision").get(pk=dispatch_id)
    dispatch.proposal = proposal
    return dispatch


def _require_lease(dispatch: Dispatch, fence: int) -> None:
    if dispatch.status != DispatchStatus.CLAIMED or dispatch.fence != fence:
        raise LeaseLost("Another worker has this dispatch now, or it is finished.")


def end_attempt(dispatch: Dispatch, *, at: datetime, error: str = "", http_status: int | None = None) -> None:
    """Write down how the running attempt at a locked dispatch has ended."""
    Attempt.objects.filter(dispatch=dispatch, fence=dispatch.fence, ended_at=None).update(
        ended_at=at, error=error[:500], http_status=http_status
    )


def give_up(dispatch: Dispatch, reason: str, *, at: datetime) -> None:
    """Move a locked dispatch to the dead letters, where a person can retry it."""
    dispatch.status = DispatchStatus.FAILED
    dispatch.lease_until = None
    dispatch.last_error = reason[:500]
    dispatch.save()
    proposal, was = dispatch.proposal, dispatch.proposal.state
    is_its_own = dispatch.kind == Dispatch.Kind.EXECUTE and dispatch.revision_id == proposal.revision_id
    if is_its_own and was == State.APPROVED:
        proposal.fail()
        transitions.save(proposal, "proposal.failed", was=was, by=None, at=at, dispatch=str(dispatch.pk), reason=reason)
    else:
        _tell(dispatch, "dispatch.failed", at=at)


def _tell(dispatch: Dispatch, kind: str, *, at: datetime, by: Actor = SYSTEM) -> None:
    entries.record(
        kind,
        subject=f"proposal:{dispatch.proposal_id}",
        actor=by,
        at=at,
        data={"dispatch": str(dispatch.pk), "fence": dispatch.fence, "digest": dispatch.digest},
    )
