"""Roles, permissions and standing of people, and the address their messages go to.

Anyone who could give those alone could make up the second person that everything else rests on: an account with a role
that agrees, or somebody's decision links in their own mailbox. So what gives anybody more takes two people, as soon as
there are two; taking away never does.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final

from django.contrib.auth.models import Group, Permission, User
from django.db import transaction
from django.utils.translation import gettext as _

from audit.clock import database_now
from audit.ledger import entries
from audit.models import Entry
from policies.accounts import access
from policies.actors import actor
from policies.models import Loosening
from policies.publishing import loosenings
from policies.publishing.loosenings import AGREE

BACKEND: Final = "django.contrib.auth.backends.ModelBackend"
SECOND_PERSON: Final = "portal.second_person"
_FLAGS: Final = ("is_active", "is_staff", "is_superuser")


@dataclass(frozen=True, slots=True)
class Rights:
    """What somebody may do, as JSON has it: names of roles, `app.codename` of permissions, both in order."""

    roles: list[str]
    permissions: list[str]
    is_active: bool
    is_staff: bool
    is_superuser: bool
    email: str

    @property
    def is_anybody(self) -> bool:
        """Whether there is anything that this account could be used for."""
        return bool(self.roles or self.permissions or self.is_staff or self.is_superuser)


def of(person: User) -> Rights:
    """Return what `person` may do, as it is stored now. Three queries."""
    stored = User.objects.get(pk=person.pk)
    return Rights(
        roles=[*stored.groups.order_by("name").values_list("name", flat=True)],
        permissions=_codes(stored.user_permissions.all()),
        is_active=stored.is_active,
        is_staff=stored.is_staff,
        is_superuser=stored.is_superuser,
        email=stored.email,
    )


def is_set_up_alone(by: User) -> bool:
    """Whether nobody but `by` can agree to anything, nor ever could: then one person sets the portal up."""
    if Entry.objects.filter(kind=SECOND_PERSON).exists() or Loosening.objects.filter(status="done").exists():
        return False
    return not _others(by)


def note_second_person(by: User) -> None:
    """Remember that somebody besides `by` can agree. Call it around each change of rights: it is not taken back."""
    if _others(by) and not Entry.objects.filter(kind=SECOND_PERSON).exists():
        entries.record(SECOND_PERSON, subject="portal:people", actor=actor(by), at=database_now())


@transaction.atomic
def hold_back(*, person: User, before: Rights, by: User, note: str, is_alone: bool) -> Loosening | None:
    """Take back what `person` has just been given beyond `before`, and ask a second person for it.

    `is_alone` says that the portal was being set up before that: then it stays given. Returns the request, or None.
    Raises NotAllowed, or LooseningRefused without a note or where the same was asked already: then roll back.
    """
    more = _gained(before, of(person), is_own=person.pk == by.pk)
    if not more or is_alone:
        note_second_person(by)
        return None
    person.groups.remove(*Group.objects.filter(name__in=more.get("roles", ())))
    person.user_permissions.remove(*_permissions(more.get("permissions", ())))
    for name in (*_FLAGS, "email"):
        if name in more:
            setattr(person, name, getattr(before, name))
    person.save(update_fields=[*_FLAGS, "email"])
    return _ask(person, more, by=by, note=note)


@transaction.atomic
def close_for_new_password(*, person: User, by: User) -> Loosening | None:
    """Close an account whose password somebody else has just set, until a second person lets it in again.

    Returns None where it stays open: one's own, one that may do nothing, and while the portal is being set up.
    """
    note_second_person(by)
    before = of(person)
    if person.pk == by.pk or not before.is_active or not before.is_anybody or is_set_up_alone(by):
        return None
    person.is_active = False
    person.save(update_fields=["is_active"])
    return _ask(person, {"is_active": True}, by=by, note=_("A new password was set for this account."))


def give_as_asked(loosening: Loosening, by: User) -> bool:
    """Give what was asked for, if the person may still do what they could then, and is told at the same address."""
    person = User.objects.select_for_update().get(pk=loosening.change["person"])
    if asdict(of(person)) != loosening.change["from"]:
        return False
    more = loosening.change["more"]
    with access.gathered():
        person.groups.add(*Group.objects.filter(name__in=more.get("roles", ())))
        person.user_permissions.add(*_permissions(more.get("permissions", ())))
        for name in (*_FLAGS, "email"):
            if name in more:
                setattr(person, name, more[name])
        person.save(update_fields=[*_FLAGS, "email"])
    _record("user.rights_given", loosening, by=by, given=sorted(more))
    return True


@transaction.atomic
def hold_back_role(*, role: Group, before: list[str], by: User, note: str, is_alone: bool) -> Loosening | None:
    """Take back the permissions that `role` has just been given beyond `before`, and ask; as `hold_back`."""
    more = sorted({*role_permissions(role)} - {*before})
    if not more or is_alone:
        note_second_person(by)
        return None
    role.permissions.remove(*_permissions(more))
    change = {"role": role.pk, "name": role.name, "from": role_permissions(role), "more": more}
    kind, subject = Loosening.Kind.ROLE, f"group:{role.pk}"
    return loosenings.ask(kind=kind, subject=subject, change=change, by=by, note=note)


@transaction.atomic
def ask_role(*, person: User, role: Group, by: User, note: str) -> Loosening:
    """Ask a second person to give `person` one more role. The caller has made sure that `by` may ask for that."""
    return _ask(person, {"roles": [role.name]}, by=by, note=note, permission=None)


def give_role_as_asked(loosening: Loosening, by: User) -> bool:
    """Give the role the permissions that were asked for, if it has the same ones as then."""
    role = Group.objects.select_for_update().filter(pk=loosening.change["role"]).first()
    if role is None or role_permissions(role) != loosening.change["from"]:
        return False
    role.permissions.add(*_permissions(loosening.change["more"]))
    _record("group.rights_given", loosening, by=by, given=loosening.change["more"])
    return True


def role_permissions(role: Group) -> list[str]:
    """Return the permissions of a role as `app.codename`, in order."""
    return _codes(role.permissions.all())


def _gained(before: Rights, after: Rights, *, is_own: bool) -> dict[str, Any]:
    """Return what `after` has beyond `before`. To open an account or to redirect its messages counts if it is any."""
    more: dict[str, Any] = {
        "roles": sorted({*after.roles} - {*before.roles}),
        "permissions": sorted({*after.permissions} - {*before.permissions}),
    }
    for name in _FLAGS:
        more[name] = getattr(after, name) and not getattr(before, name)
    more["is_active"] = more["is_active"] and after.is_anybody
    more["email"] = after.email if after.email != before.email and before.is_anybody and not is_own else ""
    return {name: value for name, value in more.items() if value}


def _ask(
    person: User, more: dict[str, Any], *, by: User, note: str, permission: str | None = loosenings.ASK
) -> Loosening:
    return loosenings.ask(
        kind=Loosening.Kind.PERSON,
        subject=f"user:{person.pk}",
        change={"person": person.pk, "name": person.get_username(), "from": asdict(of(person)), "more": more},
        by=by,
        note=note,
        permission=permission,
    )


def _others(by: User) -> bool:
    return User.objects.with_perm(AGREE, is_active=True, backend=BACKEND).exclude(pk=by.pk).exists()


def _codes(permissions: Any) -> list[str]:
    rows = permissions.order_by().values_list("content_type__app_label", "codename")
    return sorted(f"{app}.{codename}" for app, codename in rows)


def _permissions(codes: Any) -> list[Permission]:
    wanted = [code.partition(".")[::2] for code in codes]
    rows = Permission.objects.filter(codename__in=[codename for _app, codename in wanted])
    return [row for row in rows.select_related("content_type") if (row.content_type.app_label, row.codename) in wanted]


def _record(kind: str, loosening: Loosening, *, by: User, given: list[str]) -> None:
    data: dict[str, Any] = {"given": given, "loosening": loosening.pk}
    entries.record(kind, subject=loosening.subject, actor=actor(by), at=database_now(), data=data)
