"""Claim one dispatch at a time. Rechecks, under locks, everything that its approval promised."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final, TypeAlias, cast
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from approvals.errors import NotYet, StateConflict
from approvals.evaluation.limits.recount import with_limits
from approvals.models import Dispatch, DispatchStatus, Proposal, State
from approvals.outbox import backoff, statements
from approvals.shipping import claimable, dispatches, enforcement, grants, kinds
from approvals.uploads import dispatched_rows, stored_rows
from audit import canonical
from audit.clock import database_now
from policies.models import Agent, Connector
from policies.publishing.current import Current, hold_current

Look: TypeAlias = Callable[[], Dispatch | None]
"""Locks and reads a dispatch that is due, if there is one."""
UNHEARD: Final = "The agent consumed the approval and never said what came of it. It may have run."


@dataclass(frozen=True, slots=True)
class Claim:
    """One dispatch in one worker's hands until `lease_until`, with the bytes to ship and their grant."""

    dispatch: Dispatch
    body: bytes
    grant: str
    fence: int
    lease_until: datetime


def claim_next(*, worker: str, kind: Connector.Kind, executor: Agent | None = None) -> Claim | None:
    """Claim the dispatch that is due longest, or return None if there is none that may ship now.

    Takes the rows with SKIP LOCKED, so workers never wait for each other or for a person, and rechecks
    everything that approval promised, by the policy in force. What may not ship any more is taken back or failed
    here, with the reason, and the next one is tried. `executor` limits a pull to the connectors that this agent
    executes.
    """
    if executor is None:
        return _claim_first(partial(claimable.due, kind), claimable.first_due(kind), worker)
    due = claimable.due(kind).filter(connector__executor=executor)
    return _claim_first(lambda: due, due.first, worker)


def consume(*, agent: Agent, proposal_id: UUID) -> Claim:
    """Spend the approval of a proposal behind a gate: its agent may run it, this once.

    Rechecks all that every claim does. What is spent stays spent, whatever is heard of it. Raises
    Proposal.DoesNotExist, NotYet and StateConflict.
    """
    due = claimable.due(kinds.SPENT_BY_A_CLAIM).filter(
        proposal=proposal_id, proposal__agent=agent, kind=Dispatch.Kind.EXECUTE, status=DispatchStatus.WAITING
    )
    if (claim := _claim_first(lambda: due, due.first, f"agent/{agent.slug}")) is not None:
        return claim
    raise _why_not(Proposal.objects.as_of_now().get(agent=agent, pk=proposal_id))


def _why_not(proposal: Proposal) -> StateConflict:
    dispatch = proposal.dispatches.select_related("connector").filter(kind=Dispatch.Kind.EXECUTE).first()
    state = proposal.state_now  # type: ignore[attr-defined]  # as_of_now annotates it
    if dispatch is not None and dispatch.connector is not None and dispatch.connector.kind != kinds.SPENT_BY_A_CLAIM:
        return StateConflict(_("The portal itself ships what is approved on this surface; nothing is to be consumed."))
    if state != State.APPROVED:
        return StateConflict(_("A proposal that is %s cannot be consumed.") % state)
    if dispatch is None or dispatch.status != DispatchStatus.WAITING:
        return StateConflict(_("This approval was spent already."))
    return NotYet(_("It is approved, and held back for a while, or stopped by a kill switch. Ask again later."))


def give_up_unheard(*, most: int = 50) -> int:
    """Let fail what was consumed and never reported, since it may have run and must not run again; return how many."""
    done = 0
    while done < most and _give_up_one():
        done += 1
    return done


@transaction.atomic
def _give_up_one() -> bool:
    dispatch = claimable.due(kinds.SPENT_BY_A_CLAIM).filter(status=DispatchStatus.CLAIMED).first()
    if dispatch is None:
        return False
    at = database_now()
    dispatches.end_attempt(dispatch, at=at, error=UNHEARD)
    dispatches.give_up(dispatch, UNHEARD, at=at)
    return True


def _claim_first(all_due: Callable[[], QuerySet[Dispatch]], look: Look, worker: str) -> Claim | None:
    """Claim the first of what is due. `look` reads that; all of it is asked for only where that may not ship."""
    turn = _turn(look, worker)
    if not isinstance(turn, Q):
        return turn
    due, is_narrowed = all_due(), False
    while isinstance(turn, Q):  # each turn takes something out of what is due, or brings it under the policy in force
        if turn:
            due = due.exclude(turn)
        if turn and not is_narrowed:
            # What stands in one's way stands in the way of others: then all of it is left out at once.
            due, is_narrowed = claimable.unhindered(due), True
        turn = _turn(due.first, worker)
    return turn


@with_limits
def _turn(look: Look, worker: str) -> Claim | Q | None:
    """Claim what we see when we `look`. Where it may not ship, return what not to look at again: nothing if empty."""
    if (dispatch := look()) is None:
        return None
    proposal = dispatch.proposal
    now = hold_current(agent=proposal.agent_id, surface=proposal.surface_id)
    if now.switches:
        return Q(proposal__agent=proposal.agent_id, proposal__surface=proposal.surface_id)
    # Targets may keep us waiting; the switches, the policy and its clock were read after all other waits.
    at = claimable.hold_targets(proposal) if proposal.targets else now.at
    if at is None:
        return Q(proposal__targets__overlap=proposal.targets)
    return _claim(dispatch, now, worker=worker, at=at)


def _claim(dispatch: Dispatch, now: Current, *, worker: str, at: datetime) -> Claim | Q | None:
    """Claim a locked dispatch that no switch and no other claim hinders, if it keeps what its approval promised."""
    proposal = dispatch.proposal
    if dispatch.fence == 0 and _has_expired(dispatch, at):
        return None  # in this very instant; the sweep of `escalation` says so
    if dispatch.kind == Dispatch.Kind.EXECUTE and _is_taken_back(proposal, now):
        return Q()
    dispatch.read_revision()
    if dispatch.status == DispatchStatus.CLAIMED:
        dispatches.end_attempt(dispatch, at=at, error=dispatches.WENT_AWAY)
    if (reason := _obstacle(dispatch, at)) is None:
        return _lease(dispatch, worker=worker, at=at, policy=now.policy.number)
    dispatches.give_up(dispatch, reason, at=at)
    return Q()


def _is_taken_back(proposal: Proposal, now: Current) -> bool:
    """Bring a proposal that is to ship under the policy in force; say whether it has to be looked at again."""
    if proposal.state != State.APPROVED:
        return False
    if enforcement.is_due(proposal, now):
        enforcement.enforce(proposal, now)
        return True
    if enforcement.is_stale(proposal, now):
        enforcement.ask_again(proposal, now)
        return True
    return False


def _obstacle(dispatch: Dispatch, at: datetime) -> str | None:
    """Return why this dispatch may not ship, or None."""
    proposal = dispatch.proposal
    if dispatch.connector is None:
        return "This surface has no connector. Choose one, then retry."
    if dispatch.attempts_made >= backoff.MAX_ATTEMPTS:
        return f"No worker finished it in {backoff.MAX_ATTEMPTS} attempts."
    if canonical.digest(dispatch.body) != dispatch.digest:
        return "The stored bytes are not the approved ones."
    if (damage := stored_rows.damage(dispatch.body)) is not None:
        return damage
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


def _lease(dispatch: Dispatch, *, worker: str, at: datetime, policy: int) -> Claim:
    connector, proposal = dispatch.connector, dispatch.proposal
    assert connector is not None, "only dispatches with a connector are due"
    lifetime = kinds.of(connector).lease(connector)
    grant = grants.issue(
        dispatch_id=dispatch.pk,
        proposal_id=proposal.pk,
        revision=dispatch.revision.number,
        digest=dispatch.digest,
        surface=proposal.surface_id,
        action=proposal.action,
        connector=connector.slug,
        kind=cast(grants.Kind, dispatch.kind),
        decision=statements.brief(dispatch.decision),
        at=at,
        lifetime=lifetime + dispatched_rows.time_for(dispatch.body),
    )
    in_force = policy if dispatch.kind == Dispatch.Kind.EXECUTE else None
    dispatches.lease(dispatch, worker=worker, at=at, until=at + lifetime, grant=grant, policy=in_force)
    return Claim(dispatch, dispatch.body, grant, dispatch.fence, at + lifetime)
