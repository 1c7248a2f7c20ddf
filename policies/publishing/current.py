"""What holds for an agent on a surface at this moment: policy in force, mandate, kill switches."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection

from policies.engine.policy import Policy
from policies.models import EVERYWHERE, Agent
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


GATE: Final = 0x48495402
"""An advisory lock. Whoever is judged shares it until the commit; whoever has it alone knows that nobody is
being judged, and that whoever comes next reads the policy that is in force by then."""

# One round trip instead of five: this runs for every proposal, before anything else can. The lock is a statement
# of its own, as a statement sees the database as it was when it began, and not when its lock was granted.
_QUERY: Final = """
SELECT pg_advisory_xact_lock_shared(%(gate)s);
SELECT version.number, version.digest,
       (SELECT status FROM policies_agent WHERE slug = %(agent)s),
       (SELECT tier_id FROM policies_mandate WHERE agent_id = %(agent)s AND surface_id = %(surface)s),
       ARRAY(SELECT scope FROM policies_killswitch WHERE is_engaged AND scope = ANY(%(scopes)s) ORDER BY scope),
       clock_timestamp(), active.id
  FROM (SELECT 1) AS one
  LEFT JOIN (SELECT id, version_id FROM policies_activation ORDER BY id DESC LIMIT 1) AS active ON true
  LEFT JOIN policies_policyversion AS version ON version.number = active.version_id
"""


def scopes(*, agent: str, surface: str) -> list[str]:
    """Return the kill switch scopes that cover this agent on this surface."""
    return [EVERYWHERE, f"surface:{surface}", f"agent:{agent}"]


def load_current(*, agent: str, surface: str) -> Current:
    """Read, with one query, what the policy and its live switches say of `agent` on `surface` (slugs)."""
    with connection.cursor() as cursor:
        asked: dict[str, Any] = {
            "gate": GATE,
            "agent": agent,
            "surface": surface,
            "scopes": scopes(agent=agent, surface=surface),
        }
        cursor.execute(_QUERY, asked)
        cursor.nextset()
        number, digest, status, mandate, engaged, at, activation = cursor.fetchone()
    return Current(
        policy=compiled(number, digest),
        agent_is_active=status == Agent.Status.ACTIVE,
        mandate=mandate,
        switches=tuple(engaged),
        at=at,
        activation=activation,
    )


def close_gate() -> None:
    """Wait until nobody is being judged, and let nobody be judged until this transaction ends.

    Never call it where the gate is shared already: two who do would wait for each other.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [GATE])
