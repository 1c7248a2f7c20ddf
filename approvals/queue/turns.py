"""Turns: what waits for a person, and how they snooze or reassign it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Case, Q, QuerySet, Value, When
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from approvals.errors import NotEligible, StateConflict
from approvals.models import OPEN, Assignment, NoticeKind, Proposal, Snooze
from approvals.notices import occasions
from approvals.people import eligibility
from approvals.queue import search
from approvals.queue.ordering import Turn
from audit.clock import database_now
from audit.ledger import entries
from policies import plain_text
from policies.actors import actor
from policies.engine import risk
from policies.engine.policy import Policy, SurfacePolicy
from policies.publishing.publish import active_policy

MOST_READ: Final = 200
"""So many, the first due, are arranged; nobody reads further before deciding on some."""
MOST_COUNTED: Final = 500


class Pile(StrEnum):
    """Of all that somebody may decide on: their turn, what they put off, what is somebody else's turn."""

    MINE = "mine"
    SNOOZED = "snoozed"
    OTHERS = "others"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFilter:
    """What a person looks for in their list; empty means anything."""

    words: str = ""
    surface: str = ""
    agent: str = ""
    tier: str = ""
    pile: Pile = Pile.MINE


@dataclass(frozen=True, slots=True)
class Turns:
    """The first MOST_READ by deadline, unarranged, and how many there are: counted no further than MOST_COUNTED + 1.

    `in_pile` and the counters of each surface, agent and tier are of everything, whatever it was narrowed to.
    """

    found: Sequence[Turn]
    count: int
    in_pile: int
    now: datetime
    surfaces: Mapping[str, int] = field(default_factory=dict)
    agents: Mapping[str, int] = field(default_factory=dict)
    tiers: Mapping[str, int] = field(default_factory=dict)
    tier_names: Mapping[str, str] = field(default_factory=dict)


_CLASSES: Final = tuple(f"surface__{name}" for name in risk.WORDS)
_COLUMNS: Final = (
    "id", "title", "state", "action", "surface_id", "agent_id", "agent__name", "tier_id", "tier__name", "amount",
    "currency", "deadline_at", "assignment__to_id", "at", *_CLASSES,
)  # fmt: skip


def my_turn(person: User, *, policy: Policy, wanted: QueueFilter | None = None) -> Turns:
    """Return what waits for `person`: what they may decide on, have not put off, and is not somebody else's turn.

    One query; a second one where there is more than can be counted and `wanted` narrows it. Never the payloads.
    """
    wanted = wanted or QueueFilter()
    fits, pile = _fits(wanted), _pile(person, policy, wanted.pile)
    everything = _first(pile, Case(When(fits, then=True), default=False) if fits else Value(value=True))
    if len(everything) > MOST_COUNTED and fits:
        rows = _first(pile.filter(fits), Value(value=True))
    else:
        rows = [row for row in everything if row["does_fit"]]
    ranks = _Ranks(policy)
    return Turns(
        found=[_turn(row, ranks, person) for row in rows[:MOST_READ]],
        count=len(rows),
        in_pile=len(everything),
        now=everything[0]["at"] if everything else database_now(),
        surfaces=Counter(row["surface_id"] for row in everything),
        agents=Counter(row["agent_id"] for row in everything),
        tiers=Counter(row["tier_id"] for row in everything),
        tier_names={row["tier_id"]: row["tier__name"] for row in everything},
    )


def waiting_for(person: User, *, policy: Policy) -> QuerySet[Proposal]:
    """Return the proposals whose turn it is for `person`, in no order."""
    return _pile(person, policy, Pile.MINE)


def how_many(person: User, *, policy: Policy, most: int = 99) -> int:
    """Count what waits for `person`, no further than `most` + 1. One query besides those for their roles."""
    return _pile(person, policy, Pile.MINE).order_by("deadline_at").values("pk")[: most + 1].count()


@transaction.atomic
def snooze(*, proposal_id: UUID, by: User, until: datetime) -> Snooze:
    """Put a proposal off for one person, at most for half of the time that is left.

    Raises Proposal.DoesNotExist, NotEligible, or StateConflict where it is over or `until` is too late.
    """
    proposal, at = _open(proposal_id, by)
    if until <= at:
        raise StateConflict(_("That time has already passed."))
    if until > latest_snooze(proposal.deadline_at, at=at):
        raise StateConflict(_("You can snooze it for at most half of the time left."))
    row, _made = Snooze.objects.update_or_create(proposal=proposal, person=by, defaults={"until": until})
    return row


def latest_snooze(deadline_at: datetime, *, at: datetime) -> datetime:
    """Return until when something can be put off at `at`: half of the time that is left."""
    return at + max(deadline_at - at, timedelta(0)) / 2


def wake(*, proposal_id: UUID, by: User) -> None:
    """Take a proposal among one's turns again. Nothing happens where it was not put off."""
    Snooze.objects.filter(proposal=proposal_id, person=by).delete()


@transaction.atomic
def reassign(*, proposal_id: UUID, to: User, by: User, note: str = "") -> Assignment:
    """Say whose turn it is. Everybody who could decide still can.

    Raises Proposal.DoesNotExist, StateConflict where it is over, or NotEligible where either may not decide.
    """
    proposal, at = _open(proposal_id, by)
    surface = _surface(proposal)
    try:
        eligibility.require(to, proposal, surface)
    except NotEligible as refusal:
        raise NotEligible(_("%s may not decide on this proposal.") % to.get_username()) from refusal
    assignment = {"to": to, "by": by, "by_name": by.get_username(), "at": at, "note": plain_text.kept(note)[:500]}
    row, _made = Assignment.objects.update_or_create(proposal=proposal, defaults=assignment)
    Snooze.objects.filter(proposal=proposal, person=to).delete()
    occasions.enqueue(NoticeKind.ASSIGNED, proposal, at=at, by=by, people=[to], note=row.note)
    entries.record(
        "proposal.reassigned",
        subject=f"proposal:{proposal.pk}",
        actor=actor(by),
        at=at,
        data={"assignee": actor(to).ref, "revision": proposal.revision.number, "digest": proposal.revision.digest},
        trace_id=proposal.trace_id,
    )
    return row


def _open(proposal_id: UUID, by: User) -> tuple[Proposal, datetime]:
    """Lock a proposal on which `by` may decide now; return it with the time."""
    proposal = Proposal.objects.locked(proposal_id)
    at = database_now()
    eligibility.require(by, proposal, _surface(proposal))
    if proposal.state not in OPEN or proposal.deadline_at <= at:
        raise StateConflict(_("There is nothing left to decide on this proposal."))
    return proposal, at


def _surface(proposal: Proposal) -> SurfacePolicy:
    surface = active_policy().surfaces.get(proposal.surface_id)
    if surface is None:
        raise StateConflict(_("The surface %s is not published.") % proposal.surface_id)
    return surface


def _pile(person: User, policy: Policy, pile: Pile) -> QuerySet[Proposal]:
    # What one may decide on one may also see, so this need not ask for `visible` again.
    everything: QuerySet[Proposal] = Proposal.objects.all()
    if not (person.has_perm(eligibility.SEE) or person.has_perm(eligibility.SEE_ALL)):
        return everything.none()
    rows = eligibility.waiting_for(person, everything, policy)
    # As lists and not as joins: PostgreSQL then reads what is due first off its index and stops, however much waits.
    others = Assignment.objects.exclude(to=person).values("proposal")
    put_off = Snooze.objects.filter(person=person, until__gt=Now()).values("proposal")
    is_others, is_put_off = Q(pk__in=others), Q(pk__in=put_off)
    belongs = {Pile.SNOOZED: is_put_off, Pile.OTHERS: is_others, Pile.MINE: ~is_put_off & ~is_others}
    return rows.filter(belongs[pile])


def _first(pile: QuerySet[Proposal], does_fit: Any) -> list[dict[str, Any]]:
    """Return the first due of `pile`, with the columns of the list.

    The first are found before anything is joined to them: PostgreSQL may have to look at all that waits.
    """
    first = pile.order_by("deadline_at").values("pk")[: MOST_COUNTED + 1]
    rows = Proposal.objects.filter(pk__in=first).order_by("deadline_at")
    return list(rows.annotate(at=Now(), does_fit=does_fit).values(*_COLUMNS, "does_fit"))


def _fits(wanted: QueueFilter) -> Q:
    """Return the condition for words of the title, an id or the name of a target; for surface, agent and tier."""
    chosen = {"surface": wanted.surface, "agent": wanted.agent, "tier": wanted.tier}
    fits = Q(**{name: value for name, value in chosen.items() if value})
    return fits & search.named_by(wanted.words)


class _Ranks:
    """How risky tiers and surfaces are; each surface is weighed once."""

    def __init__(self, policy: Policy) -> None:
        self.tiers = policy.tiers
        self._surfaces: dict[str, int] = {}

    def classification(self, row: Mapping[str, Any]) -> int:
        slug = row["surface_id"]
        if slug not in self._surfaces:
            touches = {name: row[column] for name, column in zip(risk.WORDS, _CLASSES, strict=True)}
            self._surfaces[slug] = risk.advise(touches).tier_rank
        return self._surfaces[slug]


def _turn(row: Mapping[str, Any], ranks: _Ranks, person: User) -> Turn:
    tier = ranks.tiers.get(row["tier_id"] or "")
    return Turn(
        id=row["id"],
        title=row["title"],
        surface=row["surface_id"],
        action=row["action"],
        agent=row["agent_id"],
        agent_name=row["agent__name"],
        tier=row["tier_id"] or "",
        tier_name=row["tier__name"] or "",
        tier_rank=tier.rank if tier else 0,
        classification=ranks.classification(row),
        deadline_at=row["deadline_at"],
        is_assigned=row["assignment__to_id"] == person.pk,
        is_for_batch=tier is not None and tier.review == "batch",
        amount=row["amount"],
        currency=row["currency"],
        state=row["state"],
    )
