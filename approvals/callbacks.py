"""Tell agents what became of their proposals. The only writer of Callback rows."""

import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from approvals.connectors import backoff
from approvals.models import Callback, DispatchStatus, Proposal
from approvals.waking import wake
from audit.clock import database_now

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
    fence: int


@transaction.atomic
def claim_next() -> CallbackClaim | None:
    """Claim the callback that is due longest; None if none is. Ends those that no worker survived."""
    Callback.objects.filter(
        status=DispatchStatus.CLAIMED, lease_until__lte=Now(), attempts_made__gte=backoff.MAX_ATTEMPTS
    ).update(
        status=DispatchStatus.FAILED,
        lease_until=None,
        last_error=f"No worker finished it in {backoff.MAX_ATTEMPTS} attempts.",
    )
    callback = (
        Callback.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("proposal__agent")
        .filter(
            Q(status=DispatchStatus.WAITING, next_attempt_at__lte=Now())
            | Q(status=DispatchStatus.CLAIMED, lease_until__lte=Now(), attempts_made__lt=backoff.MAX_ATTEMPTS)
        )
        .order_by("next_attempt_at")
        .first()
    )
    if callback is None:
        return None
    callback.status = DispatchStatus.CLAIMED
    callback.fence += 1
    callback.attempts_made += 1
    callback.lease_until = database_now() + LEASE
    callback.save()
    return CallbackClaim(callback, bytes(callback.body), callback.proposal.agent.callback_secret, callback.fence)


@transaction.atomic
def settle(claim: CallbackClaim, *, error: str = "", is_final: bool = False, after: timedelta | None = None) -> None:
    """Record how a callback went: delivered (no error), to be tried again, or given up."""
    callback = Callback.objects.select_for_update().get(pk=claim.callback.pk)
    if callback.fence != claim.fence or callback.status != DispatchStatus.CLAIMED:
        return  # another worker took it over when our lease ran out; its word counts
    at = database_now()
    callback.lease_until = None
    callback.last_error = error[:500]
    if not error:
        callback.status = DispatchStatus.DELIVERED
        callback.delivered_at = at
    elif is_final or callback.attempts_made >= backoff.MAX_ATTEMPTS:
        callback.status = DispatchStatus.FAILED
    else:
        callback.status = DispatchStatus.WAITING
        # The jitter spreads retries; it decides nothing.
        wait = after or backoff.delay(callback.attempts_made, jitter=random.random())  # noqa: S311
        callback.next_attempt_at = at + wait
    callback.save()
