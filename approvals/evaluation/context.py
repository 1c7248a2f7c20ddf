"""What goes on around a proposal, read for the policy and held still until the commit.

Whoever takes several locks takes them in this order, so that nobody ever waits in a circle:

1. the row of one proposal (and then that of its dispatch);
2. the gate of `policies.publishing.gate`, shared, and then the rows of kill switches;
3. the locks of its targets, by number;
4. the lock of what asks for the same;
5. the rows of running totals, by id.

Nobody who holds one of the later kinds waits for one of the earlier. That is why links between proposals
and entries of limits have no constraint in the database: checking it would lock another proposal's row.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from approvals.evaluation import conflicts, limit_windows, limits
from approvals.evaluation.limits import Total
from approvals.models import Proposal, State
from approvals.models.together import Statement
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

    Raises NotCounted, for `limits.with_limits` to see to.
    """
    return _read(place, standing, is_held=True)


def look(place: Place, standing: Current) -> Context:
    """Read the same without holding it. Raises NotCounted."""
    return _read(place, standing, is_held=False)


def _read(place: Place, standing: Current, *, is_held: bool) -> Context:
    covering = limits.covering(standing, surface=place.surface, agent=place.agent)
    wanted = limit_windows.wanted(
        covering, surface=place.surface, agent=place.agent, targets=place.targets, at=standing.at
    )
    counting = limits.HOLD if is_held else limits.LOOK
    statements = [
        *([conflicts.LOCK] if is_held and place.targets else ()),
        *([conflicts.FIND] if place.targets else ()),
        *([conflicts.LOCK_TWINS] if is_held else ()),
        conflicts.TWINS,
        *(counting if covering else ()),
    ]
    words = {
        "own": place.own,
        **conflicts.asked(place.targets, at=standing.at, cool_down=place.cool_down),
        **conflicts.same(surface=place.surface, action=place.action, digest=place.digest, made=place.made),
        **limits.asked(list(wanted), activation=standing.activation),
    }
    answers = dict(zip(statements, _run(statements, words), strict=True))
    totals = [Total(slug, row, float(total)) for slug, row, total in answers[statements[-1]]] if covering else []
    return Context(
        limits=limits.facts(covering, totals),
        conflicts=tuple(str(other) for (other,) in answers.get(conflicts.FIND, ())),
        twins=tuple(Twin(*row) for row in answers[conflicts.TWINS]),
        covering=covering,
        totals=totals,
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
    found = []
    if around.conflicts:
        found.append(conflicts.linking(proposal.pk, around.conflicts, at=proposal.created_at))
    if around.totals:
        found.append(limits.adding(proposal, around.covering, around.totals))
    return found


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
        **limits.followed(proposal),
        "at": at,
    }
    answers = _run([*statements, *limits.FOLLOW], words)
    if proposal.targets and is_back:
        relink(proposal, [str(other) for (other,) in answers[2]], at=at)


def relink(proposal: Proposal, others: list[str], *, at: datetime) -> None:
    """Link a locked proposal, whose targets are held, with `others`."""
    if others:
        sql, parameters = conflicts.linking(proposal.pk, others, at=at)
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
