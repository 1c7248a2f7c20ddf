"""Stand-ins of now, for people who are away: `held_roles`, the other way round."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from approvals.models import Proposal

_LENT = """
SELECT absence.delegate_id, absent.id, absent.username, array_agg(role.name::text), absence.surfaces::text[]
  FROM approvals_absence AS absence
  JOIN auth_user AS absent ON absent.id = absence.person_id AND absent.is_active
  JOIN auth_user AS delegate ON delegate.id = absence.delegate_id AND delegate.is_active
  JOIN auth_user_groups AS member ON member.user_id = absent.id
  JOIN auth_group AS role ON role.id = member.group_id
 WHERE absence.noted_by_id <> absence.delegate_id AND absence.cancelled_at IS NULL
   AND absence.begins_at <= statement_timestamp() AND absence.ends_at > statement_timestamp()
   AND (absence.roles = '{}' OR role.name = ANY(absence.roles))
 GROUP BY absence.id, absent.id ORDER BY absence.id"""
# Nobody gives themselves a vote: an absence that the delegate noted lends nothing.


@dataclass(frozen=True, slots=True)
class Substitute:
    """Somebody who stands in now for a person who is away, in some of their roles; on one proposal, or anywhere."""

    person: int
    absent: int
    absent_name: str
    roles: frozenset[str]
    surfaces: frozenset[str] = frozenset()
    """Where; empty means everywhere."""


def everywhere() -> list[Substitute]:
    """Return who stands in for whom now, with all that was lent. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_LENT)
        rows = cursor.fetchall()
    return [
        Substitute(person, absent, name, frozenset(roles), frozenset(surfaces))
        for person, absent, name, roles, surfaces in rows
    ]


def on(proposal: Proposal, among: Sequence[Substitute]) -> tuple[Substitute, ...]:
    """Return those `among` who stand in on `proposal`, with the roles in which they do."""
    deciding = frozenset(proposal.roles())
    here = (one for one in among if not one.surfaces or proposal.surface_id in one.surfaces)
    return tuple(
        Substitute(one.person, one.absent, one.absent_name, lent) for one in here if (lent := one.roles & deciding)
    )
