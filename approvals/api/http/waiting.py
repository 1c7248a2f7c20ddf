"""Wait for a proposal to change: one cheap query a few times a second, for a bounded number of clients."""

import re
import time
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import CharField, OuterRef, Value
from django.db.models.functions import Cast, Concat

from approvals.api.http.base import current, proposal_answer
from approvals.api.http.idempotency import StoredAnswer
from approvals.api.http.places import Places, WaitingPlace
from approvals.models import Dispatch, Outcome
from approvals.models.proposal_queries import ProposalQuerySet

LONGEST_SECONDS: Final = 60
POLL_SECONDS: Final = 0.2

_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})\"?(?=$|[,;\s])", re.IGNORECASE)
_places = Places(settings.API_MOST_WAITING)


@dataclass(frozen=True, slots=True)
class Seen:
    """How a proposal looks now, whether that is what the client knows, and how long it was let wait at most."""

    answer: StoredAnswer
    is_known: bool
    wait_seconds: int | None = None


def preferred_seconds(header: str) -> int:
    """Return how long a Prefer header (RFC 7240) asks to wait, at most LONGEST_SECONDS."""
    wish = _WAIT.search(header)
    return min(int(wish[1]), LONGEST_SECONDS) if wish else 0


def look(proposals: ProposalQuerySet, proposal_id: UUID, *, known: str, seconds: int, caller: str) -> Seen:
    """Return one of `proposals` once it is not `known` (an If-None-Match) any more, or `seconds` later.

    Where too many wait already it answers at once, and sooner where another client takes the place over.
    Raises Proposal.DoesNotExist.
    """
    place = _places.take(caller) if seconds > 0 else None
    if place is None:
        return _seen(proposals, proposal_id, known)
    try:
        return _wait(proposals, proposal_id, known=known, seconds=seconds, place=place)
    finally:
        _places.give_back(place)


def _wait(proposals: ProposalQuerySet, proposal_id: UUID, *, known: str, seconds: int, place: WaitingPlace) -> Seen:
    begun = time.monotonic()
    deadline = begun + seconds
    while True:
        mark = _mark(proposals, proposal_id)
        seen = _seen(proposals, proposal_id, known)
        if not seen.is_known:
            return replace(seen, wait_seconds=seconds)
        while time.monotonic() < deadline and _mark(proposals, proposal_id) == mark:
            if place.lost.wait(min(POLL_SECONDS, max(0.0, deadline - time.monotonic()))):
                return replace(seen, wait_seconds=int(time.monotonic() - begun))
        if time.monotonic() >= deadline:
            return replace(seen, wait_seconds=seconds)


def _seen(proposals: ProposalQuerySet, proposal_id: UUID, known: str) -> Seen:
    answer = proposal_answer(200, current(proposals, proposal_id))
    return Seen(answer, is_known=_matches(known, answer.headers["ETag"]))


def _mark(proposals: ProposalQuerySet, proposal_id: UUID) -> Any:
    """Return what changes whenever the proposal's answer does. One query, by index.

    The state is that of the database's clock, so running out of time is seen when it happens.
    """
    fence = Cast("fence", CharField())
    dispatches = Dispatch.objects.filter(proposal=OuterRef("pk")).order_by("id")
    shipping = ArraySubquery(dispatches.values_list(Concat("status", Value(" "), fence)))
    outcomes = ArraySubquery(Outcome.objects.filter(proposal=OuterRef("pk")).order_by("id").values_list("pk"))
    marks = proposals.as_of_now().filter(pk=proposal_id).values_list("updated_at", "state_now", shipping, outcomes)
    return marks.first()


def _matches(known: str, tag: str) -> bool:
    """Compare as If-None-Match does (RFC 9110, section 13.1.2): weakly, against a list or an asterisk."""
    names = [name.strip().removeprefix("W/") for name in known.split(",")]
    return tag in names or names == ["*"]
