"""I9: nothing was claimed that the policy in force at that moment would have denied, or asked more people for."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection

from audit.invariants import Breach, Invariant, none
from policies.engine.evaluation import PolicyOutcome, evaluate
from policies.engine.policy import Policy
from policies.facts import stored_facts
from policies.publishing.publish import PolicyInvalid, compiled

BATCH: Final = 500

# A version is put in force behind a closed gate, which every claim shares: so its time lies between the last claim
# before it and the first claim after it.
_CLAIMED_UNDER_WHAT_WAS_IN_FORCE = none(
    "A dispatch was claimed under another policy version than the one in force at that moment.",
    """
    SELECT dispatch.id
      FROM approvals_attempt AS attempt JOIN approvals_dispatch AS dispatch ON dispatch.id = attempt.dispatch_id
      LEFT JOIN LATERAL (SELECT version_id FROM policies_activation AS activation
                          WHERE activation.at <= attempt.started_at ORDER BY activation.id DESC LIMIT 1)
        AS active ON true
     WHERE dispatch.kind = 'execute' AND attempt.policy_version IS DISTINCT FROM active.version_id
    """,
)

# What the version in force said last before the claim: as a verdict, or in judging again what stayed as it was.
_JUDGED: Final = """
      FROM approvals_attempt AS attempt
      JOIN approvals_dispatch AS dispatch ON dispatch.id = attempt.dispatch_id AND dispatch.kind = 'execute'
      JOIN approvals_revision AS revision ON revision.id = dispatch.revision_id
      LEFT JOIN LATERAL (
            SELECT outcome, tier_id, facts, at FROM approvals_verdict
             WHERE revision_id = dispatch.revision_id AND policy_version_id = attempt.policy_version
               AND at <= attempt.started_at
             UNION ALL
            SELECT outcome, tier_id, facts, at FROM approvals_reevaluation
             WHERE proposal_id = dispatch.proposal_id AND revision_id = dispatch.revision_id
               AND version_id = attempt.policy_version AND at <= attempt.started_at
             ORDER BY at DESC LIMIT 1
           ) AS judged ON true
"""

_NOT_DENIED = none(
    "A dispatch was claimed that the policy in force at that moment had denied, or had not judged.",
    f"SELECT dispatch.id {_JUDGED} WHERE judged.outcome IS NULL OR judged.outcome = 'deny'",
)

_UNDER_ENOUGH_OVERSIGHT = none(
    "A dispatch was claimed under less oversight than the policy in force at that moment asked for.",
    f"""
    SELECT dispatch.id {_JUDGED}
      JOIN policies_policyversion AS version ON version.number = attempt.policy_version
      LEFT JOIN LATERAL (SELECT tier_id FROM approvals_verdict
                          WHERE revision_id = dispatch.revision_id AND at <= attempt.started_at
                          ORDER BY id DESC LIMIT 1) AS verdict ON true
      LEFT JOIN LATERAL (SELECT version.document -> 'tiers' -> judged.tier_id::text AS asked,
                                version.document -> 'tiers' -> verdict.tier_id::text AS given) AS tier ON true
     WHERE tier.given IS NULL OR tier.asked IS NULL
        OR ((tier.asked ->> 'posture') = 'in', (tier.asked ->> 'rank')::int)
           > ((tier.given ->> 'posture') = 'in', (tier.given ->> 'rank')::int)
    """,  # noqa: S608
)


class Judged(NamedTuple):
    """What is on record of a judgement on which a claim rests."""

    dispatch: UUID
    version: int
    digest: str
    outcome: str
    tier: str | None
    facts: dict[str, Any]
    payload: Any
    before: Any
    at: datetime


_ON_RECORD: Final = f"""
SELECT dispatch.id, attempt.policy_version, version.digest, judged.outcome, judged.tier_id, judged.facts::text,
       revision.body, revision.before::text, judged.at
{_JUDGED} JOIN policies_policyversion AS version ON version.number = attempt.policy_version
 WHERE judged.outcome IS NOT NULL ORDER BY attempt.policy_version
"""


def _is_as_the_policy_says() -> Breach | None:
    """Let every version judge again what was claimed under it, from the facts that were kept."""
    for judged in _on_record():
        try:
            policy = compiled(judged.version, judged.digest)
        except PolicyInvalid as error:
            return Breach(str(judged.version), str(error))
        if _is_stricter_than_recorded(judged, policy):
            return Breach(str(judged.dispatch), "The policy in force at the claim says more than is on record of it.")
    return None


def _is_stricter_than_recorded(judged: Judged, policy: Policy) -> bool:
    facts = stored_facts.read(judged.facts, payload=judged.payload, before=judged.before, at=judged.at)
    verdict, recorded = evaluate(policy, facts), policy.tiers.get(judged.tier or "")
    if verdict.tier is None or recorded is None:
        return judged.outcome != PolicyOutcome.DENY.value
    return (not verdict.tier.is_automatic, verdict.tier.rank) > (not recorded.is_automatic, recorded.rank)


def _on_record() -> Iterator[Judged]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(_ON_RECORD)
        while rows := cursor.fetchmany(BATCH):
            for dispatch, version, digest, outcome, tier, facts, body, before, at in rows:
                kept = json.loads(facts), json.loads(bytes(body)), None if before is None else json.loads(before)
                yield Judged(dispatch, version, digest, outcome, tier, *kept, at)


IN_FORCE = Invariant(
    code="I9",
    name="in force",
    counted="claims",
    count="SELECT count(*) FROM approvals_attempt WHERE policy_version IS NOT NULL",
    proofs=(_CLAIMED_UNDER_WHAT_WAS_IN_FORCE, _NOT_DENIED, _UNDER_ENOUGH_OVERSIGHT, _is_as_the_policy_says),
)
