"""What holds for an agent on a surface at this moment: policy in force, mandate, kill switches."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection

from policies.engine.policy import Policy
from policies.models import EVERYWHERE, Agent
from policies.publishing.gate import SHARE
from policies.publishing.publish import compiled


@dataclass(frozen=True, slots=True)
class Current:
    policy: Policy
    agent_is_active: bool
    mandate: str | None
    switches: tuple[str, ...]
    """Scopes of the engaged kill switches that cover the agent on the surface."""
    at: datetime
    """When this was read, by the database's clock."""
    activation: int | None = None
    """By which activation the policy is in force."""

    @property
    def oversight(self) -> str:
        """The least oversight that the agent has earned here, as a tier; empty where it may do nothing by itself."""
        return (self.mandate or "") if self.agent_is_active else ""


# One round trip instead of five: this runs for every proposal, before anything else can.
_READ: Final = """
SELECT version.number, version.digest,
       (SELECT status FROM policies_agent WHERE slug = %(agent)s),
       (SELECT tier_id FROM policies_mandate WHERE agent_id = %(agent)s AND surface_id = %(surface)s),
       ARRAY(SELECT scope FROM policies_killswitch WHERE is_engaged AND scope = ANY(%(scopes)s) ORDER BY scope),
       clock_timestamp(), active.id
  FROM (SELECT 1) AS one
  LEFT JOIN (SELECT id, version_id FROM policies_activation ORDER BY id DESC LIMIT 1) AS active ON true
  LEFT JOIN policies_policyversion AS version ON version.number = active.version_id
"""
_HOLD_SWITCHES: Final = (
    "SELECT scope, is_engaged FROM policies_killswitch WHERE scope = ANY(%(scopes)s) ORDER BY scope FOR SHARE"
)


def scopes(*, agent: str, surface: str) -> list[str]:
    """Return the kill switch scopes that cover this agent on this surface."""
    return [EVERYWHERE, f"surface:{surface}", f"agent:{agent}"]


def load_current(*, agent: str, surface: str) -> Current:
    """Read, in one round trip, what the policy and its live switches say of `agent` on `surface` (slugs).

    Shares the gate, so that all of it but the switches holds until the commit.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"{SHARE};{_READ}", _words(agent, surface))
        cursor.nextset()
        row = cursor.fetchone()
    return _current(row, switches=row[4])


def hold_current(*, agent: str, surface: str) -> Current:
    """Read the same and hold the switches still too: until we commit, nobody can engage one.

    All of them must be there: a missing row is a switch nobody could pull, and counts as engaged.
    """
    words = _words(agent, surface)
    with connection.cursor() as cursor:
        cursor.execute(f"{SHARE};{_HOLD_SWITCHES};{_READ}", words)
        cursor.nextset()
        is_engaged = dict(cursor.fetchall())
        cursor.nextset()
        row = cursor.fetchone()
    return _current(row, switches=[scope for scope in words["scopes"] if is_engaged.get(scope, True)])


def _words(agent: str, surface: str) -> dict[str, Any]:
    return {"agent": agent, "surface": surface, "scopes": scopes(agent=agent, surface=surface)}


def _current(row: Sequence[Any], *, switches: Sequence[str]) -> Current:
    number, digest, status, mandate, _, at, activation = row
    return Current(
        policy=compiled(number, digest),
        agent_is_active=status == Agent.Status.ACTIVE,
        mandate=mandate,
        switches=tuple(switches),
        at=at,
        activation=activation,
    )
