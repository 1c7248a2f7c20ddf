"""Directory of the people whom some occasions may concern: who holds which role and may do what, read once."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from django.contrib.auth.models import User
from django.db import connection

from approvals.people.eligibility import DECIDE, SEE, SEE_ALL

_PEOPLE: Final = """
WITH wanted AS (
  SELECT member.user_id AS id FROM auth_user_groups AS member JOIN auth_group AS role ON role.id = member.group_id
   WHERE role.name = ANY(%(roles)s)
   UNION
  SELECT unnest(%(people)s::int[])
), asked AS (
  SELECT permission.id, app_label || '.' || codename AS name
    FROM auth_permission AS permission JOIN django_content_type AS type ON type.id = permission.content_type_id
   WHERE app_label || '.' || codename = ANY(%(permissions)s)
)
SELECT person.id, person.username, person.email, person.is_superuser,
       ARRAY(SELECT role.name::text FROM auth_user_groups AS member JOIN auth_group AS role ON role.id = member.group_id
              WHERE member.user_id = person.id),
       ARRAY(SELECT name FROM asked JOIN auth_user_user_permissions AS own ON own.permission_id = asked.id
              WHERE own.user_id = person.id
              UNION
             SELECT name FROM asked JOIN auth_group_permissions AS given ON given.permission_id = asked.id
               JOIN auth_user_groups AS member ON member.group_id = given.group_id WHERE member.user_id = person.id)
  FROM auth_user AS person JOIN wanted USING (id) WHERE person.is_active ORDER BY person.id"""


@dataclass(frozen=True, slots=True)
class Member:
    """One active person, with the names of the roles they hold and of the permissions they have."""

    user: User
    roles: frozenset[str]
    permissions: frozenset[str]

    @property
    def may_decide(self) -> bool:
        return self.user.is_superuser or DECIDE in self.permissions

    def may_see(self, roles: Collection[str], *, stands_in: bool) -> bool:
        """Whether they see a proposal of these `roles`: `eligibility.visible`, the other way round."""
        if self.user.is_superuser or SEE_ALL in self.permissions:
            return True
        return SEE in self.permissions and (stands_in or not self.roles.isdisjoint(roles))


@dataclass(frozen=True, slots=True)
class Directory:
    """Active people by id, and the ids of those who hold each role."""

    members: Mapping[int, Member]
    by_role: Mapping[str, Collection[int]]

    def find(self, *, roles: Collection[str], people: Collection[int]) -> Iterator[Member]:
        """Yield those who hold one of `roles` or are named, each once, by id."""
        ids = set(people).union(*(self.by_role.get(role, ()) for role in roles))
        yield from (self.members[person] for person in sorted(ids & self.members.keys()))


def read(*, roles: Collection[str], people: Collection[int]) -> Directory:
    """Return the active people who hold one of `roles`, and those of these ids. One query."""
    with connection.cursor() as cursor:
        wanted: dict[str, list[str] | list[int]] = {
            "roles": sorted(roles),
            "people": sorted(people),
            "permissions": [SEE, SEE_ALL, DECIDE],
        }
        cursor.execute(_PEOPLE, wanted)
        rows = cursor.fetchall()
    members: dict[int, Member] = {}
    by_role: dict[str, set[int]] = {}
    for person, name, email, is_superuser, held, permissions in rows:
        user = User(pk=person, username=name, email=email, is_superuser=is_superuser)
        members[person] = Member(user, frozenset(held), frozenset(permissions))
        for role in held:
            by_role.setdefault(role, set()).add(person)
    return Directory(members, by_role)
