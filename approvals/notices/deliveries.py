"""Notices on their way: through which channel each goes, when it leaves, and with which others in one message.

What is told at once goes at once; what follows to the same reader, through the same channel and about the same
surface waits until a minute after that and goes in one message, what asks apart from what only tells. So a burst
sends a few messages, and a single notice is not delayed. What cannot wait a minute is never held back.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import BooleanField, Case, Max, Q, When
from django.utils.translation import gettext as _

from approvals.models import (
    ASKING,
    DispatchStatus,
    NoticeDelivery,
    NoticeKind,
    Occasion,
    OutsideAddress,
    Pace,
    Proposal,
)
from approvals.notices import channels
from approvals.notices.preferences import Wish
from approvals.notices.recipients import Reader
from approvals.notices.timing import due_at
from policies.engine.policy import Policy

APART: Final = timedelta(minutes=1)
"""How far apart messages to one reader about one surface are."""
URGENT_WITHIN: Final = timedelta(minutes=10)
_URGENT_REVIEWS: Final = frozenset({"signature", "human_only"})
_COUNTING: Final = (DispatchStatus.WAITING, DispatchStatus.CLAIMED, DispatchStatus.DELIVERED)

Place = tuple[int | None, int | None, str, str, bool]
"""Person or address, channel, surface, and whether it asks."""


@dataclass(frozen=True, slots=True)
class Told:
    """An occasion with those who are told of it."""

    occasion: Occasion
    proposal: Proposal
    readers: Sequence[Reader]


def is_urgent(occasion: Occasion, proposal: Proposal, policy: Policy) -> bool:
    """Whether it asks for what cannot wait a minute: escalated, to be signed, or due within ten minutes."""
    if occasion.kind not in ASKING:
        return False
    tier = policy.tiers.get(proposal.tier_id or "")
    is_grave = tier is None or tier.review in _URGENT_REVIEWS
    is_due = proposal.deadline_at - occasion.at < URGENT_WITHIN
    return occasion.kind == NoticeKind.ESCALATED or is_grave or is_due


def plan(
    audiences: Sequence[Told], wishes: Mapping[int, Wish], policy: Policy, *, at: datetime
) -> list[NoticeDelivery]:
    """Return the deliveries of what is told, unsaved. Two queries, and those of channels that tell addresses."""
    planned = [*_to_people(audiences, wishes), *_to_addresses(audiences)]
    slots = _Slots(at, _last_slots(planned, at))
    for row in planned:
        if not row.is_gathered and not is_urgent(row.occasion, row.proposal, policy):
            row.delivery.is_bundled = True
            row.delivery.next_attempt_at = slots.next(row.place, row.delivery.next_attempt_at)
    return [row.delivery for row in planned]


@dataclass(frozen=True, slots=True)
class _Planned:
    delivery: NoticeDelivery
    occasion: Occasion
    proposal: Proposal
    is_gathered: bool = False

    @property
    def place(self) -> Place:
        row = self.delivery
        return row.person_id, row.address_id, row.channel, self.proposal.surface_id, row.kind in ASKING


def _to_people(audiences: Iterable[Told], wishes: Mapping[int, Wish]) -> Iterator[_Planned]:
    for one in audiences:
        for reader in one.readers:
            wish = wishes[reader.person.pk]
            for channel in wish.channels:
                pace = wish.pace(one.occasion.kind, channel)
                if pace == Pace.NEVER:
                    continue
                due = due_at(pace, wish.reach, one.occasion.at)
                is_gathered = pace != Pace.NOW
                facts = {"person_id": reader.person.pk, "note": note(one.occasion, reader), "is_gathered": is_gathered}
                yield _planned(one, channel.slug, channel.slug, due, is_gathered=is_gathered, facts=facts)


def _to_addresses(audiences: Sequence[Told]) -> Iterator[_Planned]:
    for channel in channels.sending():
        for address in channel.addresses():
            for one in audiences:
                if address.is_told(one.occasion.kind, one.proposal.surface_id):
                    facts = {"address_id": address.pk, "note": one.occasion.note}
                    yield _planned(one, channel.slug, lane(channel.slug, address), one.occasion.at, facts=facts)


def _planned(
    one: Told, channel: str, lane: str, due: datetime, *, facts: Mapping[str, Any], is_gathered: bool = False
) -> _Planned:
    occasion = one.occasion
    delivery = NoticeDelivery(
        channel=channel,
        lane=lane,
        next_attempt_at=due,
        created_at=occasion.at,
        kind=occasion.kind,
        proposal_id=occasion.proposal_id,
        by_name=occasion.by_name,
        at=occasion.at,
        **facts,
    )
    return _Planned(delivery, occasion, one.proposal, is_gathered)


def lane(channel: str, address: OutsideAddress) -> str:
    """Return what rests by itself when `address` cannot be reached."""
    return f"{channel}:{address.pk}"


def note(occasion: Occasion, reader: Reader) -> str:
    """Return the sentence for one reader: who stands in is told for whom."""
    if not reader.stands_in_for:
        return occasion.note
    names = ", ".join(reader.stands_in_for)
    return f"{_('You stand in for %s.') % names} {occasion.note}".strip()[:500]


@dataclass(slots=True)
class _Slots:
    """When the next message to each place leaves; all of one round to one place leave together."""

    at: datetime
    last: Mapping[Place, datetime]
    chosen: dict[Place, datetime] = field(default_factory=dict)

    def next(self, place: Place, due: datetime) -> datetime:
        if place not in self.chosen:
            last = self.last.get(place)
            soonest = self.at if last is None else last if last > self.at else last + APART
            self.chosen[place] = max(soonest, due)
        return self.chosen[place]


def _last_slots(planned: Sequence[_Planned], at: datetime) -> dict[Place, datetime]:
    """Return when the last message to each place left or leaves, of those about a minute around `at`. One query."""
    people = {row.delivery.person_id for row in planned} - {None}
    addresses = {row.delivery.address_id for row in planned} - {None}
    if not planned:
        return {}
    # What is retried later than that is another matter, and holds nothing back.
    around = Q(next_attempt_at__gt=at - APART, next_attempt_at__lte=at + APART)
    rows = NoticeDelivery.objects.filter(around, is_bundled=True, status__in=_COUNTING).order_by()
    to_them = rows.filter(Q(person__in=people) | Q(address__in=addresses))
    asks = Case(When(kind__in=ASKING, then=True), default=False, output_field=BooleanField())
    places = to_them.annotate(asks=asks).values_list("person_id", "address_id", "channel", "proposal__surface", "asks")
    return {tuple(place): last for *place, last in places.annotate(last=Max("next_attempt_at"))}
