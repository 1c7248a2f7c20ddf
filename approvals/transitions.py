"""One step of a proposal's life, written down: the row, the ledger entry, the callback."""

from datetime import datetime
from typing import Final

from django.contrib.auth.models import User

from approvals.evaluation import conflicts, context, limits
from approvals.models import Proposal
from approvals.notices import occasions
from approvals.outbox import callbacks
from audit.canonical import JsonValue
from audit.ledger import entries
from audit.models import Entry
from policies.actors import actor
from policies.models import Agent

NEW_CONTENT: Final = frozenset({"proposal.edited", "proposal.revised"})


def save(
    proposal: Proposal,
    kind: str,
    *,
    was: str,
    by: User | Agent | None,
    at: datetime,
    **data: JsonValue,
) -> Proposal:
    """Save `proposal` after a transition from state `was`, append its ledger entry, tell its agent and people.

    Running totals and conflicts follow. Call it in the transaction that holds the proposal's lock.
    """
    proposal.updated_at = at
    proposal.save()
    note(proposal, kind, was=was, by=by, at=at, **data)
    if kind in NEW_CONTENT or _changes_hands(was, proposal.state):
        context.follow(proposal, was=was, at=at)
    if proposal.state != was:
        callbacks.enqueue(proposal, at=at)
    occasions.follow(proposal, was=was, has_new_content=kind in NEW_CONTENT, by=by, at=at)
    return proposal


def _changes_hands(was: str, now: str) -> bool:
    """Whether a step from one state to the other gives up, or takes back, what a proposal holds."""
    return any((was in given_up) is not (now in given_up) for given_up in (conflicts.GIVEN_UP, limits.GIVEN_BACK))


def note(proposal: Proposal, kind: str, *, was: str, by: User | Agent | None, at: datetime, **data: JsonValue) -> None:
    """Append the ledger entry of a step: states before and after, revision and digest, and `data`."""
    entries.append(entry(proposal, kind, was=was, by=by, at=at, **data))


def entry(
    proposal: Proposal, kind: str, *, was: str, by: User | Agent | None, at: datetime, **data: JsonValue
) -> Entry:
    """Return the ledger entry of a step, unsaved, for a caller that inserts it together with other rows."""
    return entries.entry(
        kind,
        subject=f"proposal:{proposal.pk}",
        actor=actor(by),
        at=at,
        data={
            "from": was,
            "to": str(proposal.state),
            "revision": proposal.revision.number,
            "digest": proposal.revision.digest,
            **data,
        },
    )
