"""Requirements: whose approvals are needed, before and after. PURE."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from policies.comparison.change import LOOSER, NEUTRAL, TIGHTER, Change, Direction, Row
from policies.comparison.tiers import Ladder
from policies.engine.requirements import Approvers, RequirementPolicy, is_at_least, required


class Requirements:
    """What one document requires on each surface at each tier."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._surfaces: Mapping[str, Row] = document["surfaces"]
        self._tiers: Mapping[str, Row] = document["tiers"]
        self.rows = [RequirementPolicy(**row) for row in document.get("requirements", ())]
        self.named = {row.surface for row in self.rows}

    def at(self, surface: str, tier: str, *, owner: str | None = None) -> tuple[Approvers, ...]:
        """Return whose approvals are needed; `owner` stands in for the surface's own owner role."""
        return required(
            self.rows, surface=surface, tier=tier, owner=owner or self._surfaces.get(surface, {}).get("owner", "")
        )

    def grow_with_the_tiers(self) -> bool:
        """Whether a stricter tier nowhere needs fewer approvals than a milder one in which people decide."""
        ladder = Ladder(self._tiers)
        ordered = [slug for slug in sorted(self._tiers, key=ladder.strictness) if not ladder.is_automatic(slug)]
        return all(
            is_at_least(self.at(surface, higher), self.at(surface, lower))
            for surface in self.named
            for lower, higher in pairwise(ordered)
        )


def compare_requirements(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    """Yield the rows that differ, each judged by what its surface requires at every tier, before and after."""
    before, after = (_by_key(document.get("requirements", ())) for document in (old, new))
    judged: dict[str, Direction] = {}
    was, now = Requirements(old), Requirements(new)
    for key in sorted({*before, *after}):
        if before.get(key) == after.get(key):
            continue
        surface = key[0]
        if surface not in judged:
            judged[surface] = _judge(surface, was, now, {*old["tiers"], *new["tiers"]}, new)
        shown = f"{surface}{f' ({key[1]})' if key[1] else ''}, stage {key[2]}, {key[3]}: {key[4]}"
        yield from _changes(shown, before.get(key), after.get(key), judged[surface])


def _changes(shown: str, before: Row | None, after: Row | None, direction: Direction) -> Iterator[Change]:
    if before is None or after is None:
        yield Change("requirement", shown, "", before, after, direction)
        return
    for name in ("approvals", "denials"):
        if before[name] != after[name]:
            yield Change("requirement", shown, name, before[name], after[name], direction)


def _judge(
    surface: str, was: Requirements, now: Requirements, tiers: Iterable[str], new: Mapping[str, Any]
) -> Direction:
    # A change of the owner role is a change of the surface and judged there.
    owner = new["surfaces"].get(surface, {}).get("owner", "")
    pairs: Sequence[tuple[Any, Any]] = [
        (was.at(surface, tier, owner=owner), now.at(surface, tier, owner=owner)) for tier in sorted(tiers)
    ]
    if not all(is_at_least(after, before) for before, after in pairs):
        return LOOSER
    return NEUTRAL if all(is_at_least(before, after) for before, after in pairs) else TIGHTER


def _by_key(rows: Iterable[Row]) -> dict[tuple[str, str, int, str, str], Row]:
    return {(row["surface"], row["tier"] or "", row["stage"], row["name"], row["role"]): row for row in rows}
