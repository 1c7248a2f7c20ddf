"""The current policy, mandate and kill switches for an agent on a surface."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db import connection

from policies.engine.policy import Policy
from policies.models import EVERYWHERE, Agent
from policies.publishing.gate import SHARE
from policies.publishing.publish import compiled
from policies.stored_functions import StoredFunction


class StandingBounds(NamedTuple):
    """What a standing approval lets through."""

    id: int
    action: str
    most_amount: float | None
    currency: str
    left: int
    """How many times it may be used yet."""

    def covers(self, *, action: str, amount: float | None, currency: str) -> bool:
        """Whether a proposal is of the kind, and within the amount; an amount where none is allowed is too much."""
        if action != self.action:
            return False
        if amount is None or self.most_amount is None:
            return amount is None and self.most_amount is None
        return currency == self.currency and abs(amount) <= self.most_amount


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
    standing_approvals: tuple[StandingBounds, ...] = ()
    """Those of the agent on the surface that have not ended, used up or not."""

    @property
    def oversight(self) -> str:
        """The least oversight that the agent has earned here, as a tier; empty where it may do nothing by itself."""
        return (self.mandate or "") if self.agent_is_active else ""


# One round trip instead of five: this runs for every proposal, before anything else can. Each statement of it sees
# what was committed when it began, so that nothing is read before the gate is shared and the switches are held.
CURRENT: Final = StoredFunction(
    "policies_current",
    "the_agent text, the_surface text, the_scopes text[], is_held boolean, OUT number integer, OUT digest text,"
    " OUT status text, OUT mandate text, OUT engaged text[], OUT known text[], OUT at timestamptz,"
    " OUT activation bigint, OUT standing json",
    f"""
    PERFORM {SHARE.removeprefix("SELECT ")};
    IF is_held THEN
        PERFORM 1 FROM policies_killswitch WHERE scope = ANY(the_scopes) ORDER BY scope FOR SHARE;
    END IF;
    SELECT version.number, version.digest,
           (SELECT agent.status FROM policies_agent AS agent WHERE slug = the_agent),
           (SELECT tier_id FROM policies_mandate WHERE agent_id = the_agent AND surface_id = the_surface),
           ARRAY(SELECT scope FROM policies_killswitch WHERE is_engaged AND scope = ANY(the_scopes) ORDER BY scope),
           ARRAY(SELECT scope FROM policies_killswitch WHERE scope = ANY(the_scopes)),
           clock_timestamp(), active.id,
           (SELECT json_agg(json_build_array(given.id, given.action, given.most_amount, given.currency,
                                             given.most_uses - given.used) ORDER BY given.id)
              FROM policies_standingapproval AS given
             WHERE given.agent_id = the_agent AND given.surface_id = the_surface AND given.ended_at IS NULL
               AND given.ends_at > clock_timestamp())
      INTO number, digest, status, mandate, engaged, known, at, activation, standing
      FROM (SELECT 1) AS one
      LEFT JOIN (SELECT id, version_id FROM policies_activation ORDER BY id DESC LIMIT 1) AS active ON true
      LEFT JOIN policies_policyversion AS version ON version.number = active.version_id;
    """,  # noqa: S608
)
IN_FORCE: Final = StoredFunction(
    "policies_in_force",
    "OUT version jsonb",
    """
    SELECT jsonb_build_array(number, digest) INTO version FROM policies_policyversion
     WHERE number = (SELECT version_id FROM policies_activation ORDER BY id DESC LIMIT 1);
    """,
)
"""Number and digest of the policy version in force, for a statement that asks more."""
_READ: Final = "SELECT * FROM policies_current(%s, %s, %s::text[], %s)"


def scopes(*, agent: str, surface: str) -> list[str]:
    """Return the kill switch scopes that cover this agent on this surface."""
    return [EVERYWHERE, f"surface:{surface}", f"agent:{agent}"]


def load_current(*, agent: str, surface: str) -> Current:
    """Read, in one round trip, what the policy and its live switches say of `agent` on `surface` (slugs).

    Shares the gate, so that all of it but the switches holds until the commit.
    """
    return _current(_read(agent, surface, is_held=False))


def hold_current(*, agent: str, surface: str) -> Current:
    """Read the same and hold the switches still too: until we commit, nobody can engage one.

    All of them must be there: a missing row is a switch nobody could pull, and counts as engaged.
    """
    row = _read(agent, surface, is_held=True)
    known = row[5]
    return _current(row, missing=[scope for scope in scopes(agent=agent, surface=surface) if scope not in known])


def _read(agent: str, surface: str, *, is_held: bool) -> Sequence[Any]:
    with connection.cursor() as cursor:
        cursor.execute(_READ, [agent, surface, scopes(agent=agent, surface=surface), is_held])
        row: Sequence[Any] = cursor.fetchone()
    return row


def _current(row: Sequence[Any], *, missing: Sequence[str] = ()) -> Current:
    number, digest, status, mandate, engaged, _, at, activation, standing = row
    return Current(
        policy=compiled(number, digest),
        agent_is_active=status == Agent.Status.ACTIVE,
        mandate=mandate,
        switches=(*engaged, *missing),
        at=at,
        activation=activation,
        standing_approvals=tuple(StandingBounds(*bounds) for bounds in standing or ()),
    )
