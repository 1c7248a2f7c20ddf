"""Save a transition of a proposal: the row, the ledger entry, the callback."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from django.contrib.auth.models import User
from django.db.models import Model

from approvals.evaluation import conflicts, context
from approvals.evaluation.limits import totals
from approvals.models import Proposal, Revision, State
from approvals.models.stored_row import Statement, StoredRow
from approvals.models.together import CHANGED, history_row, write_together
from approvals.notices import occasions
from approvals.outbox import callbacks, statements
from approvals.outbox.callbacks import Announcement
from audit.canonical import JsonValue
from audit.ledger import entries
from audit.models import Entry
from policies import differences
from policies.actors import actor
from policies.models import Agent


@dataclass(frozen=True, slots=True)
class Beside:
    """What is written in one round trip with a step: rows that have changed, new rows, further statements.

    `said` is what the agent is told of the step beside the new state.
    """

    changed: Sequence[StoredRow] = ()
    rows: Sequence[Model] = ()
    then: Sequence[Statement] = ()
    said: Announcement = callbacks.NOTHING


NOTHING: Final = Beside()
_BY_POLICY: Final = frozenset({State.APPROVED, State.BLOCKED})
"""Where a proposal comes without a person's decision, the policy has decided."""
NEW_CONTENT: Final = frozenset({"proposal.edited", "proposal.revised"})


def save(
    proposal: Proposal,
    kind: str,
    *,
    was: str,
    by: User | Agent | None,
    at: datetime,
    beside: Beside = NOTHING,
    **data: JsonValue,
) -> Proposal:
    """Save `proposal` after a transition from state `was`, append its ledger entry, tell its agent and people.

    All of that, and what is to be written `beside` it, is one round trip. Running totals and conflicts follow. Call
    it in the transaction that holds the proposal's lock.
    """
    proposal.updated_at = at
    has_new_content = kind in NEW_CONTENT
    rows = [
        *beside.rows,
        history_row(proposal, CHANGED, at=at),
        entry(proposal, kind, was=was, by=by, at=at, **data),
        *occasions.following(proposal, was=was, has_new_content=has_new_content, by=by, at=at),
    ]
    statements = _telling(proposal, beside.said, at=at) if proposal.state != was else []
    write_together([proposal, *beside.changed], rows, *beside.then, *statements)
    if has_new_content or _changes_hands(was, proposal.state):
        context.follow(proposal, was=was, at=at)
    return proposal


def _telling(proposal: Proposal, announcement: Announcement, *, at: datetime) -> list[Statement]:
    """Return what tells the agent of the new state, if it is to be told: with the policy's reasons and all edits.

    Costs a query where a person has edited the proposal.
    """
    if not callbacks.is_told(proposal):
        return []
    decision = announcement.decision
    if decision is None and proposal.state in _BY_POLICY:
        decision = statements.by_policy(proposal.verdict)
    edits, left_out = _edits(proposal.revision)
    announcement = replace(announcement, decision=decision, edits=edits, edits_left_out=left_out)
    return [callbacks.telling(proposal, announcement, at=at)]


def _edits(revision: Revision) -> tuple[list[dict[str, Any]], int]:
    """Return what a person's revision changes of the agent's last one, and how many changes are left out for size."""
    if revision.author_id is None:
        return [], 0
    of_agent = Revision.objects.filter(proposal=revision.proposal_id, author=None).order_by("-number").first()
    rows = differences.changes(of_agent.payload if of_agent else None, revision.payload)
    edits: list[dict[str, Any]] = []
    room = callbacks.LARGEST_PART
    for row in rows:
        values = {
            name: value for name, value in (("old", row.old), ("new", row.new)) if value is not differences.MISSING
        }
        edit = {"path": row.path, "change": row.change.value, **values}
        room -= len(json.dumps(edit))
        if room < 0:
            break
        edits.append(edit)
    return edits, len(rows) - len(edits)


def _changes_hands(was: str, now: str) -> bool:
    """Whether a step from one state to the other gives up, or takes back, what a proposal holds."""
    return any((was in given_up) is not (now in given_up) for given_up in (conflicts.GIVEN_UP, totals.GIVEN_BACK))


def entry(
    proposal: Proposal, kind: str, *, was: str, by: User | Agent | None, at: datetime, **data: JsonValue
) -> Entry:
    """Return the ledger entry of a step, unsaved: states before and after, revision and digest, and `data`."""
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
            **proposal.trace(),
            **data,
        },
        trace_id=proposal.trace_id,
    )
