"""Absences, and who stands in. The only writer of absences.

What a stand-in may do, `eligibility` says at the moment of the decision. It never goes further than what the person
who is away could do, and never further than one person: who stands in for somebody lends that to nobody else.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from approvals.errors import AbsenceRefused
from approvals.models import Absence
from approvals.people.eligibility import DECIDE
from audit.canonical import JsonValue
from audit.clock import database_now
from audit.ledger import entries
from policies.actors import actor
from policies.models import Agent, Surface

LONGEST: Final = timedelta(days=366)


@transaction.atomic
def take(
    *,
    person: User,
    by: User,
    begins_at: datetime,
    ends_at: datetime,
    delegate: User | None = None,
    roles: Collection[str] = (),
    surfaces: Collection[str] = (),
) -> Absence:
    """Note that `person` is away, and that `delegate` may decide for them in `roles` on `surfaces` (empty: all).

    Raises AbsenceRefused, naming the field: only superusers do this for others, and not to decide for them; the time
    must lie ahead; the delegate must be able to decide, be somebody else and not be away at that time.
    """
    at = database_now()
    if by.pk != person.pk and not by.is_superuser:
        raise AbsenceRefused(_("Only a superuser can do this for someone else."), field="person")
    if delegate is not None and by.pk == delegate.pk != person.pk:
        raise AbsenceRefused(_("You can’t give yourself someone else’s vote."), field="delegate")
    _require_time(begins_at, ends_at, at=at)
    # Two people who delegate to each other at the same time must see one another.
    involved = [person.pk, delegate.pk] if delegate is not None else [person.pk]
    list(User.objects.select_for_update(of=("self",)).filter(pk__in=involved).order_by("pk").values_list("pk"))
    if delegate is not None:
        _require_delegate(person, delegate, begins_at, ends_at)
    _require_known(person, roles, surfaces)
    absence = Absence.objects.create(
        person=person,
        delegate=delegate,
        begins_at=begins_at,
        ends_at=ends_at,
        roles=sorted(set(roles)),
        surfaces=sorted(set(surfaces)),
        noted_at=at,
        noted_by=by,
    )
    _record("absence.noted", absence, by=by, at=at)
    return absence


@transaction.atomic
def end(*, absence_id: int, by: User) -> Absence:
    """End an absence before its time, or call it off. Raises Absence.DoesNotExist or AbsenceRefused."""
    absence = Absence.objects.select_for_update(of=("self",)).get(pk=absence_id)
    at = database_now()
    if by.pk != absence.person_id and not by.is_superuser:
        raise AbsenceRefused(_("Only a superuser can do this for someone else."), field="person")
    if absence.cancelled_at is not None or absence.ends_at <= at:
        raise AbsenceRefused(_("It is over already."), field="ends_at")
    absence.cancelled_at = at
    absence.save(update_fields=["cancelled_at"])
    _record("absence.ended", absence, by=by, at=at)
    return absence


def coming() -> QuerySet[Absence]:
    """Return the absences that are not over, by the database's clock."""
    return Absence.objects.filter(cancelled_at=None, ends_at__gt=Now()).select_related("person", "delegate")


def warnings(absence: Absence) -> list[str]:
    """Say where the delegate could not help: on proposals of agents that they own."""
    if absence.delegate is None:
        return []
    owned = Agent.objects.filter(owner=absence.delegate_id).order_by("slug").values_list("name", flat=True)
    words = _("%(who)s owns %(agent)s and cannot decide on its proposals.")
    return [words % {"who": absence.delegate, "agent": name} for name in owned]


def _require_time(begins_at: datetime, ends_at: datetime, *, at: datetime) -> None:
    if ends_at <= begins_at:
        raise AbsenceRefused(_("It has to end after it begins."), field="ends_at")
    if ends_at <= at:
        raise AbsenceRefused(_("That is over already."), field="ends_at")
    if ends_at - begins_at > LONGEST:
        raise AbsenceRefused(_("At most a year at a time."), field="ends_at")


def _require_delegate(person: User, delegate: User, begins_at: datetime, ends_at: datetime) -> None:
    """Check that a delegate can decide, and passes it on to nobody."""
    if delegate.pk == person.pk:
        raise AbsenceRefused(_("Choose someone else."), field="delegate")
    if not delegate.is_active or not delegate.has_perm(DECIDE):
        raise AbsenceRefused(_("%s may not decide on proposals.") % delegate, field="delegate")
    # What somebody lends goes no further, so a delegate who is away could not help.
    if coming().filter(person=delegate, begins_at__lt=ends_at, ends_at__gt=begins_at).exists():
        raise AbsenceRefused(_("%s is away then too.") % delegate, field="delegate")


def _record(kind: str, absence: Absence, *, by: User, at: datetime) -> None:
    data: dict[str, JsonValue] = {
        "absence": absence.pk,
        "delegate": actor(absence.delegate).ref if absence.delegate else None,
        "begins_at": absence.begins_at.isoformat(),
        "ends_at": absence.ends_at.isoformat(),
        "roles": [*absence.roles],
        "surfaces": [*absence.surfaces],
    }
    entries.record(kind, subject=f"user:{absence.person_id}", actor=actor(by), at=at, data=data)


def _require_known(person: User, roles: Collection[str], surfaces: Collection[str]) -> None:
    unknown = set(roles) - set(person.groups.values_list("name", flat=True))
    if unknown:
        raise AbsenceRefused(_("%s is no role of this person.") % ", ".join(sorted(unknown)), field="roles")
    strange = set(surfaces) - set(Surface.objects.filter(pk__in=surfaces).values_list("pk", flat=True))
    if strange:
        raise AbsenceRefused(_("There is no surface %s.") % ", ".join(sorted(strange)), field="surfaces")
