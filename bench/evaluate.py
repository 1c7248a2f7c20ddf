"""Evaluating proposals under the sample policy, in one process, without a database."""

import time
from statistics import median
from typing import Any

from bench import data
from policies.engine.evaluation import Facts, evaluate
from policies.publishing import publish

ROUNDS = 5
EVALUATIONS = 40_000


def measure() -> dict[str, Any]:
    """Return `per_second`, the median of the rounds; the facts vary from one evaluation to the next."""
    data.fresh_portal()
    policy = publish.active_policy()
    facts = [
        Facts(
            surface=surface,
            action=data.ACTION["action"],
            agent="pacer",
            agent_is_active=True,
            mandate="autopilot",
            tags=("financial",),
            targets=("campaign:search-brand",),
            confidence=confidence / 100,
            amount=4000,
            currency="USD",
            payload=data.ACTION["payload"],
            before=data.ACTION["before"],
            model=data.ACTION["model"],
        )
        for surface in policy.surfaces
        for confidence in range(0, 100, 7)
    ]
    rates = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for number in range(EVALUATIONS):
            evaluate(policy, facts[number % len(facts)])
        rates.append(EVALUATIONS / (time.perf_counter() - begun))
    return {"per_second": round(median(rates))}
