"""Evidence for a step: the figures, the worst mistakes, and what would have shipped unseen under the looser tier."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final

from django.db import connection

from approvals.models import TrustCase
from approvals.trust.counts import Pair
from policies.engine.evaluation import PolicyOutcome, evaluate
from policies.engine.policy import Policy
from policies.facts import stored_facts
from policies.facts.facts import Facts
from policies.facts.stored_facts import FactsUnreadable

REPLAYED: Final = 1_000
MISTAKES: Final = 5
_RECENT: Final = """
SELECT verdict.facts::text, verdict.at, revision.body, revision.before::text, proposal.state, counted.kind
  FROM approvals_proposal AS proposal
  JOIN approvals_revision AS revision ON revision.id = proposal.revision_id
  JOIN approvals_verdict AS verdict ON verdict.id = proposal.verdict_id
  LEFT JOIN approvals_trustcase AS counted ON counted.proposal_id = proposal.id
 WHERE proposal.agent_id = %(agent)s AND proposal.surface_id = %(surface)s AND octet_length(revision.body) <= 65536
 ORDER BY proposal.id DESC LIMIT %(most)s"""
_MEDIAN: Final = """
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY wait_seconds) FROM approvals_trustcase
 WHERE agent = %(agent)s AND surface = %(surface)s AND wait_seconds IS NOT NULL"""


def gather(pair: Pair, policy: Policy, *, tier: str) -> dict[str, Any]:
    """Return what a person needs to see before `pair` gets the looser `tier`, as JSON."""
    looser = partial(replace, mandate=tier, standing_approval="")
    return {
        "replay": replay(pair, policy, change=looser),
        "mistakes": mistakes(pair),
        "wait_seconds": median_wait(pair),
    }


def replay(pair: Pair, policy: Policy, *, change: Callable[[Facts], Facts]) -> dict[str, int]:
    """Judge the last REPLAYED proposals of `pair` once more, with a `change` of their facts.

    Counts how many there were, how many would have shipped by themselves, and how many of those people rejected,
    changed, sent back or rolled back. What cannot be judged any more counts as reviewed.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RECENT, {**pair._asdict(), "most": REPLAYED})
        rows = cursor.fetchall()
    figures = {"proposals": len(rows), "unseen": 0, "unseen_wrong": 0, "spared": 0}
    for facts, at, body, before, state, kind in rows:
        try:
            read = stored_facts.read(
                json.loads(facts), payload=json.loads(bytes(body)), before=json.loads(before) if before else None, at=at
            )
        except FactsUnreadable:
            continue
        verdict = evaluate(policy, change(replace(read, agent_is_active=True, is_in_review=False, switches=())))
        if verdict.outcome is not PolicyOutcome.ALLOW:
            continue
        figures["unseen"] += 1
        figures["spared"] += kind in {"approved", "edited", "revised", "rejected", "returned", "taken_over"}
        is_wrong = state == "rolled_back" or kind in {"edited", "revised", "rejected", "returned"}
        figures["unseen_wrong"] += is_wrong
    return figures


def mistakes(pair: Pair) -> list[dict[str, Any]]:
    """Return the proposals in which `pair` was wrong although it was surest, the surest first."""
    wrong = TrustCase.objects.filter(agent=pair.agent, surface=pair.surface, is_right=False)
    return [
        {"proposal": str(case.proposal_id), "kind": case.kind, "confidence": case.confidence, "reason": case.reason}
        for case in wrong.order_by("-confidence", "-settled_at")[:MISTAKES]
    ]


def median_wait(pair: Pair) -> int | None:
    """Return the median of seconds from a proposal to its decision; None where nothing was decided."""
    with connection.cursor() as cursor:
        cursor.execute(_MEDIAN, pair._asdict())
        (seconds,) = cursor.fetchone()
    return None if seconds is None else int(seconds)
