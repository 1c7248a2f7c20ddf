"""Tell agents the state of their proposals. The only writer of Callback rows."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.utils.translation import gettext as _

from approvals.errors import StateConflict
from approvals.models import Callback, DispatchStatus, Proposal, State
from approvals.models.stored_row import Statement
from approvals.models.together import inserting
from approvals.outbox import queue
from approvals.outbox.wakeups import wake
from audit.canonical import JsonValue
from policies.models import Agent

LEASE: Final = timedelta(minutes=1)
TASK: Final = "approvals.tasks.deliver_callbacks"
LARGEST_PART: Final = 64 * 1024
"""Bytes. A larger receipt, or what was edited beyond that, is left to `GET proposals/{id}/`."""

When = Agent.CallbackWhen
_ANSWERS: Final = frozenset(
    {State.APPROVED, State.REJECTED, State.BLOCKED, State.RETURNED, State.TAKEN_OVER, State.EXPIRED, State.WITHDRAWN}
)
_ENDS: Final = frozenset(
    {
        State.SHIPPED, State.REJECTED, State.BLOCKED, State.TAKEN_OVER, State.EXPIRED, State.WITHDRAWN, State.FAILED,
    }
)  # fmt: skip
_TOLD: Final[Mapping[str, frozenset[State]]] = {
    When.EVERY: frozenset(State),
    When.DECIDED: _ANSWERS,
    When.SETTLED: _ENDS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """What a callback says beside the proposal; `final_at` is until when the step can be undone."""

    decision: Mapping[str, JsonValue] | None = None
    edits: Sequence[Mapping[str, Any]] = ()
    edits_left_out: int = 0
    receipt: Any = None
    final_at: datetime | None = None


NOTHING: Final = Announcement()


def is_told(proposal: Proposal) -> bool:
    """Whether the agent is to be told that its proposal has come to the state in which it is."""
    return bool(proposal.callback_url) and State(proposal.state) in _TOLD[proposal.callback_when]


def telling(proposal: Proposal, announcement: Announcement, *, at: datetime) -> Statement:
    """Return what writes the outbox row that tells the agent of the new state. Call it where the agent `is_told`.

    The caller carries it out in its transaction; a worker is woken once that is committed. Where the agent wants one
    message only, the first one counts, and the database refuses a second.
    """
    row = _new(proposal, announcement, at=at)
    wake(TASK)
    return inserting(row, conflict=" ON CONFLICT DO NOTHING" if row.is_only else "")


def first(proposal: Proposal, *, at: datetime, announcement: Announcement) -> list[Callback]:
    """Return the callback, unsaved, of a new proposal that the policy itself has answered."""
    return [_new(proposal, announcement, at=at)] if _is_first_told(proposal) else []


def wake_for(proposal: Proposal) -> None:
    """Wake who delivers callbacks after the commit, if the new proposal has one."""
    if _is_first_told(proposal):
        wake(TASK)


def _is_first_told(proposal: Proposal) -> bool:
    """Whether a new proposal is told of: to agents that wait for one message; the others have the answer."""
    return proposal.callback_when != When.EVERY and is_told(proposal)


def take_back(proposal: Proposal) -> None:
    """Cancel what was to say that a locked proposal is settled, before somebody undoes that.

    Raises StateConflict once it was sent: the agent has acted on it.
    """
    if not proposal.callback_url or proposal.callback_when != When.SETTLED:
        return
    rows = Callback.objects.select_for_update().filter(proposal=proposal).exclude(status=DispatchStatus.CANCELLED)
    if (row := rows.first()) is None:
        return
    if row.fence > 0:
        raise StateConflict(_("Its agent has been told that this is settled, so it can no longer be undone."))
    row.status = DispatchStatus.CANCELLED
    row.save(update_fields=["status"])


def is_final(proposal: Proposal) -> bool:
    """Whether the agent was told that the proposal is settled. One query, and none for who wants other messages."""
    if not proposal.callback_url or proposal.callback_when != When.SETTLED:
        return False
    return Callback.objects.filter(proposal=proposal, fence__gt=0).exists()


def _new(proposal: Proposal, announcement: Announcement, *, at: datetime) -> Callback:
    is_settled = proposal.callback_when == When.SETTLED
    return Callback(
        proposal=proposal,
        url=proposal.callback_url,
        body=json.dumps(_message(proposal, at, announcement), separators=(",", ":")).encode(),
        is_only=proposal.callback_when != When.EVERY,
        next_attempt_at=max(at, announcement.final_at) if is_settled and announcement.final_at else at,
        created_at=at,
    )


def _message(proposal: Proposal, at: datetime, announcement: Announcement) -> dict[str, object]:
    return {
        "type": f"proposal.{proposal.state}",
        "timestamp": _rfc3339(at),
        "data": {
            "id": str(proposal.pk),
            "state": str(proposal.state),
            "surface": proposal.surface_id,
            "action": proposal.action,
            "title": proposal.title,
            "revision": {"number": proposal.revision.number, "digest": proposal.revision.digest},
            "tier": proposal.tier_id,
            "deadline_at": _rfc3339(proposal.deadline_at),
            "release_at": _rfc3339(proposal.release_at) if proposal.release_at else None,
            "decision": announcement.decision,
            "edits": list(announcement.edits),
            "edits_left_out": announcement.edits_left_out,
            "receipt": announcement.receipt if len(json.dumps(announcement.receipt)) <= LARGEST_PART else None,
        },
    }


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class CallbackClaim:
    """One callback in one worker's hands, with the bytes to send and the agent's secret."""

    callback: Callback
    body: bytes
    secret: str


def claim_next() -> CallbackClaim | None:
    """Claim the callback that is due longest; None if none is. Ends those that no worker survived."""
    rows = queue.claim(Callback, lease=LEASE)
    if not rows:
        return None
    (callback,) = rows
    return CallbackClaim(callback, bytes(callback.body), callback.proposal.agent.callback_secret)


def settle(claim: CallbackClaim, *, error: str = "", is_final: bool = False, after: timedelta | None = None) -> None:
    """Record how a callback went: delivered (no error), to be tried again, or given up."""
    queue.settle(claim.callback, error=error, is_final=is_final, after=after)
