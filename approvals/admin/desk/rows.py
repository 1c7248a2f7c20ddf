"""The left side of the desk: what waits for a person, found, arranged and counted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.models import User
from django.http import HttpRequest, QueryDict
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from approvals.cards import reading
from approvals.models import SavedFilter, State
from approvals.presentation import words
from approvals.queue import ordering, turns
from approvals.queue.ordering import Band, Group, Turn
from approvals.queue.turns import MOST_COUNTED, Pile, QueueFilter, Turns
from policies import currencies
from policies.engine.policy import Policy

NAMES: Final = {"words": "q", "surface": "surface", "agent": "agent", "tier": "tier"}


@dataclass(frozen=True, slots=True)
class Listed:
    """What a person looked for, what there is of it, and the order in which they meet it."""

    policy: Policy
    wanted: QueueFilter
    turns: Turns
    shelves: Sequence[ordering.Shelf]
    order: Sequence[Turn]

    def has(self, proposal_id: UUID | None) -> bool:
        return any(turn.id == proposal_id for turn in self.order)

    def next_after(self, proposal_id: UUID | None) -> UUID | None:
        return ordering.after(self.order, proposal_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskRow:
    """One line of the list, in words: there are many, so that the template has nothing left to look up."""

    id: str
    url: str
    title: str
    action: str
    place: str
    time_left: str
    seconds_left: int
    worth: str
    tier: str
    select: str
    is_mine: bool
    is_edited: bool
    is_open: bool


@dataclass(frozen=True, slots=True)
class DeskGroup:
    """One group of the list; `batch_url` leads to those of it that may be approved together."""

    rows: Sequence[DeskRow]
    is_many: bool
    is_open: bool
    batch_url: str
    in_batch: int


@dataclass(frozen=True, slots=True)
class FilterChoice:
    """One thing to choose, with how many there are of it."""

    value: str
    text: str
    is_chosen: bool


def wanted(query: QueryDict) -> QueueFilter:
    """Read from an address what is looked for; what cannot be meant counts for nothing."""
    words = {name: query.get(short, "").replace("\x00", "")[:200].strip() for name, short in NAMES.items()}
    pile = query.get("pile", "")
    return QueueFilter(**words, pile=Pile(pile) if pile in Pile.__members__.values() else Pile.MINE)


def query(of: QueueFilter) -> str:
    """Write what is looked for as the part of an address after `?`."""
    pairs = [(short, getattr(of, name)) for name, short in NAMES.items()]
    if of.pile is not Pile.MINE:
        pairs.append(("pile", of.pile.value))
    return urlencode([(name, value) for name, value in pairs if value])


def url(of: QueueFilter, proposal_id: UUID | str | None = None, act: str = "") -> str:
    """Return the address of the desk, or of one proposal or act on it, that keeps what is looked for."""
    name, args = "admin:desk", []
    if proposal_id:
        name, args = f"admin:desk_{act or 'proposal'}", [proposal_id]
    query_text = query(of)
    return reverse(name, args=args) + (f"?{query_text}" if query_text else "")


def listed(person: User, policy: Policy, of: QueueFilter) -> Listed:
    """Read and arrange what `person` looks for."""
    my_turns = turns.my_turn(person, policy=policy, wanted=of)
    shelves = ordering.arrange(my_turns.found, at=my_turns.now)
    return Listed(policy, of, my_turns, shelves, ordering.order(shelves))


def context(request: HttpRequest, of: Listed, opened: UUID | None) -> dict[str, Any]:
    """Return what the template of the list draws. One query, for the saved filters."""
    query_text = query(of.wanted)
    drawer = _Drawer(of, opened, batch_page(), f"?{query_text}" if query_text else "")
    headings = {
        Band.NOW: _("Due within the hour"),
        Band.SOON: _("Due within 8 hours"),
        Band.DAY: _("Due within a day"),
        Band.LATER: _("Due later"),
    }
    listed = of.turns
    return {
        "wanted": of.wanted,
        "query": query_text,
        "shelves": [
            {"band": shelf.band.name.lower(), "heading": headings[shelf.band], "groups": drawer.groups(shelf)}
            for shelf in of.shelves
        ],
        "count": shown(listed.count),
        "left_out": max(0, listed.count - len(listed.found)),
        "is_counted_out": listed.count > MOST_COUNTED,
        "batch_url": drawer.batch_page,
        "piles": _piles(of.wanted),
        "finders": [
            {"name": "surface", "label": _("Surface"), "choices": _choices(listed.surfaces, of.wanted.surface)},
            {"name": "agent", "label": _("Agent"), "choices": _choices(listed.agents, of.wanted.agent)},
            {"name": "tier", "label": _("Tier"), "choices": _choices(listed.tiers, of.wanted.tier, listed.tier_names)},
        ],
        "saved": [
            {"name": row.name, "id": row.pk, "query": row.query, "is_chosen": row.query == query_text}
            for row in SavedFilter.objects.filter(person=request.user.pk)
        ],
    }


def batch_page() -> str:
    """Return the address of the page on which several are decided together; empty where there is none."""
    try:
        return reverse("admin:desk_batch")
    except NoReverseMatch:
        return ""


def shown(number: int, most: int = MOST_COUNTED) -> str:
    """Write a number that was counted no further than just over `most`."""
    return words.number(number) if number <= most else _("over %s") % words.number(most)


class _Drawer:
    """Turns groups into lines."""

    def __init__(self, of: Listed, opened: UUID | None, batch_page: str, suffix: str) -> None:
        self._now = of.turns.now
        self._opened = opened
        self._suffix = suffix
        self._base = reverse("admin:desk")
        self._select = _("Select %s")
        self.batch_page = batch_page

    def groups(self, shelf: ordering.Shelf) -> list[DeskGroup]:
        return [self._rows(group) for group in shelf.groups]

    def _rows(self, group: Group) -> DeskGroup:
        rows = [self._row(turn) for turn in group.turns]
        together = group.for_batch if group.is_many and self.batch_page else ()
        return DeskGroup(
            rows,
            group.is_many,
            any(row.is_open for row in rows),
            f"{self.batch_page}?{urlencode([('id', turn.id) for turn in together])}" if together else "",
            len(together),
        )

    def _row(self, turn: Turn) -> DeskRow:
        left = turn.deadline_at - self._now
        return DeskRow(
            id=str(turn.id),
            url=f"{self._base}{turn.id}/{self._suffix}",
            title=turn.title,
            action=reading.label(turn.action),
            place=f"{turn.surface} · {turn.agent_name}",
            time_left=words.span(left),
            seconds_left=max(0, int(left.total_seconds())),
            worth="" if turn.amount is None else currencies.money(turn.amount, turn.currency),
            tier=turn.tier_name or turn.tier,
            select=self._select % turn.title,
            is_mine=turn.is_assigned,
            is_edited=turn.state == State.EDITED,
            is_open=turn.id == self._opened,
        )


def _choices(counts: Mapping[str, int], chosen: str, names: Mapping[str, str] | None = None) -> list[FilterChoice]:
    known = {chosen: 0, **counts} if chosen else counts
    names = names or {}
    return [
        FilterChoice(slug, f"{names.get(slug) or slug} ({counts.get(slug, 0)})", slug == chosen)
        for slug in sorted(slug for slug in known if slug)
    ]


def _piles(of: QueueFilter) -> list[FilterChoice]:
    names = {Pile.MINE: _("Needs me"), Pile.SNOOZED: _("Snoozed"), Pile.OTHERS: _("Waiting on others")}
    return [FilterChoice(url(QueueFilter(pile=pile)), name, pile is of.pile) for pile, name in names.items()]
