"""Requirements: whose approvals are needed, before and after. PURE."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from policies.comparison.change import LOOSER, NEUTRAL, TIGHTER, Change, Direction, Row
from policies.comparison.tiers import Ladder
from policies.engine.requirements import Approvers, RequirementPolicy, is_at_least, required
from policies.rules.rule import matches

_TIERS: Final = frozenset({"hold", "sample_rate"})
_SURFACES: Final = frozenset(
    {
        "is_enabled",
        "deadline",
        "shelf_life",
        "undo_window",
        "retention",
        "editor_may_approve",
        "agent_owner_may_decide",
        "distinct_people",
        "confirms_number",
    }
)
"""What of a surface says nothing of how closely a proposal is looked at."""
_ELSEWHERE: Final = frozenset({"requirement", "escalation", "test"})


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

    def shrinking(self) -> frozenset[str]:
        """Return the surfaces on which a stricter tier needs fewer approvals, or others, than a milder one.

        Of tiers in which people decide; where only people may act, no approval ships anything.
        """
        ladder = Ladder(self._tiers)
        ordered = [slug for slug in sorted(self._tiers, key=ladder.strictness) if self._takes_approvals(slug)]
        return frozenset(
            surface
            for surface in self.named
            for lower, higher in pairwise(ordered)
            if not is_at_least(self.at(surface, higher), self.at(surface, lower))
        )

    def _takes_approvals(self, tier: str) -> bool:
        row = self._tiers[tier]
        return bool(row["posture"] == "in" and row["review"] != "human_only")


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


def may_lift(change: Change, old: Mapping[str, Any], new: Mapping[str, Any], surfaces: Collection[str]) -> bool:
    """Whether a change may put anything on one of these surfaces under another tier, and not just deny it.

    Where a stricter tier asks other people than a milder one, that takes an approval away as it adds another.
    """
    match change.thing:
        case "surface":
            is_gone = change.field == "" and change.after is None
            return change.id in surfaces and not is_gone and change.field not in _SURFACES
        case "tier":
            return change.field not in _TIERS
        case "rule" | "limit" | "guardrail":
            rows = [row for document in (old, new) if (row := document.get(f"{change.thing}s", {}).get(change.id))]
            return any(_concerns(row, surfaces) and not _only_denies(row) for row in rows)
    return change.thing not in _ELSEWHERE


def _concerns(row: Row, surfaces: Collection[str]) -> bool:
    globs = row.get("surfaces", [])
    return not globs or any(matches(glob, surface) for glob in globs for surface in surfaces)


def _only_denies(row: Row) -> bool:
    effects = {row.get(name) for name in ("decision", "effect", "warning_effect")} - {None}
    return effects <= {"deny", "flag"}
