"""Enqueue, lease, end, retry and cancel dispatches. The only writer of dispatches and attempts.

Nothing here talks to the network: `delivery` does, between a claim and its result, outside any transaction.
"""

import random
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Model
from django.utils.translation import gettext as _

from approvals import transitions
from approvals.errors import LeaseLost, StateConflict
from approvals.evaluation import conflicts
from approvals.models import Attempt, Dispatch, DispatchStatus, Proposal, State
from approvals.models.stored_row import Statement
from approvals.models.together import inserting, write_together
from approvals.outbox import backoff
from approvals.outbox.callbacks import Announcement
from approvals.outbox.statements import Said
from approvals.outbox.wakeups import wake
from approvals.shipping import sampling
from approvals.transitions import Beside
from audit.ledger import entries
from audit.ledger.entries import SYSTEM, Actor
from audit.models import Entry
from policies import plain_text
from policies.engine.policy import Policy
from policies.models import Connector
from policies.publishing.publish import compiled

SHIP_TASK: Final = "approvals.tasks.ship_due"
WENT_AWAY: Final = "The worker that held it went away."


def new_dispatch(proposal: Proposal, *, connector: str | None, decision: Said, at: datetime) -> Dispatch:
    """Make the dispatch of a proposal that has just been approved, unsaved; `decision` says by whom and why."""
    assert proposal.release_at is not None, "an approved proposal has its release time"
    return Dispatch(
        proposal=proposal,
        revision=proposal.revision,
        kind=Dispatch.Kind.EXECUTE,
        connector_id=connector,
        decision=decision,
        digest=proposal.approved_digest,
        next_attempt_at=proposal.release_at,
        created_at=at,
    )


_BACK_TO_LIFE: Final = """
    ON CONFLICT (revision_id, kind) DO UPDATE
   SET status = excluded.status, next_attempt_at = excluded.next_attempt_at, connector_id = excluded.connector_id,
       decision = excluded.decision, attempts_made = excluded.attempts_made
RETURNING *"""


def enqueue(proposal: Proposal, *, connector: str | None, decision: Said, at: datetime) -> Dispatch:
    """Write the dispatch of an approved proposal; one that was cancelled comes back to life."""
    row = new_dispatch(proposal, connector=connector, decision=decision, at=at)
    sql, parameters = inserting(row, conflict=_BACK_TO_LIFE)
    (dispatch,) = Dispatch.objects.raw(sql, parameters)
    wake_for(proposal, at=at)
    return dispatch


def enqueue_rollback(proposal: Proposal, *, connector: str | None, decision: Said, at: datetime) -> Dispatch:
    """Write the dispatch of a shipped proposal's own rollback payload."""
    dispatch: Dispatch = Dispatch.objects.create(
        proposal=proposal,
        revision=proposal.revision,
        kind=Dispatch.Kind.ROLLBACK,
        connector_id=connector,
        decision=decision,
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
    rows = Dispatch.objects.select_for_update().filter(proposal=proposal, kind=Dispatch.Kind.EXECUTE)
    if (dispatch := rows.exclude(status=DispatchStatus.CANCELLED).first()) is None:
        return
    if dispatch.fence > 0:
        # It may have reached the far side, so only a roll back can take it back.
        raise StateConflict(_("It is already shipping. You can roll it back afterwards."))
    dispatch.status = DispatchStatus.CANCELLED
    dispatch.save(update_fields=["status"])


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
    attempt = Attempt(
        dispatch=dispatch,
        fence=dispatch.fence,
        worker=worker,
        digest=dispatch.digest,
        started_at=at,
        policy_version=policy,
        requirements=dispatch.proposal.requirements,
        distinct_people=dispatch.proposal.distinct_people,
    )
    write_together([dispatch], [attempt, _entry(dispatch, "dispatch.claimed", at=at, by=Actor(f"worker:{worker}"))])


@transaction.atomic
def renew(*, dispatch_id: UUID, fence: int, lifetime: timedelta) -> Dispatch:
    """Give the holder of a lease more time. Raises LeaseLost once another has it, or it is finished."""
    held = _lock(dispatch_id)
    _require_lease(held.dispatch, fence)
    held.dispatch.lease_until = held.at + lifetime
    held.dispatch.save()
    return held.dispatch


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
    held = _lock(dispatch_id)
    dispatch, proposal, at = held.dispatch, held.dispatch.proposal, held.at
    if dispatch.status == DispatchStatus.DELIVERED and dispatch.fence == fence:
        return dispatch
    _require_lease(dispatch, fence)
    dispatch.status = DispatchStatus.DELIVERED
    dispatch.lease_until = None
    dispatch.delivered_at = at
    dispatch.receipt = receipt
    dispatch.last_error = ""
    was, kind = proposal.state, "proposal.rolled_back"
    rows: list[Model] = []
    then = [_ending(dispatch, at=at, http_status=http_status)]
    if dispatch.kind == Dispatch.Kind.EXECUTE:
        kind = "proposal.shipped"
        proposal.ship()
        then += conflicts.shipping(proposal, at=at)
        rows += sampling.draw(proposal, held.policy, is_by_people=held.is_by_people, at=at)
    else:
        proposal.roll_back()
    beside = Beside([dispatch], rows, then, said=Announcement(decision=dispatch.decision, receipt=receipt))
    data = {"dispatch": str(dispatch.pk), "shipped": dispatch.digest}
    transitions.save(proposal, kind, was=was, by=None, at=at, beside=beside, **data)
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
    held = _lock(dispatch_id)
    dispatch, at = held.dispatch, held.at
    _require_lease(dispatch, fence)
    error = plain_text.one_line(plain_text.kept(error))
    ending = _ending(dispatch, at=at, error=error, http_status=http_status)
    if is_final or dispatch.attempts_made >= backoff.MAX_ATTEMPTS:
        write_together((), (), ending)
        give_up(dispatch, error, at=at)
        return dispatch
    # The jitter spreads retries; it decides nothing.
    wait = after or backoff.delay(dispatch.attempts_made, jitter=random.random())  # noqa: S311
    dispatch.status = DispatchStatus.WAITING
    dispatch.lease_until = None
    dispatch.next_attempt_at = at + wait
    dispatch.last_error = error[:500]
    write_together([dispatch], [_entry(dispatch, "dispatch.postponed", at=at)], ending)
    return dispatch


class _Held(NamedTuple):
    """A dispatch and its proposal under their locks, with what its end depends on."""

    dispatch: Dispatch
    at: datetime
    policy: Policy
    is_by_people: bool


def _lock(dispatch_id: UUID) -> _Held:
    """Lock a dispatch and its proposal. Raises Dispatch.DoesNotExist."""
    dispatch = Dispatch.objects.locked_whole(dispatch_id)
    return _Held(dispatch, dispatch.now, compiled(*dispatch.version), dispatch.is_by_people)


def _require_lease(dispatch: Dispatch, fence: int) -> None:
    if dispatch.status != DispatchStatus.CLAIMED or dispatch.fence != fence:
        raise LeaseLost("Another worker has this dispatch now, or it is finished.")


def end_attempt(dispatch: Dispatch, *, at: datetime, error: str = "", http_status: int | None = None) -> None:
    """Write down how the running attempt at a locked dispatch has ended."""
    write_together((), (), _ending(dispatch, at=at, error=error, http_status=http_status))


_END: Final = """
UPDATE approvals_attempt SET ended_at = %s, error = %s, http_status = %s
 WHERE dispatch_id = %s AND fence = %s AND ended_at IS NULL"""


def _ending(dispatch: Dispatch, *, at: datetime, error: str = "", http_status: int | None = None) -> Statement:
    return Statement(_END, [at, error[:500], http_status, dispatch.pk, dispatch.fence])


def give_up(dispatch: Dispatch, reason: str, *, at: datetime) -> None:
    """Move a locked dispatch to the dead letters, where a person can retry it."""
    dispatch.status = DispatchStatus.FAILED
    dispatch.lease_until = None
    dispatch.last_error = reason[:500]
    proposal, was = dispatch.proposal, dispatch.proposal.state
    is_its_own = dispatch.kind == Dispatch.Kind.EXECUTE and dispatch.revision_id == proposal.revision_id
    if is_its_own and was == State.APPROVED:
        proposal.fail()
        data = {"dispatch": str(dispatch.pk), "reason": reason}
        beside = Beside([dispatch], said=Announcement(decision=dispatch.decision))
        transitions.save(proposal, "proposal.failed", was=was, by=None, at=at, beside=beside, **data)
    else:
        write_together([dispatch], [_entry(dispatch, "dispatch.failed", at=at)])


def _entry(dispatch: Dispatch, kind: str, *, at: datetime, by: Actor = SYSTEM) -> Entry:
    data: dict[str, Any] = {"dispatch": str(dispatch.pk), "fence": dispatch.fence, "digest": dispatch.digest}
    data |= dispatch.proposal.trace()
    subject, trace_id = f"proposal:{dispatch.proposal_id}", dispatch.proposal.trace_id
    return entries.entry(kind, subject=subject, actor=by, at=at, data=data, trace_id=trace_id)
