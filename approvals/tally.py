"""Count votes. PURE."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby


class Outcome(StrEnum):
    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Requirement:
    """Whose approvals are needed: `approvals` of `role` at `stage` pass it, `denials` of it reject."""

    stage: int
    name: str
    role: str
    approvals: int = 1
    denials: int = 1


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's vote, with the roles in which it counts."""

    voter: str
    roles: frozenset[str]
    is_approval: bool


def tally(requirements: Sequence[Requirement], votes: Iterable[Vote]) -> Outcome:
    """Decide from votes alone whether a proposal is approved, rejected or still open.

    Requirements of one name are alternatives; every name of a stage must pass before the next stage
    counts; the first denial threshold reached rejects. `votes` are in the order they were cast; a later
    vote of the same person replaces the earlier one. No requirements at all never approve.
    """
    standing = {vote.voter: vote for vote in votes}.values()
    if any(_count(row, standing, is_approval=False) >= row.denials for row in requirements):
        return Outcome.REJECTED
    ordered = sorted(requirements, key=lambda row: (row.stage, row.name))
    if ordered and all(_passes(list(rows), standing) for _, rows in groupby(ordered, key=lambda r: (r.stage, r.name))):
        return Outcome.APPROVED
    return Outcome.OPEN


def _passes(alternatives: Sequence[Requirement], votes: Collection[Vote]) -> bool:
    return any(_count(row, votes, is_approval=True) >= row.approvals for row in alternatives)


def _count(row: Requirement, votes: Collection[Vote], *, is_approval: bool) -> int:
    return sum(vote.is_approval is is_approval and row.role in vote.roles for vote in votes)
