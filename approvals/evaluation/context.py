"""The context of a proposal: read for the policy, and locked until the commit.

Take several locks in this order, so that nobody ever waits in a circle:

1. the row of one proposal (and then that of its dispatch);
2. the gate of `policies.publishing.gate`, shared, and then the rows of kill switches or of standing approvals;
3. the uploads that it names;
4. the locks of its targets, by number;
5. the lock of what asks for the same;
6. the rows of running totals, by id.

Nobody who holds one of the later kinds waits for one of the earlier. That is why links between proposals
and entries of limits have no constraint in the database: checking it would lock another proposal's row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from approvals.evaluation import conflicts
from approvals.evaluation.limits import room, totals, windows
from approvals.evaluation.limits.totals import Total
from approvals.models import Proposal, State
from approvals.models.stored_row import Statement
from policies.engine.policy import LimitPolicy
from policies.facts.facts import Twin
from policies.publishing.current import Current
from policies.publishing.gate import SHARE


@dataclass(frozen=True, slots=True)
class Context:
    """Running totals without the proposal in question, who else names its targets, and what asks for the same."""

    limits: Mapping[str, float] = field(default_factory=dict)
    conflicts: tuple[str, ...] = ()
    twins: tuple[Twin, ...] = ()
    covering: list[LimitPolicy] = field(default_factory=list)
    totals: list[Total] = field(default_factory=list)
    room: Sequence[Decimal] | None = None
    """How far each total may come for the verdict to stay, where they are not held; see `limits.room`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a proposal stands: what its totals and conflicts depend on. `own` is its id, if it has one."""

    surface: str
    agent: str
    targets: tuple[str, ...]
    cool_down: timedelta
    action: str
    digest: str
    own: UUID | None = None
    made: UUID | None = None
    """The revision in question, where it is not new."""


def hold(place: Place, standing: Current) -> Context:
    """Lock what the verdict will depend on and read it, in one round trip.

    Raises NotCounted, for `recount.with_limits` to see to.
    """
    return _read(place, standing, is_held=True, are_totals_held=True)


def hold_targets(place: Place, standing: Current) -> Context:
    """Lock and read the same, but only look at running totals. Raises NotCounted."""
    return _read(place, standing, is_held=True, are_totals_held=False)


def look(place: Place, standing: Current) -> Context:
    """Read the same without holding it. Raises NotCounted."""
    return _read(place, standing, is_held=False, are_totals_held=False)


def _read(place: Place, standing: Current, *, is_held: bool, are_totals_held: bool) -> Context:
    covering = totals.covering(standing, surface=place.surface, agent=place.agent)
    wanted = windows.wanted(covering, surface=place.surface, agent=place.agent, targets=place.targets, at=standing.at)
    statements = [conflicts.CALL_NEIGHBOURS]
    if covering:
        statements += totals.HOLD if are_totals_held else totals.LOOK
    words = {
        "own": place.own,
        "is_held": is_held,
        **conflicts.asked(place.targets, at=standing.at, cool_down=place.cool_down),
        **conflicts.same(surface=place.surface, action=place.action, digest=place.digest, made=place.made),
        **totals.asked(list(wanted), activation=standing.activation),
    }
    answers = _run(statements, words)
    others, twins = conflicts.neighbours(answers[0][0])
    counted = [Total(slug, row, float(total), cutoff) for slug, row, total, cutoff in answers[-1]] if covering else []
    return Context(
        limits=totals.facts(covering, counted), conflicts=others, twins=twins, covering=covering, totals=counted
    )


def _run(statements: list[str], words: Mapping[str, Any]) -> list[list[Any]]:
    """Run several statements in one round trip and return what each of them selects.

    Each of them sees the database as it is when it begins, not as it was when the first one did.
    """
    with connection.cursor() as cursor:
        cursor.execute(";".join(statements), words)
        answers = [_fetched(cursor)]
        while cursor.nextset():
            answers.append(_fetched(cursor))
    return answers


def _fetched(cursor: Any) -> list[Any]:
    return cursor.fetchall() if cursor.description else []


def joining(proposal: Proposal, around: Context) -> list[Statement]:
    """Return the statements that count a new proposal and link it with those it is in conflict with."""
    if proposal.state == State.BLOCKED:
        return []
    statements = []
    if around.conflicts:
        statements.append(conflicts.linking(proposal.pk, around.conflicts, at=proposal.created_at))
    if around.room is not None:
        statements.append(room.counting(proposal, around.covering, around.totals, around.room))
    elif around.totals:
        statements.append(totals.adding(proposal, around.covering, around.totals))
    return statements


def follow(proposal: Proposal, *, was: str, at: datetime) -> None:
    """Let totals and conflicts follow a locked proposal that has changed its state from `was`, or its content."""
    statements = [SHARE]
    is_back = was in conflicts.GIVEN_UP and proposal.state not in conflicts.GIVEN_UP
    is_given_up = was not in conflicts.GIVEN_UP and proposal.state in conflicts.GIVEN_UP
    if proposal.targets and (is_given_up or is_back):
        statements.append(conflicts.LOCK)
        statements.append(conflicts.RESOLVE if is_given_up else conflicts.FIND)
    words = {
        **conflicts.asked(proposal.targets, at=at, cool_down=timedelta(0)),
        **totals.followed(proposal),
        "at": at,
    }
    answers = _run([*statements, *totals.FOLLOW], words)
    if proposal.targets and is_back:
        relink(proposal, [str(other) for (other,) in answers[2]], at=at)


def relink(proposal: Proposal, others: list[str], *, at: datetime) -> None:
    """Link a locked proposal, whose targets are held, with `others`."""
    if others:
        sql, parameters = conflicts.linking(proposal.pk, others, at=at)
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
