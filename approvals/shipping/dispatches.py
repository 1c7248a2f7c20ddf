"""Ship what was decided: claim one dispatch at a time, and write down what came of it.

The only writer of dispatches and attempts. Nothing here talks to the network: `delivery` does, between
a claim and its result, outside any transaction.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, cast
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from approvals import transitions
from approvals.errors import LeaseLost, StateConflict
from approvals.evaluation import conflicts
from approvals.models import Attempt, Dispatch, DispatchStatus, Proposal, State
from approvals.outbox import backoff
from approvals.outbox.wakeups import wake
from approvals.shipping import claimable, grants, sampling
from audit import canonical
from audit.clock import database_now
from audit.ledger import entries
from audit.ledger.entries import SYSTEM, Actor
from policies import plain_text
from policies.models import Agent, Connector

PULL_LEASE: Final = timedelta(minutes=5)
WEBHOOK_LEASE_MARGIN: Final = timedelta(seconds=30)
SHIP_TASK: Final = "approvals.tasks.ship_due"


@dataclass(frozen=True, slots=True)
class Claim:
    """One dispatch in one worker's hands until `lease_until`, with the bytes to ship and their grant."""

    dispatch: Dispatch
    body: bytes
    grant: str
    fence: int
    lease_until: datetime


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
    """Write the dispatch of an approved proposal; one that was cancelled by an undo comes back to life."""
    Dispatch.objects.bulk_create(
        [new_dispatch(proposal, connector=connector, at=at)],
        update_conflicts=True,
        unique_fields=["revision", "kind"],
        update_fields=["status", "next_attempt_at", "connector"],
    )
    wake_for(proposal, at=at)


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


def claim_next(*, worker: str, kind: Connector.Kind, executor: Agent | None = None) -> Claim | None:
    """Claim the dispatch that is due longest, or return None if there is none that may ship now.

    Takes the rows with SKIP LOCKED, so workers never wait for each other or for a person, and rechecks
    everything that approval promised. What can never ship any more is failed here, with the reason, and
    the next one is tried. `executor` limits a pull to the connectors that this agent executes.
    """
    due = claimable.due(kind)
    if executor is not None:
        due = due.filter(connector__executor=executor)
    while True:  # each turn takes something out of what is due
        with transaction.atomic():
            dispatch = due.first()
            if dispatch is None:
                return None
            proposal = dispatch.proposal
            if not claimable.switches_are_open(proposal):
                due = due.exclude(proposal__agent=proposal.agent_id, proposal__surface=proposal.surface_id)
                continue
            if not claimable.targets_are_free(proposal):
                due = due.exclude(proposal__targets__overlap=proposal.targets)
                continue
            at = database_now()
            if dispatch.fence == 0 and _has_expired(dispatch, at):
                return None  # in this very instant; the sweep of `escalation` says so
            if dispatch.status == DispatchStatus.CLAIMED:
                _end_attempt(dispatch, at=at, error="The worker that held it went away.")
            if (reason := _obstacle(dispatch, at)) is None:
                return _lease(dispatch, worker=worker, at=at)
            _give_up(dispatch, reason, at=at)


def _obstacle(dispatch: Dispatch, at: datetime) -> str | None:
    """Return why this dispatch may not ship, or None."""
    proposal = dispatch.proposal
    if dispatch.connector is None:
        return "This surface has no connector. Choose one, then retry."
    if dispatch.attempts_made >= backoff.MAX_ATTEMPTS:
        return f"No worker finished it in {backoff.MAX_ATTEMPTS} attempts."
    if canonical.digest(dispatch.body) != dispatch.digest:
        return "The stored bytes are not the approved ones."
    if dispatch.kind == Dispatch.Kind.EXECUTE:
        return _no_clearance(dispatch, at)
    return None if proposal.state == State.SHIPPED else f"The proposal is {proposal.state}, not shipped."


def _no_clearance(dispatch: Dispatch, at: datetime) -> str | None:
    """Return what the approval of this dispatch lacks, or None."""
    proposal = dispatch.proposal
    if proposal.state != State.APPROVED or proposal.release_at is None or proposal.release_at > at:
        return f"The proposal is {proposal.state} and not released."
    if dispatch.revision_id != proposal.revision_id or dispatch.digest != proposal.approved_digest:
        return "Another revision was approved."
    return "It expired before it could be shipped." if _has_expired(dispatch, at) else None


def _has_expired(dispatch: Dispatch, at: datetime) -> bool:
    expires_at = dispatch.proposal.expires_at
    return dispatch.kind == Dispatch.Kind.EXECUTE and expires_at is not None and expires_at <= at


def _lease(dispatch: Dispatch, *, worker: str, at: datetime) -> Claim:
    connector = dispatch.connector
    assert connector is not None, "only dispatches with a connector are due"
    is_pull = connector.kind == Connector.Kind.PULL
    lease = PULL_LEASE if is_pull else timedelta(seconds=connector.timeout_seconds) + WEBHOOK_LEASE_MARGIN
    proposal = dispatch.proposal
    dispatch.status = DispatchStatus.CLAIMED
    dispatch.fence += 1
    dispatch.attempts_made += 1
    dispatch.lease_until = at + lease
    dispatch.grant = grants.issue(
        dispatch_id=dispatch.pk,
        proposal_id=proposal.pk,
        revision=dispatch.revision.number,
        digest=dispatch.digest,
        surface=proposal.surface_id,
        action=proposal.action,
        connector=connector.slug,
        kind=cast(grants.Kind, dispatch.kind),
        at=at,
        lifetime=lease,
    )
    dispatch.save()
    Attempt.objects.create(
        dispatch=dispatch, fence=dispatch.fence, worker=worker, digest=dispatch.digest, started_at=at
    )
    _tell(dispatch, "dispatch.claimed", at=at, by=Actor(f"worker:{worker}"))
    return Claim(dispatch, dispatch.body, dispatch.grant, dispatch.fence, at + lease)


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
    _end_attempt(dispatch, at=at, http_status=http_status)
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
    _end_attempt(dispatch, at=at, error=error, http_status=http_status)
    if is_final or dispatch.attempts_made >= backoff.MAX_ATTEMPTS:
        _give_up(dispatch, error, at=at)
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


def _end_attempt(dispatch: Dispatch, *, at: datetime, error: str = "", http_status: int | None = None) -> None:
    Attempt.objects.filter(dispatch=dispatch, fence=dispatch.fence, ended_at=None).update(
        ended_at=at, error=error[:500], http_status=http_status
    )


def _give_up(dispatch: Dispatch, reason: str, *, at: datetime) -> None:
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
