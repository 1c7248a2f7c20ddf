"""Required approvals of a proposal, by surface and tier. PURE."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any


@dataclass(frozen=True, slots=True, order=True)
class Approvers:
    """`approvals` of `role` at `stage` meet it, `denials` of it reject. Rows of one name are alternatives.

    A row of no approvals only lets its role reject.
    """

    stage: int
    name: str
    role: str
    approvals: int = 1
    denials: int = 1


@dataclass(frozen=True, slots=True)
class RequirementPolicy:
    """One row of the table; a tier of None is meant for every tier that has no rows of its own."""

    surface: str
    tier: str | None
    stage: int
    name: str
    role: str
    approvals: int = 1
    denials: int = 1

    @property
    def approvers(self) -> Approvers:
        return Approvers(self.stage, self.name, self.role, self.approvals, self.denials)


def required(rows: Iterable[RequirementPolicy], *, surface: str, tier: str | None, owner: str) -> tuple[Approvers, ...]:
    """Return whose approvals a proposal on `surface` at `tier` needs; the owner role, where no row asks for any."""
    here = [row for row in rows if row.surface == surface]
    own = [row for row in here if tier is not None and row.tier == tier]
    chosen = own or [row for row in here if row.tier is None]
    usual = () if any(row.approvals for row in chosen) else (Approvers(1, "owner", owner),)
    return tuple(sorted({*(row.approvers for row in chosen), *usual}))


def is_at_least(new: Sequence[Approvers], old: Sequence[Approvers]) -> bool:
    """Whether it is certain that votes which `new` lets pass would pass `old`, and that `new` rejects no later.

    Every name of `old` must be among the names of `new`, with no other alternatives than it had, none of
    which asks for fewer approvals; and every role that could reject can still, with as few denials.
    A role that only may reject is among those that can.
    """
    return (
        any(row.approvals for row in new)
        and all(any(_implies(group, wanted) for group in _groups(new)) for wanted in _groups(old))
        and all(any(row.role == was.role and row.denials <= was.denials for row in new) for was in old)
    )


def tightened(old: Sequence[Approvers], new: Sequence[Approvers], *, mark: str) -> tuple[Approvers, ...]:
    """Return requirements at least as strict as both; names of `new` that clash with `old` carry `mark`."""
    if is_at_least(old, new):
        return tuple(old)
    if is_at_least(new, old):
        return tuple(new)
    taken = {(row.stage, row.name) for row in old}
    both = [replace(row, name=f"{row.name} ({mark})") if (row.stage, row.name) in taken else row for row in new]
    return tuple(sorted({*old, *both}))


def widened(rows: Sequence[Approvers], role: str) -> tuple[Approvers, ...]:
    """Return requirements that `role` may meet too: an alternative of every name that asks for approvals.

    As many of the role have to approve as of the alternative that asks for the fewest, and as few reject.
    """
    more = [
        Approvers(
            group[0].stage, group[0].name, role, min(row.approvals for row in group), min(row.denials for row in group)
        )
        for group in _groups(rows)
        if all(row.role != role for row in group)
    ]
    return tuple(sorted({*rows, *more}))


def _groups(rows: Iterable[Approvers]) -> list[tuple[Approvers, ...]]:
    """Return the alternatives of each name that asks for approvals."""
    asking = sorted(row for row in rows if row.approvals)
    return [tuple(group) for _, group in groupby(asking, key=lambda row: (row.stage, row.name))]


def _implies(group: Sequence[Approvers], wanted: Sequence[Approvers]) -> bool:
    """Whether meeting any alternative of `group` meets one of `wanted`, no earlier in the order of stages."""
    return group[0].stage >= wanted[0].stage and all(
        any(row.role == other.role and row.approvals >= other.approvals for other in wanted) for row in group
    )


def as_rows(approvers: Iterable[Approvers]) -> list[dict[str, Any]]:
    """Write requirements as they are copied onto a proposal."""
    names = ("stage", "name", "role", "approvals", "denials")
    return [{name: getattr(row, name) for name in names} for row in approvers]


def from_rows(rows: Iterable[Mapping[str, Any]]) -> tuple[Approvers, ...]:
    """Read requirements as they stand on a proposal, or in a rule. Raises TypeError on anything else."""
    return tuple(Approvers(**row) for row in rows)
