"""Tiers: how strict each is, and what changes when their table does. PURE."""

from collections.abc import Iterator, Mapping
from typing import Final

from policies.comparison.change import (
    LOOSER,
    NEUTRAL,
    TIGHTER,
    Change,
    Direction,
    Judge,
    Row,
    more_is_tighter,
    unproved,
)

REVIEWS: Final = ("none", "batch", "single", "signature", "human_only")
_ONE_BY_ONE: Final = frozenset({"single", "signature"})
DENIED: Final = (2, 0)
"""Stricter than any tier."""
NOTHING: Final = (-1, 0)
"""Milder than any tier."""
FLAGGED: Final = (-1, 1)
"""Told to the reviewer, and no more."""
Strictness = tuple[int, int]


class Ladder:
    """The tiers of one document in their order."""

    def __init__(self, tiers: Mapping[str, Row]) -> None:
        self._tiers = tiers
        one_by_one = [slug for slug, row in tiers.items() if row["review"] in _ONE_BY_ONE]
        automatic = [slug for slug, row in tiers.items() if row["posture"] != "in"]
        self.single = min(one_by_one, key=self.strictness, default=max(tiers, key=self.strictness, default=None))
        """What doubt, and a rule that names no tier, requires."""
        self.automatic = max(automatic, key=self.strictness, default=None)
        """What a rule that allows gives unless it names another."""

    def __contains__(self, slug: str) -> bool:
        return slug in self._tiers

    def strictness(self, slug: str | None) -> Strictness:
        """Return what orders the tiers; an unknown one is as strict as doubt."""
        row = self._tiers.get(slug or "")
        if row is None:
            return self.strictness(self.single) if self.single else (1, 0)
        return int(row["posture"] == "in"), row["rank"]

    def is_automatic(self, slug: str | None) -> bool:
        return self.strictness(slug)[0] == 0

    def is_short_of_doubt(self, slug: str | None) -> bool:
        """Whether people decide at this tier, but less closely than where doubt takes an automatic tier away."""
        return not self.is_automatic(slug) and self.strictness(slug) < self.strictness(self.single)

    def is_in_order(self) -> bool:
        """Whether every tier that ships by itself ranks below every tier in which people decide."""
        ranks: dict[bool, list[int]] = {True: [], False: []}
        for row in self._tiers.values():
            ranks[row["posture"] == "in"].append(row["rank"])
        return max(ranks[False], default=-1) < min(ranks[True], default=1 << 30)

    def judge(self, before: str | None, after: str | None) -> Direction:
        """Return what it means that a tier which only ever tightens becomes another one."""
        was, now = self.strictness(before), self.strictness(after)
        if was == now:
            return NEUTRAL
        return TIGHTER if now > was else LOOSER


def _posture(before: str, after: str) -> Direction:
    return TIGHTER if (before, after) == ("out", "on") else LOOSER


def _review(before: str, after: str) -> Direction:
    return TIGHTER if REVIEWS.index(after) > REVIEWS.index(before) else LOOSER


_FIELDS: Final[Mapping[str, Judge]] = {
    "rank": unproved,
    "posture": _posture,
    "review": _review,
    "sample_rate": more_is_tighter,
    "hold": more_is_tighter,
}


def compare_tiers(old: Mapping[str, Row], new: Mapping[str, Row]) -> Iterator[Change]:
    """Yield what differs between two tables of tiers."""
    for slug in sorted({*old, *new}):
        before, after = old.get(slug), new.get(slug)
        if before is None or after is None:
            # A mandate that names a tier which is gone counts as one-by-one review, whatever it was.
            yield Change("tier", slug, "", before, after, NEUTRAL if before is None else LOOSER)
            continue
        for name, judge in _FIELDS.items():
            if before[name] != after[name]:
                yield Change("tier", slug, name, before[name], after[name], judge(before[name], after[name]))
    yield from _meanings(Ladder(old), Ladder(new))


def _meanings(old: Ladder, new: Ladder) -> Iterator[Change]:
    """Yield what a new order of tiers changes for those who name none."""
    for name, before, after in (
        ("usual_tier_of_doubt", old.single, new.single),
        ("usual_tier_of_what_rules_allow", old.automatic, new.automatic),
    ):
        if before == after:
            continue
        known = before is not None and after is not None and before in new
        is_up = known and new.strictness(after) > new.strictness(before)
        yield Change("tier", after or before or "", name, before, after, TIGHTER if is_up else LOOSER)
