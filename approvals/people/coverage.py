"""Approvals that nobody is left to give: the role is empty, or its members are too close to the proposal."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import connection

from approvals.models import Proposal
from approvals.people.eligibility import DECIDE
from policies.engine.policy import Policy

MOST: Final = 1_000

# Of each role the people who may decide at all. Of a proposal, who is close to its agent and its revision's author are
# left out, unless its surface says otherwise. A name that asks for approvals cannot be met if no alternative can.
_STUCK: Final = """
WITH able AS MATERIALIZED (
    SELECT role.name AS role, array_agg(DISTINCT person.id) AS people
      FROM auth_user AS person
      JOIN auth_user_groups AS member ON member.user_id = person.id
      JOIN auth_group AS role ON role.id = member.group_id
     WHERE person.is_active
       AND (person.is_superuser
            OR EXISTS (SELECT FROM auth_user_user_permissions AS given
                         JOIN auth_permission AS permission ON permission.id = given.permission_id
                        WHERE given.user_id = person.id AND permission.codename = %(codename)s)
            OR EXISTS (SELECT FROM auth_user_groups AS other
                         JOIN auth_group_permissions AS given ON given.group_id = other.group_id
                         JOIN auth_permission AS permission ON permission.id = given.permission_id
                        WHERE other.user_id = person.id AND permission.codename = %(codename)s))
     GROUP BY role.name
)
SELECT proposal.id, need.stage, need.name, array_agg(DISTINCT need.role ORDER BY need.role)
  FROM approvals_proposal AS proposal
  JOIN approvals_revision AS revision ON revision.id = proposal.revision_id
  JOIN policies_agent AS agent ON agent.slug = proposal.agent_id
 CROSS JOIN LATERAL jsonb_to_recordset(proposal.requirements) AS need (stage int, name text, role text, approvals int)
  LEFT JOIN able ON able.role = need.role
 WHERE proposal.state IN ('pending', 'edited') AND proposal.deadline_at > now() AND need.approvals > 0
   AND (%(own)s::uuid IS NULL OR proposal.id = %(own)s::uuid)
 GROUP BY proposal.id, need.stage, need.name
HAVING bool_and(need.approvals > (SELECT count(*) FROM unnest(able.people) AS person (id)
    WHERE (proposal.surface_id = ANY(%(owners_may)s::text[])
           OR person.id <> agent.owner_id AND person.id <> ALL(proposal.close_people))
      AND (proposal.surface_id = ANY(%(editors_may)s::text[]) OR person.id IS DISTINCT FROM revision.author_id)))
 ORDER BY proposal.deadline_at, proposal.id, need.stage, need.name
"""


@dataclass(frozen=True, slots=True)
class Unmet:
    """One name whose approvals nobody is left to give; `roles` are its alternatives."""

    proposal: UUID
    stage: int
    name: str
    roles: tuple[str, ...]


def of(proposal: Proposal, policy: Policy) -> frozenset[tuple[int, str]]:
    """Return the stage and name of each requirement of a waiting proposal that nobody can meet. One query."""
    return frozenset((unmet.stage, unmet.name) for unmet in _asked(policy, own=proposal.pk))


def everywhere(policy: Policy) -> list[Unmet]:
    """Return what nobody can give to waiting proposals, the next to expire first, up to MOST. One query over all."""
    return _asked(policy, own=None)


def _asked(policy: Policy, *, own: UUID | None) -> list[Unmet]:
    surfaces = policy.surfaces.values()
    words = {
        "codename": DECIDE.rpartition(".")[2],
        "own": own,
        "owners_may": [surface.slug for surface in surfaces if surface.agent_owner_may_decide],
        "editors_may": [surface.slug for surface in surfaces if surface.editor_may_approve],
    }
    with connection.cursor() as cursor:
        cursor.execute(f"{_STUCK} LIMIT {MOST}", words)
        return [Unmet(proposal, stage, name, tuple(roles)) for proposal, stage, name, roles in cursor.fetchall()]
