"""Count votes. PURE."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby, product


class Result(StrEnum):
    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Requirement:
    """Approvals that are needed: `approvals` of `role` at `stage` pass it, `denials` of it reject.

    A row of no approvals asks for nothing; its role may only reject.
    """

    stage: int
    name: str
    role: str
    approvals: int = 1
    denials: int = 1


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's vote, with the roles in which it counts; `on_behalf_of` is whom the voter stands in for."""

    voter: str
    roles: frozenset[str]
    is_approval: bool
    on_behalf_of: str = ""

    @property
    def people(self) -> frozenset[str]:
        """The people whose one vote this is."""
        return frozenset(filter(None, (self.voter, self.on_behalf_of)))


@dataclass(frozen=True, slots=True)
class Need:
    """How far one name is: who approved it, and how many approvals are missing of whichever role is nearest."""

    stage: int
    name: str
    alternatives: tuple[Requirement, ...]
    approved_by: tuple[str, ...]
    missing: int
    is_open: bool
    """Whether every earlier stage has passed, so that it can be approved now."""

    @property
    def is_met(self) -> bool:
        return self.missing == 0

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles whose people may meet it."""
        return tuple(row.role for row in self.alternatives)


@dataclass(frozen=True, slots=True)
class Explained:
    """What votes come to, name by name in the order of stages."""

    outcome: Result
    needs: tuple[Need, ...]

    @property
    def unmet(self) -> tuple[Need, ...]:
        return tuple(need for need in self.needs if not need.is_met)

    @property
    def open_roles(self) -> frozenset[str]:
        """The roles that may approve now: those of the stages that are open."""
        return frozenset(role for need in self.needs if need.is_open for role in need.roles)

    @property
    def open_stages(self) -> frozenset[int]:
        return frozenset(need.stage for need in self.needs if need.is_open)

    def asked_since(self, was_open: Collection[int]) -> frozenset[str]:
        """Return the roles that are asked because their stage has opened, where the stages `was_open` were before."""
        opened = self.open_stages - frozenset(was_open)
        return frozenset(role for need in self.unmet if need.stage in opened for role in need.roles)


def tally(requirements: Sequence[Requirement], votes: Iterable[Vote], *, distinct_people: bool = False) -> Result:
    """Decide from votes alone whether a proposal is approved, rejected or still open.

    Requirements of one name are alternatives; every name of every stage must pass; the first denial threshold
    reached rejects, whatever its stage. `votes` are in the order they were cast; a later vote replaces earlier
    ones by the same person or on behalf of the same person. With `distinct_people` nobody counts for more than
    one name. Where no row asks for approvals, nothing approves.

    Stages open in order: who may approve when is asked before a vote is cast (`Explained.open_roles`). Once it is
    cast, its order among those of other people does not matter any more.
    """
    return explain(requirements, votes, distinct_people=distinct_people).outcome


def explain(requirements: Sequence[Requirement], votes: Iterable[Vote], *, distinct_people: bool = False) -> Explained:
    """Return what `votes` come to and what is missing, as `tally` counts them.

    Cost: with `distinct_people`, in proportion to the combinations of alternatives for which anybody voted.
    """
    counted = standing(votes)
    groups = _groups(requirements)
    approvals = [vote for vote in counted if vote.is_approval]
    assigned = _assigned(groups, approvals) if distinct_people else [_nearest(group, approvals) for group in groups]
    needs: list[Need] = []
    for group, (voters, missing) in zip(groups, assigned, strict=True):
        stage = group[0].stage
        is_open = all(need.is_met for need in needs if need.stage < stage)
        needs.append(Need(stage, group[0].name, group, voters, missing, is_open))
    if any(_denials(row, counted) >= row.denials for row in requirements):
        outcome = Result.REJECTED
    else:
        outcome = Result.APPROVED if needs and all(need.is_met for need in needs) else Result.OPEN
    return Explained(outcome, tuple(needs))


def standing(votes: Iterable[Vote]) -> tuple[Vote, ...]:
    """Return the votes that stand: of each person the last one, cast by them or for them."""
    kept: list[Vote] = []
    for vote in votes:
        kept = [earlier for earlier in kept if not earlier.people & vote.people]
        kept.append(vote)
    return tuple(kept)


Group = tuple[Requirement, ...]
Counted = tuple[tuple[str, ...], int]
"""The people who count for a name, and how many are missing."""


def _groups(requirements: Iterable[Requirement]) -> list[Group]:
    """Return the alternatives of each name that asks for approvals, in the order of stages."""
    asking = sorted(
        {row for row in requirements if row.approvals > 0},
        key=lambda row: (row.stage, row.name, row.role, row.approvals, row.denials),
    )
    return [tuple(rows) for _, rows in groupby(asking, key=lambda row: (row.stage, row.name))]


def _denials(row: Requirement, votes: Collection[Vote]) -> int:
    return sum(not vote.is_approval and row.role in vote.roles for vote in votes)


def _voters(row: Requirement, approvals: Iterable[Vote]) -> tuple[str, ...]:
    return tuple(sorted(vote.voter for vote in approvals if row.role in vote.roles))


def _nearest(group: Group, approvals: Sequence[Vote]) -> Counted:
    """Count every vote for every name it may count for."""
    counted = ((_voters(row, approvals), row) for row in group)
    return min(
        ((voters, max(row.approvals - len(voters), 0)) for voters, row in counted),
        key=lambda one: (one[1], -len(one[0]), one[0]),
    )


def _assigned(groups: Sequence[Group], approvals: Sequence[Vote]) -> list[Counted]:
    """Count every voter for one name at most, so that as little as possible is missing, earlier names first."""
    best: list[Counted] | None = None
    for rows in product(*(tuple(_candidates(group, approvals)) for group in groups)):
        assigned = _matched(rows, approvals)
        if best is None or [missing for _, missing in assigned] < [missing for _, missing in best]:
            best = assigned
    return best or []


def _candidates(group: Group, approvals: Sequence[Vote]) -> Iterator[Requirement]:
    """Yield the alternatives that could count: those that somebody voted for, and the one that asks for least."""
    least = min(group, key=lambda row: (row.approvals, row.role))
    yield from (row for row in group if row is least or _voters(row, approvals))


def _matched(rows: Sequence[Requirement], approvals: Sequence[Vote]) -> list[Counted]:
    """Match voters with places by augmenting paths; a place that was taken stays taken, though by somebody else."""
    places = [(at, number) for at, row in enumerate(rows) for number in range(row.approvals)]
    by_voter: dict[str, tuple[int, int]] = {}
    roles = {vote.voter: vote.roles for vote in sorted(approvals, key=lambda vote: vote.voter)}

    def take(place: tuple[int, int], seen: set[str]) -> bool:
        for voter, held in roles.items():
            if rows[place[0]].role in held and voter not in seen:
                seen.add(voter)
                if voter not in by_voter or take(by_voter[voter], seen):
                    by_voter[voter] = place
                    return True
        return False

    taken = [place for place in places if take(place, set())]
    return [
        (
            tuple(sorted(voter for voter, place in by_voter.items() if place[0] == at)),
            row.approvals - sum(place[0] == at for place in taken),
        )
        for at, row in enumerate(rows)
    ]


def has_stages(rows: Iterable[Requirement]) -> bool:
    """Whether some approvals are only asked for once others were given."""
    return len({row.stage for row in rows if row.approvals}) > 1
