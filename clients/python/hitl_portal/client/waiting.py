"""Wait until people, the policy or time have settled a proposal. Silence is never consent."""

from __future__ import annotations

import math
import time
from typing import Final, Literal

from hitl_portal.client import operations
from hitl_portal.client.answers import CLEARED, REFUSED, Proposal
from hitl_portal.client.asks import Pause, Steps
from hitl_portal.errors import (
    CallRefused,
    NotCleared,
    PortalUnavailable,
    ProposalExpired,
    ProposalRejected,
    ProposalReturned,
    ShippingFailed,
    WaitTimedOut,
)

Until = Literal["decided", "settled"]
LONGEST_ASK_SECONDS: Final = 30
"""As long as the portal holds one answer back: short enough for proxies that close what is silent."""
BUSY_SECONDS: Final = 1.0
DOWN_SECONDS: Final = (1.0, 2.0, 4.0, 8.0, 15.0)


def wait(proposal_id: str, *, until: Until = "decided", timeout: float | None = None) -> Steps[Proposal]:
    """Return the proposal once it is cleared (`decided`) or has shipped (`settled`).

    Goes on through times in which the portal is away. Raises ProposalRejected, ProposalReturned, ProposalExpired,
    ShippingFailed; and WaitTimedOut after `timeout` seconds, when the same call goes on where this one ended.
    """
    ends_at = _end(timeout)
    seen: Proposal | None = None
    while True:
        seen = yield from _news(proposal_id, seen, ends_at)
        if is_over(seen, until):
            return seen


def changed(proposal: Proposal, *, timeout: float | None = None) -> Steps[Proposal]:
    """Return the proposal once it is another than `proposal` shows it. Raises WaitTimedOut."""
    return (yield from _news(proposal.id, proposal, _end(timeout)))


def _end(timeout: float | None) -> float:
    return math.inf if timeout is None else time.monotonic() + max(timeout, 0)


def _news(proposal_id: str, last: Proposal | None, ends_at: float) -> Steps[Proposal]:
    """Return the proposal as soon as it is another than `last`, however often the portal is away meanwhile."""
    away = 0
    while True:
        asked_at = time.monotonic()
        seconds = max(int(min(LONGEST_ASK_SECONDS, ends_at - asked_at)), 0)
        try:
            known = last.etag if last else ""
            seen = yield from operations.get(proposal_id, known=known, wait_seconds=seconds, tries=1)
            away = 0
        except PortalUnavailable:
            seen, away = None, away + 1
        except CallRefused as refused:
            if refused.status < 500:
                raise
            seen, away = None, away + 1
        if seen is not None:
            return seen
        left = ends_at - time.monotonic()
        if left <= 0:
            raise WaitTimedOut(proposal_id, last)
        if pause := min(_pause(away=away, took=time.monotonic() - asked_at), left):
            yield Pause(pause)


def _pause(*, away: int, took: float) -> float:
    """Return how long to let the portal be: it is away, or had no place for one more who waits."""
    if away:
        return DOWN_SECONDS[min(away, len(DOWN_SECONDS)) - 1]
    return 0 if took >= BUSY_SECONDS else BUSY_SECONDS


def is_over(proposal: Proposal, until: Until) -> bool:
    """Whether `proposal` is what is waited for. Raises NotCleared where it never will be."""
    state = proposal.state
    if state in CLEARED:
        return until == "decided" or state != "approved"
    if (error := refusal(proposal)) is not None:
        raise error
    return False


def refusal(proposal: Proposal) -> NotCleared | None:
    """Return why a proposal is not done, in one sentence; None while it may still be."""
    why = f": {proposal.why}" if proposal.why else ""
    name = f"“{proposal.raw['title']}” (proposal {proposal.id})"
    if proposal.state == "returned":
        return ProposalReturned(proposal, f"{name} was sent back and not done{why or '.'}")
    if proposal.state == "expired":
        return ProposalExpired(proposal, f"Nobody decided in time on {name}; it was not done.")
    if proposal.state == "failed":
        error = (proposal.raw.get("dispatch") or {}).get("last_error") or "executing it failed"
        return ShippingFailed(proposal, f"{name} was approved but not done: {error}")
    if proposal.state in REFUSED:
        return ProposalRejected(proposal, f"{name} was {_SAID[proposal.state]} and not done{why or '.'}")
    return None


_SAID: Final = {
    "rejected": "rejected",
    "blocked": "blocked by policy",
    "taken_over": "taken over by a person",
    "withdrawn": "withdrawn",
}
