"""Deadlines, and what happens before them: reminders, and the levels at which the next role is called.

What ran out of time is marked here; it could not be decided or shipped since long before. What is due is a row
that a sweep finds by the database's clock, so it happens once however many sweeps run, and after hours in which
none did.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import DateTimeField, Func
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from approvals import transitions
from approvals.errors import StateConflict
from approvals.models import OPEN, NoticeKind, Proposal, Timer
from approvals.models.together import insert_together
from approvals.notices import occasions
from approvals.people import votes
from approvals.shipping import dispatches
from audit.canonical import JsonValue
from audit.clock import database_now
from audit.models import Entry
from policies.engine import requirements

BATCH: Final = 200
KIND: Final = "proposal.escalated"


def fire_due(*, most: int = BATCH) -> int:
    """Let what is due happen to up to `most` proposals, each in a transaction of its own; return to how many.

    Any number of sweeps may run at once: each takes the next proposal that no other one holds. Steps of one
    proposal happen in their order. Cost: one indexed query where nothing is due.
    """
    for fired in range(most):
        if not _fire_next():
            return fired
    return most


@transaction.atomic
def _fire_next() -> bool:
    proposal = _next()
    if proposal is None:
        return False
    # The clock of the statement that took the lock, which waits for nobody.
    at: datetime = proposal.time_now
    due = list(Timer.objects.filter(proposal=proposal.pk, fired_at=None, due_at__lte=at).order_by("share", "level"))
    rows = Timer.objects.filter(pk__in=[timer.pk for timer in due])
    if proposal.state not in OPEN or proposal.deadline_at <= at:
        # Nobody is asked now. Should people be asked again, they are planned again.
        rows.update(due_at=None)
        return True
    rows.update(fired_at=at)
    _call(proposal, [timer for timer in due if timer.kind == Timer.Kind.LEVEL], at=at)
    called = {timer.role for timer in due}
    for timer in due:
        _tell_of(timer, proposal, called, at=at)
    return True


_CLOCK: Final = Func(function="clock_timestamp", output_field=DateTimeField())


def _next() -> Any:
    """Lock the proposal whose step is due first, of those that nobody holds, and return it with `time_now`.

    Its contents are not read. Where a new revision came between, the join finds nothing; the next sweep does.
    """
    due = Proposal.objects.filter(timers__fired_at=None, timers__due_at__lte=Now())
    due = due.order_by("timers__due_at", "timers__id").select_related("revision")
    due = due.select_for_update(skip_locked=True, of=("self",)).annotate(time_now=_CLOCK)
    return due.only(
        "state",
        "deadline_at",
        "requirements",
        "deciding_roles",
        "distinct_people",
        "asked_again_at",
        "verdict",
        "revision__number",
        "revision__digest",
    ).first()


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
    data: dict[str, JsonValue] = {"level": timer.level, "role": timer.role, "widens": timer.widens}
    return transitions.entry(proposal, KIND, was=proposal.state, by=None, at=at, **data)


def _tell_of(timer: Timer, proposal: Proposal, called: Collection[str], *, at: datetime) -> None:
    missing = votes.still_needed(proposal)
    if timer.kind == Timer.Kind.LEVEL:
        note = _why_called(missing.difference(called), [timer.role] if timer.widens else ())
        occasions.enqueue(NoticeKind.ESCALATED, proposal, roles=[timer.role], at=at, note=note)
    else:
        occasions.enqueue(NoticeKind.REMINDER, proposal, roles=missing, at=at)


def _why_called(silent: Collection[str], instead: Collection[str]) -> str:
    """Say who has not answered, and who may decide `instead`: by role, for some who read it only look on."""
    if not silent:
        return ""
    facts = {"silent": _joined(silent), "instead": _joined(instead)}
    if instead:
        sentence = ngettext(
            "%(silent)s has not answered. %(instead)s can decide now.",
            "%(silent)s have not answered. %(instead)s can decide now.",
            len(silent),
        )
    else:
        sentence = ngettext("%(silent)s has not answered.", "%(silent)s have not answered.", len(silent))
    return sentence % facts


def _joined(roles: Collection[str]) -> str:
    return _(" and ").join(sorted(roles))


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
        dispatches.cancel(proposal)
    except StateConflict:
        return False  # on its way already: the dispatcher says how that ends
    proposal.expire()
    transitions.save(proposal, "proposal.expired", was=was, by=None, at=database_now())
    return True
