"""The map of AI touchpoints: every agent on every surface, its oversight, risk, owner, volume and last incident."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import connection
from django.utils.translation import gettext as _

from approvals.people import eligibility
from policies.engine import risk
from policies.engine.policy import Policy, TierPolicy
from policies.models import Surface
from policies.publishing.publish import active_policy

WINDOW: Final = timedelta(days=30)
LATEST: Final = 100
"""Of so many proposals of each touchpoint, the latest ones, the model versions are told."""
MOST: Final = 5_000
SEE: Final = "policies.view_mandate"

# Volume comes from one index alone and model versions from its newest ends, so that neither reads the table.
_READ: Final = """
WITH volume AS (
    SELECT agent_id, surface_id, count(*) AS proposals FROM approvals_proposal
     WHERE created_at >= %(since)s GROUP BY agent_id, surface_id
), pair AS (
    SELECT agent_id, surface_id FROM policies_mandate UNION SELECT agent_id, surface_id FROM volume
), incident AS (
    SELECT DISTINCT ON (proposal.agent_id, proposal.surface_id)
           proposal.agent_id, proposal.surface_id, outcome.observed_at, outcome.kind, outcome.proposal_id
      FROM approvals_outcome AS outcome JOIN approvals_proposal AS proposal ON proposal.id = outcome.proposal_id
     WHERE outcome.kind <> 'measured'
       AND NOT EXISTS (SELECT FROM approvals_outcome AS later WHERE later.corrects_id = outcome.id)
     ORDER BY proposal.agent_id, proposal.surface_id, outcome.observed_at DESC
)
SELECT pair.agent_id, pair.surface_id, agent.name, agent.status, owner.username, mandate.tier_id,
       coalesce(volume.proposals, 0), coalesce(models.seen, '{}'), incident.observed_at, incident.kind,
       incident.proposal_id
  FROM pair
  JOIN policies_agent AS agent ON agent.slug = pair.agent_id
  LEFT JOIN auth_user AS owner ON owner.id = agent.owner_id
  LEFT JOIN policies_mandate AS mandate USING (agent_id, surface_id)
  LEFT JOIN volume USING (agent_id, surface_id)
  LEFT JOIN incident USING (agent_id, surface_id)
  LEFT JOIN LATERAL (
      SELECT array_agg(DISTINCT trim(concat(latest.model ->> 'name', ' ', latest.model ->> 'version'))) AS seen
        FROM (SELECT model FROM approvals_proposal AS proposal
               WHERE proposal.agent_id = pair.agent_id AND proposal.surface_id = pair.surface_id
               ORDER BY proposal.created_at DESC LIMIT %(latest)s) AS latest
       WHERE jsonb_typeof(latest.model) = 'object'
  ) AS models ON true
 ORDER BY pair.surface_id, pair.agent_id
 LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class Touchpoint:
    """One agent on one surface."""

    pk: int
    agent: str
    agent_name: str
    is_suspended: bool
    agent_owner: str
    surface: str
    owner: str
    has_mandate: bool
    tier: TierPolicy | None
    """The least oversight here: the strictest of surface, floor and mandate; rules may ask for more."""
    risks: tuple[str, ...]
    is_high_risk: bool
    proposals: int
    models: tuple[str, ...]
    incident_at: datetime | None
    incident: str
    incident_proposal: Any


def may_see(person: User) -> bool:
    """Whether somebody may see the map: who sees all proposals, and what agents may do."""
    return person.has_perm(eligibility.SEE_ALL) and person.has_perm(SEE)


def touchpoints(*, at: datetime) -> list[Touchpoint]:
    """Return the map as of `at`, by surface and agent. Three queries, whatever there is."""
    policy = active_policy()
    surfaces = {row.slug: row for row in Surface.objects.only("slug", "owner_id", *risk.WORDS)}
    with connection.cursor() as cursor:
        cursor.execute(_READ, {"since": at - WINDOW, "latest": LATEST, "most": MOST})
        return [_touchpoint(number, row, policy, surfaces[row[1]]) for number, row in enumerate(cursor.fetchall())]


def _touchpoint(number: int, row: Any, policy: Policy, surface: Surface) -> Touchpoint:
    agent, slug, name, status, owner, mandate, proposals, models, incident_at, kind, incident_proposal = row
    touches = {word: bool(getattr(surface, word)) for word in risk.WORDS}
    return Touchpoint(
        pk=number,
        agent=agent,
        agent_name=name,
        is_suspended=status != "active",
        agent_owner=owner or "",
        surface=slug,
        owner=surface.owner_id,
        has_mandate=mandate is not None,
        tier=_strictest(policy, slug, mandate),
        risks=tuple(str(_(text)) for word, text in risk.WORDS.items() if touches[word]),
        is_high_risk=risk.is_high(touches),
        proposals=proposals,
        models=tuple(filter(None, models)),
        incident_at=incident_at,
        incident=kind or "",
        incident_proposal=incident_proposal,
    )


def _strictest(policy: Policy, surface: str, mandate: str | None) -> TierPolicy | None:
    """Return the least oversight that is in force; None where the agent may propose nothing."""
    here, own = policy.surfaces.get(surface), policy.tiers.get(mandate or "")
    if here is None or own is None:
        return None
    tiers: Collection[TierPolicy] = (here.tier, here.floor, own)
    return max(tiers, key=lambda tier: (not tier.is_automatic, tier.rank))
