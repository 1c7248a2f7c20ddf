"""A person's latest decisions, and whether each can still be undone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from approvals.errors import NotEligible
from approvals.models import Decision, Dispatch, DispatchStatus, Proposal, State
from approvals.people import eligibility
from approvals.presentation import words
from approvals.queue.available_actions import Offers, Shipping, after_the_decision
from policies.engine.policy import Policy

MOST: Final = 8
AFTER_RELEASE_SECONDS: Final = 2
"""By then a worker has usually taken what may ship."""
AGAIN_SECONDS: Final = 10
READ: Final = 24
"""Decisions on one proposal follow each other; only the last of each is shown."""

_OF_PROPOSAL: Final = ("title", "state", "surface_id", "requirements", "release_at", "deadline_at", "close_people")
_PROPOSAL: Final = tuple(f"proposal__{name}" for name in (*_OF_PROPOSAL, "agent__owner_id"))
_COLUMNS: Final = ("verdict", "at", "proposal_id", *_PROPOSAL)


@dataclass(frozen=True, slots=True)
class Recent:
    """One of the last decisions of a person; `seconds_left` is how long it is held back before it ships."""

    proposal_id: UUID
    title: str
    what: str
    when: SafeString
    state: State
    offers: Offers
    seconds_left: int | None

    @property
    def too_late(self) -> str:
        """Say why an approval cannot be undone any more; empty where it can, or where there is none."""
        if self.offers.may_undo or self.state not in {State.APPROVED, State.SHIPPED}:
            return ""
        if self.state == State.APPROVED:
            return _("Too late: it is already shipping.")
        return (
            _("Too late: it has shipped. You can roll it back.")
            if self.offers.may_roll_back
            else _("Too late: it has shipped.")
        )


def recent(person: User, policy: Policy) -> list[Recent]:
    """Return the last decisions of `person`, the newest first, one for each proposal. One query."""
    dispatches = Dispatch.objects.filter(proposal=OuterRef("proposal_id"))
    # First which they are: else PostgreSQL reads all dispatches there are, expecting to need them for every decision.
    last_ones = Decision.objects.filter(by=person).order_by("-id").values("pk")[:READ]
    # Any: the annotations are no fields that the type knows.
    rows: Any = (
        Decision.objects.filter(pk__in=last_ones)
        .annotate(
            now=Now(),
            is_on_its_way=Exists(dispatches.filter(kind=Dispatch.Kind.EXECUTE, fence__gt=0)),
            is_rolled_back=Exists(dispatches.filter(kind=Dispatch.Kind.ROLLBACK)),
            has_failed=Exists(dispatches.filter(status=DispatchStatus.FAILED)),
            has_way_back=~Q(proposal__revision__rollback_digest=""),
        )
        .select_related("proposal__agent")
        .only(*_COLUMNS)
        .order_by("-id")
    )
    last: dict[UUID, Recent] = {}
    for row in rows:
        if row.proposal_id not in last and len(last) < MOST:
            last[row.proposal_id] = _recent(row, person, policy)
    return list(last.values())


def look_again_in(rows: Sequence[Recent]) -> int | None:
    """Return after how many seconds one of `rows` may offer something else; None where nothing ships any more."""
    held = [row.seconds_left for row in rows if row.seconds_left is not None]
    if held:
        return min(held) + AFTER_RELEASE_SECONDS
    return AGAIN_SECONDS if any(row.state == State.APPROVED for row in rows) else None


def _recent(row: Any, person: User, policy: Policy) -> Recent:
    proposal: Proposal = row.proposal
    state = State(proposal.state)
    release = proposal.release_at if state == State.APPROVED else None
    return Recent(
        row.proposal_id,
        proposal.title,
        row.get_verdict_display(),
        words.ago(row.at, row.now),
        state,
        _offers(row, state, person, policy),
        int((release - row.now).total_seconds()) if release and release > row.now else None,
    )


def _offers(row: Any, state: State, person: User, policy: Policy) -> Offers:
    surface = policy.surfaces.get(row.proposal.surface_id)
    if surface is None:
        return Offers()
    try:
        eligibility.require(person, row.proposal, surface)
    except NotEligible:
        return Offers()
    facts = Shipping(
        is_on_its_way=row.is_on_its_way,
        has_way_back=row.has_way_back,
        is_rolled_back=row.is_rolled_back,
        has_failed=row.has_failed,
    )
    offers = after_the_decision(facts, state)
    is_too_late = state == State.REJECTED and row.proposal.deadline_at <= row.now
    return Offers(may_undo=offers.may_undo and not is_too_late, may_roll_back=offers.may_roll_back)
