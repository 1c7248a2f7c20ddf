"""Wait for a proposal to change: one cheap query a few times a second, for a bounded number of clients."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import CharField, OuterRef, Value
from django.db.models.functions import Cast, Concat

from approvals.api.http.base import current, proposal_answer
from approvals.api.http.idempotency import StoredAnswer
from approvals.models import Dispatch
from approvals.models.proposal import ProposalQuerySet

LONGEST_SECONDS: Final = 60
POLL_SECONDS: Final = 0.2

_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})\"?(?=$|[,;\s])", re.IGNORECASE)
# A waiting client holds a thread of the web server; the others must go on answering.
_places = threading.BoundedSemaphore(settings.API_MOST_WAITING)


@dataclass(frozen=True, slots=True)
class Seen:
    """How a proposal looks now, whether that is what the client knows, and whether it waited for it."""

    answer: StoredAnswer
    is_known: bool
    has_waited: bool


def preferred_seconds(header: str) -> int:
    """Return how long a Prefer header (RFC 7240) asks to wait, at most LONGEST_SECONDS."""
    wish = _WAIT.search(header)
    return min(int(wish[1]), LONGEST_SECONDS) if wish else 0


def look(proposals: ProposalQuerySet, proposal_id: UUID, *, known: str, seconds: int) -> Seen:
    """Return one of `proposals` once it is not `known` (an If-None-Match) any more, or `seconds` later.

    Where too many wait already it answers at once. Raises Proposal.DoesNotExist.
    """
    with _place(wanted=seconds > 0) as may_wait:
        deadline = time.monotonic() + (seconds if may_wait else 0)
        while True:
            mark = _mark(proposals, proposal_id)
            answer = proposal_answer(200, current(proposals, proposal_id))
            if not _matches(known, answer.headers["ETag"]):
                return Seen(answer, is_known=False, has_waited=may_wait)
            while time.monotonic() < deadline and _mark(proposals, proposal_id) == mark:
                time.sleep(min(POLL_SECONDS, max(0.0, deadline - time.monotonic())))
            if time.monotonic() >= deadline:
                return Seen(answer, is_known=True, has_waited=may_wait)


@contextmanager
def _place(*, wanted: bool) -> Iterator[bool]:
    has_place = wanted and _places.acquire(blocking=False)
    try:
        yield has_place
    finally:
        if has_place:
            _places.release()


def _mark(proposals: ProposalQuerySet, proposal_id: UUID) -> Any:
    """Return what changes whenever the proposal's answer does. One query, by index.

    The state is that of the database's clock, so running out of time is seen when it happens.
    """
    fence = Cast("fence", CharField())
    dispatches = Dispatch.objects.filter(proposal=OuterRef("pk")).order_by("id")
    shipping = ArraySubquery(dispatches.values_list(Concat("status", Value(" "), fence)))
    found = proposals.as_of_now().filter(pk=proposal_id).values_list("updated_at", "state_now", shipping)
    return found.first()


def _matches(known: str, tag: str) -> bool:
    """Compare as If-None-Match does (RFC 9110, section 13.1.2): weakly, against a list or an asterisk."""
    names = [name.strip().removeprefix("W/") for name in known.split(",")]
    return tag in names or names == ["*"]
