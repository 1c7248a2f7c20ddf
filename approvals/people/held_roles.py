"""The roles in which somebody acts now: their own, and those of people for whom they stand in."""

from dataclasses import dataclass
from typing import Final

from django.contrib.auth.models import User
from django.db import connection

from policies.stored_functions import StoredFunction


@dataclass(frozen=True, slots=True)
class StandIn:
    """In which roles, and on which surfaces (empty: all), somebody may decide because another person is away."""

    absence: int
    person: int
    roles: frozenset[str]
    surfaces: frozenset[str]


@dataclass(frozen=True, slots=True)
class HeldRoles:
    """The roles that a person holds, and those of people for whom they stand in now."""

    own: frozenset[str]
    for_others: tuple[StandIn, ...]


HELD: Final = StoredFunction(
    "approvals_held_roles",
    "the_person integer, OUT own text[], OUT lent json",
    """
    own := ARRAY(SELECT role.name FROM auth_group AS role
                   JOIN auth_user_groups AS member ON member.group_id = role.id WHERE member.user_id = the_person);
    SELECT json_agg(json_build_array(absence.id, absence.person_id, role.name, absence.surfaces) ORDER BY absence.id)
      INTO lent
      FROM approvals_absence AS absence
      JOIN auth_user AS absent ON absent.id = absence.person_id AND absent.is_active
      JOIN auth_user_groups AS member ON member.user_id = absent.id
      JOIN auth_group AS role ON role.id = member.group_id
     WHERE absence.delegate_id = the_person AND absence.noted_by_id <> absence.delegate_id
       AND absence.cancelled_at IS NULL
       AND absence.begins_at <= statement_timestamp() AND absence.ends_at > statement_timestamp()
       AND (absence.roles = '{}' OR role.name = ANY(absence.roles));
    """,
)
"""The roles that somebody holds, and [absence, person, role, surfaces] of those that are lent to them now."""


def own(person: User) -> frozenset[str]:
    """Return the names of the roles that `person` holds. One query, or none where they are remembered."""
    return held_by(person).own


_REMEMBERED: Final = "_held_roles"


def remember(person: User) -> None:
    """Read the roles of somebody once for a whole page. Never before something is decided: that reads them afresh."""
    if not hasattr(person, _REMEMBERED):
        setattr(person, _REMEMBERED, read(person))


def held_by(person: User) -> HeldRoles:
    """Return the roles in which `person` acts now, their own and other people's. One query, or none if remembered."""
    known: HeldRoles | None = getattr(person, _REMEMBERED, None)
    return read(person) if known is None else known


def read(person: User) -> HeldRoles:
    """Read the same afresh, for what is decided. One query."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT own, lent FROM approvals_held_roles(%s)", [person.pk])
        own, lent = cursor.fetchone()
    others: dict[int, tuple[int, set[str], frozenset[str]]] = {}
    for absence, absent, role, surfaces in lent or ():
        others.setdefault(absence, (absent, set(), frozenset(surfaces)))[1].add(role)
    stand_ins = (StandIn(absence, absent, frozenset(held), scope) for absence, (absent, held, scope) in others.items())
    return HeldRoles(frozenset(own), tuple(stand_ins))
