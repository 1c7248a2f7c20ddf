"""The order in which a person meets waiting proposals, and which of them are similar. PURE."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import IntEnum
from itertools import groupby
from typing import Final
from uuid import UUID

LEAST_ALIKE: Final = 3
"""From so many on, proposals that are alike make a group."""


class Band(IntEnum):
    """How much time is left: inside a band, risk counts for more than minutes; in the last one, days come first."""

    NOW = 0
    SOON = 1
    DAY = 2
    LATER = 3


BANDS: Final = ((Band.NOW, timedelta(hours=1)), (Band.SOON, timedelta(hours=8)), (Band.DAY, timedelta(days=1)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One proposal in somebody's list. `tier_rank` and `classification` are ranks: higher is riskier."""

    id: UUID
    title: str
    surface: str
    action: str
    agent: str
    tier: str
    tier_rank: int
    classification: int
    deadline_at: datetime
    is_assigned: bool = False
    """Somebody said that it is this person's turn."""
    is_for_batch: bool = False
    """Its tier lets it be approved together with others."""
    agent_name: str = ""
    tier_name: str = ""
    amount: Decimal | None = None
    currency: str = ""
    state: str = "pending"

    @property
    def kind(self) -> tuple[str, str, str]:
        """What two proposals share that are alike."""
        return (self.surface, self.action, self.agent)


@dataclass(frozen=True, slots=True)
class Group:
    """Proposals that are alike and due in the same band; one that is like no other stands alone in its group."""

    turns: tuple[Turn, ...]

    @property
    def first(self) -> Turn:
        return self.turns[0]

    @property
    def is_many(self) -> bool:
        return len(self.turns) > 1

    @property
    def for_batch(self) -> tuple[Turn, ...]:
        """Those that may be approved together; none where only one may."""
        batch = tuple(turn for turn in self.turns if turn.is_for_batch)
        return batch if len(batch) > 1 else ()


@dataclass(frozen=True, slots=True)
class Shelf:
    """What is due in one band, the most pressing first."""

    band: Band
    groups: tuple[Group, ...]


def band(deadline_at: datetime, *, at: datetime) -> Band:
    """Return the band of a deadline, seen from `at`."""
    left = deadline_at - at
    return next((name for name, below in BANDS if left < below), Band.LATER)


def arrange(turns: Iterable[Turn], *, at: datetime) -> list[Shelf]:
    """Return the shelves that are not empty: by time left, then own assignments, then risk, then deadline.

    What is due later is in the order of its days first: there a day is more than a difference in risk.
    """
    ordered = sorted(turns, key=lambda turn: _place(turn, at))
    return [
        Shelf(name, tuple(_grouped(list(members))))
        for name, members in groupby(ordered, key=lambda turn: band(turn.deadline_at, at=at))
    ]


def order(shelves: Iterable[Shelf]) -> list[Turn]:
    """Return what is on the shelves in the order in which one reads it."""
    return [turn for shelf in shelves for group in shelf.groups for turn in group.turns]


def after(turns: Sequence[Turn], proposal_id: UUID | None) -> UUID | None:
    """Return what comes after a proposal: the next one, after the last the first; None where there is no other."""
    ids = [turn.id for turn in turns]
    at = ids.index(proposal_id) if proposal_id in ids else -1
    following = ids[at + 1 :] + ids[: max(at, 0)]
    return following[0] if following else None


def _place(turn: Turn, at: datetime) -> tuple[Band, int, bool, int, int, datetime, UUID]:
    place = band(turn.deadline_at, at=at)
    days = (turn.deadline_at - at).days if place is Band.LATER else 0
    return (place, days, not turn.is_assigned, -turn.tier_rank, -turn.classification, turn.deadline_at, turn.id)


def _grouped(turns: Sequence[Turn]) -> Iterable[Group]:
    """Group what is alike; a group stands where its first member would."""
    alike: dict[tuple[str, str, str], list[Turn]] = {}
    for turn in turns:
        alike.setdefault(turn.kind, []).append(turn)
    for turn in turns:
        members = alike[turn.kind]
        if len(members) < LEAST_ALIKE:
            yield Group((turn,))
        elif turn is members[0]:
            yield Group(tuple(members))
