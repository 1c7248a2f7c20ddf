"""Roles that tune surfaces of their own, and the people of such a role. The only writer of Tuning.

To let a role tune a surface takes two people, and so does another person in that role; to take either away takes one.
What is tuned is a draft: to publish what loosens takes a second person here as everywhere.
"""

from collections.abc import Collection
from typing import Final

from django.contrib.auth.models import Group, Permission, User
from django.db import transaction
from django.utils.translation import gettext as _

from audit.canonical import JsonValue
from audit.clock import database_now
from audit.ledger import entries
from policies.accounts import access, rights
from policies.actors import actor
from policies.models import Loosening, Surface, Tuning
from policies.publishing import loosenings
from policies.publishing.loosenings import LooseningRefused, NotAllowed

TUNE: Final = "policies.tune_surface"
"""Roles get this with their first surface and lose it with their last, so that nobody else costs a query."""


def surfaces_of(person: User) -> frozenset[str]:
    """Return the surfaces that `person` may tune by their roles, as it is now. No query without the permission."""
    if not person.has_perm(TUNE):
        return frozenset()
    return frozenset(Tuning.objects.filter(role__user=person).values_list("surface_id", flat=True))


def roles_of(person: User) -> frozenset[str]:
    """Return the roles of `person` to which surfaces were given; they say who belongs to these."""
    if not person.has_perm(TUNE):
        return frozenset()
    return frozenset(str(row.role_id) for row in Tuning.objects.filter(role__user=person))


def reach(person: User) -> frozenset[str] | None:
    """Return the surfaces that `person` may publish; None for all, and for the rest of the policy.

    Raises NotAllowed where there are none.
    """
    if person.has_perm(loosenings.ASK):
        return None
    surfaces = surfaces_of(person)
    if not surfaces:
        loosenings.require(person, loosenings.ASK)
    return surfaces


@transaction.atomic
def ask(*, role: Group, surface: Surface, by: User, note: str) -> Loosening:
    """Ask a second person to let `role` tune `surface`.

    Raises NotAllowed, or LooseningRefused without a note, where it was asked already or is so already.
    """
    if Tuning.objects.filter(role=role, surface=surface).exists():
        raise LooseningRefused(_("%(role)s may tune %(surface)s already.") % {"role": role, "surface": surface})
    return loosenings.ask(
        kind=Loosening.Kind.TUNING,
        subject=f"group:{role.pk}:{surface.pk}",
        change={"role": role.name, "surface": surface.pk},
        by=by,
        note=note,
    )


def give_as_asked(loosening: Loosening, by: User) -> bool:
    """Let the role tune the surface, if both are still there and it does not yet."""
    role = Group.objects.select_for_update().filter(name=loosening.change["role"]).first()
    surface = Surface.objects.filter(pk=loosening.change["surface"]).first()
    if role is None or surface is None or Tuning.objects.filter(role=role, surface=surface).exists():
        return False
    Tuning.objects.create(role=role, surface=surface)
    with access.gathered(actor(by)):
        role.permissions.add(_permission())
    _record("tuning.given", role, surface.pk, by=by, loosening=loosening.pk)
    return True


@transaction.atomic
def take_away(*, tuning: Tuning, by: User) -> None:
    """Let a role tune a surface no longer, at once."""
    role = Group.objects.select_for_update().get(name=tuning.role_id)
    tuning.delete()
    if not Tuning.objects.filter(role=role).exists():
        with access.gathered(actor(by)):
            role.permissions.remove(_permission())
    _record("tuning.taken_away", role, tuning.surface_id, by=by)


@transaction.atomic
def change_people(*, role: Group, by: User, leaving: Collection[User] = (), joining: User | None, note: str) -> bool:
    """Take people out of a role that `by` tunes with, at once, and ask a second person to let another one in.

    Returns whether it was asked. Raises NotAllowed for another role, or LooseningRefused without a note, where the
    same was asked already, or for somebody who cannot sign in or is in it; then nothing has changed.
    """
    if role.name not in roles_of(by):
        raise NotAllowed(_("You may not say who belongs to %s.") % role.name)
    rights.note_second_person(by)
    with access.gathered(actor(by)):
        for person in leaving:
            person.groups.remove(role)
    if joining is None:
        return False
    if not joining.is_active or joining.groups.filter(pk=role.pk).exists():
        raise LooseningRefused(_("%s cannot be added to this role.") % joining)
    rights.ask_role(person=joining, role=role, by=by, note=note)
    return True


def _permission() -> Permission:
    app, _dot, codename = TUNE.partition(".")
    return Permission.objects.get(content_type__app_label=app, codename=codename)


def _record(kind: str, role: Group, surface: str, *, by: User, **more: int) -> None:
    data: dict[str, JsonValue] = {"surface": surface, "name": role.name, **more}
    entries.record(kind, subject=f"group:{role.pk}", actor=actor(by), at=database_now(), data=data)
