"""Deadlines, and what happens before them: reminders, and the levels at which the next role is called.

What ran out of time is marked here; it could not be decided or shipped since long before. What is due is a row
that a sweep finds by the database's clock, so it happens once however many sweeps run, and after hours in which
none did.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now
from django.dispatch import Signal

from approvals import decisions, shipping, steps
from approvals.errors import StateConflict
from approvals.models import OPEN, Proposal, Timer
from approvals.models.together import Statement, insert_together
from audit.canonical import JsonValue
from audit.clock import database_now
from audit.models import Entry
from policies import business_time, requirements
from policies.policy import Policy, SurfacePolicy

BATCH: Final = 200
KIND: Final = "proposal.escalated"

people_to_tell = Signal()
"""Sent inside the transaction of what it tells: `kind`, `proposal`, `roles`, `at`. Receivers write outbox rows."""


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happens at `share` of the time that people have."""

    kind: Timer.Kind
    share: float
    level: int = 0
    role: str = ""
    widens: bool = False


REMINDERS: Final = (Step(Timer.Kind.REMIND_50, 0.5), Step(Timer.Kind.REMIND_80, 0.8))


def planned(policy: Policy, surface: SurfacePolicy) -> tuple[Step, ...]:
    """Return what happens on `surface` while people do not answer.

    Times become shares of the surface's deadline: an agent that asks for an earlier one brings all levels forward.
    """
    levels = (
        Step(Timer.Kind.LEVEL, row.after / surface.deadline, row.level, row.role, row.widens)
        for row in policy.escalations
        if row.surface == surface.slug and row.after < surface.deadline
    )
    return (*REMINDERS, *levels)


_PLAN: Final = """
INSERT INTO approvals_timer (proposal_id, kind, level, role, widens, share, due_at)
SELECT %s, * FROM unnest(%s::text[], %s::int[], %s::text[], %s::bool[], %s::float8[], %s::timestamptz[]) AS step
    ON CONFLICT (proposal_id, kind, level) DO UPDATE SET due_at = excluded.due_at
 WHERE approvals_timer.fired_at IS NULL"""


def planning(proposal: Proposal, found: Iterable[Step], surface: SurfacePolicy, *, at: datetime) -> Statement:
    """Return the statement that plans steps for a proposal which asks people from `at` until its deadline."""
    rows = list(found)
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
        Step(Timer.Kind(timer.kind), timer.share, timer.level, timer.role, timer.widens)
        for timer in Timer.objects.filter(proposal=proposal)
    )
    sql, parameters = planning(proposal, kept or planned(policy, surface), surface, at=at)
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def tell(kind: str, proposal: Proposal, *, roles: Collection[str], at: datetime) -> None:
    """Have the people of `roles` told of a proposal. Whoever sends notices listens to `people_to_tell`."""
    people_to_tell.send(Timer, kind=kind, proposal=proposal, roles=frozenset(roles), at=at)


def fire_due(*, most: int = BATCH) -> int:
    """Let up to `most` due steps happen, each proposal's in a transaction of its own; return how many were due.

    Any number of sweeps may run at once: proposals that another one holds are skipped. Steps of one proposal
    happen in their order.
    """
    due = _due().order_by("due_at", "id").values_list("proposal_id", flat=True)[:most]
    found = list(due)
    for proposal_id in dict.fromkeys(found):
        _fire(proposal_id)
    return len(found)


def _due() -> "QuerySet[Timer]":
    return Timer.objects.filter(fired_at=None, due_at__lte=Now())


@transaction.atomic
def _fire(proposal_id: UUID) -> None:
    proposal = _locked(proposal_id)
    if proposal is None:
        return
    at = database_now()
    due = list(_due().filter(proposal=proposal).order_by("share", "level"))
    rows = Timer.objects.filter(pk__in=[timer.pk for timer in due])
    if proposal.state not in OPEN or proposal.deadline_at <= at:
        # Nobody is asked now. Should people be asked again, they are planned again.
        rows.update(due_at=None)
        return
    rows.update(fired_at=at)
    _call(proposal, [timer for timer in due if timer.kind == Timer.Kind.LEVEL], at=at)
    for timer in due:
        _tell_of(timer, proposal, at=at)


def _locked(proposal_id: UUID) -> Proposal | None:
    """Lock a proposal of which something is due, unless somebody else holds it; its contents are not read."""
    found = Proposal.objects.filter(Exists(_due().filter(proposal=OuterRef("pk"))), pk=proposal_id)
    # Nobody waits here. Where a new revision came between, the join finds nothing and the next sweep finds it again.
    found = found.select_for_update(skip_locked=True, of=("self",)).select_related("revision")
    proposal: Proposal | None = found.defer("revision__body", "revision__rollback_body", "revision__before").first()
    return proposal


def _call(proposal: Proposal, levels: list[Timer], *, at: datetime) -> None:
    """Let the roles of levels that say so decide too, and write all of them down. Two statements or none."""
    if not levels:
        return
    rows = requirements.from_rows(proposal.requirements)
    for timer in levels:
        rows = requirements.widened(rows, timer.role) if timer.widens else rows
    proposal.require_approvals(requirements.as_rows(rows))
    # None of these columns is part of the field history.
    Proposal.objects.filter(pk=proposal.pk).update(
        requirements=proposal.requirements, deciding_roles=proposal.deciding_roles, updated_at=at
    )
    insert_together([_entry(proposal, timer, at=at) for timer in levels])


def _entry(proposal: Proposal, timer: Timer, *, at: datetime) -> Entry:
    told: dict[str, JsonValue] = {"level": timer.level, "role": timer.role, "widens": timer.widens}
    return steps.entry(proposal, KIND, was=proposal.state, by=None, at=at, **told)


def _tell_of(timer: Timer, proposal: Proposal, *, at: datetime) -> None:
    if not people_to_tell.has_listeners(Timer):
        return
    roles = [timer.role] if timer.kind == Timer.Kind.LEVEL else decisions.still_needed(proposal)
    tell(timer.kind, proposal, roles=roles, at=at)


def expire_overdue(*, most: int = BATCH) -> int:
    """Expire up to `most` overdue proposals, each in a transaction of its own; return how many.

    Any number of sweeps may run at once: rows that another one holds are skipped.
    """
    overdue = list(Proposal.objects.overdue().order_by("deadline_at").values_list("pk", flat=True)[:most])
    return sum(_expire(proposal_id) for proposal_id in overdue)


@transaction.atomic
def _expire(proposal_id: object) -> bool:
    proposal = Proposal.objects.overdue().select_for_update(skip_locked=True).filter(pk=proposal_id).first()
    if proposal is None:
        return False
    was = proposal.state
    try:
        shipping.cancel(proposal)
    except StateConflict:
        return False  # on its way already: the dispatcher says how that ends
    proposal.expire()
    steps.take(proposal, "proposal.expired", was=was, by=None, at=database_now())
    return True
