"""Claim one dispatch at a time. Rechecks, under locks, everything that its approval promised."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from django.db import transaction

from approvals.models import Dispatch, DispatchStatus, State
from approvals.outbox import backoff
from approvals.shipping import claimable, dispatches, grants, kinds
from audit import canonical
from audit.clock import database_now
from policies.models import Agent, Connector


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
                dispatches.end_attempt(dispatch, at=at, error="The worker that held it went away.")
            if (reason := _obstacle(dispatch, at)) is None:
                return _lease(dispatch, worker=worker, at=at)
            dispatches.give_up(dispatch, reason, at=at)


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
        at=at,
        lifetime=lifetime,
    )
    dispatches.lease(dispatch, worker=worker, at=at, until=at + lifetime, grant=grant)
    return Claim(dispatch, dispatch.body, grant, dispatch.fence, at + lifetime)
