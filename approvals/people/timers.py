"""Reminders and escalation levels of a proposal, planned when people are asked. `escalation` fires them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection

from approvals.models import Proposal, Timer
from approvals.models.stored_row import Statement
from policies.engine.calendars import business_time
from policies.engine.policy import Policy, SurfacePolicy


@dataclass(frozen=True, slots=True)
class EscalationStep:
    """Something that happens at `share` of the time that people have."""

    kind: Timer.Kind
    share: float
    level: int = 0
    role: str = ""
    widens: bool = False


REMINDERS: Final = (EscalationStep(Timer.Kind.REMIND_50, 0.5), EscalationStep(Timer.Kind.REMIND_80, 0.8))


def planned(policy: Policy, surface: SurfacePolicy) -> tuple[EscalationStep, ...]:
    """Return what happens on `surface` while people do not answer.

    Times become shares of the surface's deadline: an agent that asks for an earlier one brings all levels forward.
    """
    levels = (
        EscalationStep(Timer.Kind.LEVEL, row.after / surface.deadline, row.level, row.role, row.widens)
        for row in policy.escalations
        if row.surface == surface.slug and row.after < surface.deadline
    )
    return (*REMINDERS, *levels)


_PLAN: Final = """
INSERT INTO approvals_timer (proposal_id, kind, level, role, widens, share, due_at)
SELECT %s, * FROM unnest(%s::text[], %s::int[], %s::text[], %s::bool[], %s::float8[], %s::timestamptz[]) AS step
    ON CONFLICT (proposal_id, kind, level) DO UPDATE SET due_at = excluded.due_at
 WHERE approvals_timer.fired_at IS NULL"""


def planning(proposal: Proposal, steps: Iterable[EscalationStep], surface: SurfacePolicy, *, at: datetime) -> Statement:
    """Return the statement that plans steps for a proposal which asks people from `at` until its deadline."""
    rows = list(steps)
    whole = business_time.between(surface.calendar, at, proposal.deadline_at)
    due = [business_time.later(surface.calendar, at, whole * step.share) for step in rows]
    columns = [[str(step.kind) for step in rows], [step.level for step in rows], [step.role for step in rows]]
    more = [[step.widens for step in rows], [step.share for step in rows], due]
    return Statement(_PLAN, [proposal.pk, *columns, *more])


def plan_again(proposal: Proposal, policy: Policy, surface: SurfacePolicy, *, at: datetime) -> None:
    """Plan anew what has not happened yet to a locked proposal that got another deadline.

    What was copied when people were first asked stays; a proposal that never asked any copies it now.
    """
    kept = tuple(
        EscalationStep(Timer.Kind(timer.kind), timer.share, timer.level, timer.role, timer.widens)
        for timer in Timer.objects.filter(proposal=proposal)
    )
    sql, parameters = planning(proposal, kept or planned(policy, surface), surface, at=at)
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
