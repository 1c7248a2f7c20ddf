"""Count what another policy would have done, and say it in figures. PURE.

A tally can be written down half way and taken up again, and two tallies of different cases add up.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Self

from policies.engine.evaluation import PolicyOutcome, Reason

MOST_EXAMPLES: Final = 3
"""So many proposals are named for each kind of change on a surface or by an agent; the newest come first."""
USUAL_MINUTES: Final = 2.0
"""What a review takes where nobody has decided yet."""

GATED, FREED, BLOCKED, REOPENED, STRICTER, MILDER = "gated", "freed", "blocked", "reopened", "stricter", "milder"
CHANGES: Final = (GATED, FREED, BLOCKED, REOPENED, STRICTER, MILDER)
"""Passed by itself → people; people or denied → passes by itself; → denied; denied → people; then the tier."""
FATES: Final = ("rejected", "edited", "rolled_back")

_ALLOW, _ASK, _DENY = PolicyOutcome.ALLOW.value, PolicyOutcome.REQUIRE_APPROVAL.value, PolicyOutcome.DENY.value
_TURNS: Final = {
    (_ALLOW, _ASK): GATED,
    (_ASK, _ALLOW): FREED,
    (_DENY, _ALLOW): FREED,
    (_ALLOW, _DENY): BLOCKED,
    (_ASK, _DENY): BLOCKED,
    (_DENY, _ASK): REOPENED,
}


class Was(NamedTuple):
    """What was said of a proposal then, and what became of it."""

    proposal: str
    outcome: str
    tier: str | None
    is_rejected: bool
    is_edited: bool
    is_rolled_back: bool

    def fates(self) -> Iterable[str]:
        flags = (self.is_rejected, self.is_edited, self.is_rolled_back)
        return [fate for fate, is_so in zip(FATES, flags, strict=True) if is_so]


class Seen(NamedTuple):
    """What the other policy says of the same proposal. `ranks` order its tiers."""

    surface: str
    agent: str
    action: str
    outcome: str
    tier: str | None
    reasons: Sequence[Reason]
    ranks: Mapping[str, tuple[bool, int]]


def change(was: Was, seen: Seen) -> str | None:
    """Name the change, one of CHANGES; None where nothing is different, or nobody can tell which way."""
    if was.outcome != seen.outcome:
        return _TURNS.get((was.outcome, seen.outcome))
    if was.tier == seen.tier or was.tier is None or seen.tier is None or was.tier not in seen.ranks:
        return None
    then, now = seen.ranks[was.tier], seen.ranks[seen.tier]
    return STRICTER if now > then else MILDER if now < then else None


@dataclass(slots=True)
class Group:
    """The counts of one surface or one agent."""

    cases: int = 0
    reviews_then: int = 0
    reviews_now: int = 0
    changes: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, other: Self) -> None:
        """Take in the counts of other cases."""
        self.cases += other.cases
        self.reviews_then += other.reviews_then
        self.reviews_now += other.reviews_now
        self.changes.update(other.changes)
        for kind, rows in other.examples.items():
            kept = self.examples.setdefault(kind, [])
            kept += rows[: MOST_EXAMPLES - len(kept)]

    def as_json(self) -> dict[str, Any]:
        return {
            "cases": self.cases,
            "reviews_then": self.reviews_then,
            "reviews_now": self.reviews_now,
            "changes": {name: self.changes[name] for name in CHANGES if self.changes[name]},
            "examples": self.examples,
        }

    @classmethod
    def of_json(cls, row: Mapping[str, Any]) -> Self:
        counts = {name: row[name] for name in ("cases", "reviews_then", "reviews_now")}
        return cls(**counts, changes=Counter(row["changes"]), examples={**row["examples"]})


@dataclass(slots=True)
class Fate:
    """Proposals that ended badly, and what each policy did about them before."""

    cases: int = 0
    let_through_then: int = 0
    let_through_now: int = 0

    @property
    def caught_now(self) -> int:
        """How many people would have seen, or the policy denied, before anything shipped."""
        return self.cases - self.let_through_now


@dataclass(slots=True)
class Tally:
    """What a replay has counted so far."""

    unreadable: int = 0
    surfaces: dict[str, Group] = field(default_factory=dict)
    agents: dict[str, Group] = field(default_factory=dict)
    fates: dict[str, Fate] = field(default_factory=lambda: {name: Fate() for name in FATES})
    uncounted: Counter[str] = field(default_factory=Counter)
    """Limits whose totals were not kept when the proposals were judged, with how many those are."""

    @property
    def cases(self) -> int:
        """How many proposals were judged."""
        return sum(group.cases for group in self.surfaces.values())

    def count(self, was: Was, seen: Seen, uncounted: Iterable[str] = ()) -> None:
        """Count one proposal."""
        kind = change(was, seen)
        for groups, name in ((self.surfaces, seen.surface), (self.agents, seen.agent)):
            group = groups.get(name)
            if group is None:
                group = groups[name] = Group()
            group.cases += 1
            group.reviews_then += was.outcome == _ASK
            group.reviews_now += seen.outcome == _ASK
            if kind is not None:
                group.changes[kind] += 1
                if group.changes[kind] <= MOST_EXAMPLES:
                    group.examples.setdefault(kind, []).append(_example(was, seen))
        if was.is_rejected or was.is_edited or was.is_rolled_back:
            for fate in map(self.fates.__getitem__, was.fates()):
                fate.cases += 1
                fate.let_through_then += was.outcome == _ALLOW
                fate.let_through_now += seen.outcome == _ALLOW
        if uncounted:
            self.uncounted.update(uncounted)

    def add(self, other: Self) -> None:
        """Take in a tally of other cases."""
        self.unreadable += other.unreadable
        self.uncounted.update(other.uncounted)
        for mine, theirs in ((self.surfaces, other.surfaces), (self.agents, other.agents)):
            for name, group in theirs.items():
                mine.setdefault(name, Group()).add(group)
        for name, fate in other.fates.items():
            for count in Fate.__slots__:
                setattr(self.fates[name], count, getattr(self.fates[name], count) + getattr(fate, count))

    def as_json(self) -> dict[str, Any]:
        """Write the tally down, so that `of_json` can take it up again."""
        return {
            "unreadable": self.unreadable,
            "uncounted": dict(sorted(self.uncounted.items())),
            "surfaces": {name: group.as_json() for name, group in sorted(self.surfaces.items())},
            "agents": {name: group.as_json() for name, group in sorted(self.agents.items())},
            "fates": {
                name: {count: getattr(fate, count) for count in Fate.__slots__} for name, fate in self.fates.items()
            },
        }

    @classmethod
    def of_json(cls, row: Mapping[str, Any]) -> Self:
        """Take up what `as_json` wrote."""
        return cls(
            unreadable=row["unreadable"],
            uncounted=Counter(row["uncounted"]),
            surfaces={name: Group.of_json(group) for name, group in row["surfaces"].items()},
            agents={name: Group.of_json(group) for name, group in row["agents"].items()},
            fates={name: Fate(**fate) for name, fate in row["fates"].items()},
        )

    def result(self, minutes: Mapping[str, float]) -> dict[str, Any]:
        """Return the figures as JSON values. `minutes` are the measured median review minutes by surface."""
        figures = self.as_json()
        added = saved = 0.0
        for name, group in self.surfaces.items():
            median = minutes.get(name, USUAL_MINUTES)
            difference = (group.reviews_now - group.reviews_then) * median
            figures["surfaces"][name] |= {
                "review_minutes": round(median, 2),
                "is_measured": name in minutes,
                "minutes_more": round(difference, 1),
            }
            added, saved = added + max(difference, 0), saved + max(-difference, 0)
        for name, fate in self.fates.items():
            figures["fates"][name]["caught_now"] = fate.caught_now
        changes: Counter[str] = Counter()
        for group in self.surfaces.values():
            changes.update(group.changes)
        return figures | {
            "cases": self.cases,
            "changes": {name: changes[name] for name in CHANGES},
            "minutes_added": round(added, 1),
            "minutes_saved": round(saved, 1),
        }


def _example(was: Was, seen: Seen) -> dict[str, Any]:
    deciding = next((reason for reason in seen.reasons if reason.is_deciding), None)
    return {
        "proposal": was.proposal,
        "surface": seen.surface,
        "agent": seen.agent,
        "action": seen.action,
        "then": {"outcome": was.outcome, "tier": was.tier},
        "now": {"outcome": seen.outcome, "tier": seen.tier},
        "because": {"source": deciding.source, "id": deciding.id, "text": deciding.text} if deciding else None,
        "became": list(was.fates()),
    }
