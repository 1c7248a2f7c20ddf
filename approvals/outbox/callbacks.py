"""Tell agents what became of their proposals. The only writer of Callback rows."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from approvals.models import Callback, Proposal
from approvals.outbox import queue
from approvals.outbox.wakeups import wake

LEASE: Final = timedelta(minutes=1)


def enqueue(proposal: Proposal, *, at: datetime) -> None:
    """Write the outbox row that tells the agent of the new state, if it left an address for that."""
    if not proposal.callback_url:
        return
    Callback.objects.create(
        proposal=proposal,
        url=proposal.callback_url,
        body=json.dumps(_message(proposal, at), separators=(",", ":")).encode(),
        next_attempt_at=at,
        created_at=at,
    )
    wake("approvals.tasks.deliver_callbacks")


def _message(proposal: Proposal, at: datetime) -> dict[str, object]:
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
