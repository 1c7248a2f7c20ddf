"""Evaluating proposals under 10, 100 and 1,000 rules, beside Cedar and plain Python closures."""

import random
import time
from collections.abc import Callable, Sequence
from statistics import median, quantiles
from typing import Any, Final, NamedTuple

import cedarpy

from bench import policy_life
from policies.engine.evaluation import evaluate
from policies.engine.policy import Policy, compile_policy
from policies.facts.facts import Facts

ROUNDS: Final = 5
SECONDS: Final = 0.4
"""How long one round of one measurement runs."""
PROPOSALS: Final = 500
SURFACES: Final = tuple(
    f"{area}.{part}"
    for area in ("email", "ads", "crm", "pricing", "journeys")
    for part in ("budget", "content", "segments", "timing")
)
TAGS: Final = tuple(f"tag-{number}" for number in range(12))


class Rule(NamedTuple):
    """One generated rule: amount > over && confidence < below, on these surfaces, with any of these tags."""

    slug: str
    surfaces: tuple[str, ...]
    tags: tuple[str, ...]
    over: int
    below: float
    decision: str


def measure() -> dict[str, Any]:
    """Return decisions a second by number of rules, the slowest percent at 1,000, and the comparisons.

    Two figures more than are asked of the portal are its hard cases: 1,000 rules of which every one matches
    every surface and tag (`all_match_1000`), and 1,000 spread ones whose conditions only the CEL engine can
    answer (`engine_1000`).
    """
    proposals = _proposals()
    spread = {count: _rules(count) for count in (10, 100, 1_000)}
    everywhere = [rule._replace(surfaces=("*",), tags=()) for rule in spread[1_000]]
    policies = {count: _policy(rules) for count, rules in spread.items()}
    cedar, closures = _cedar(spread[1_000]), _closures(spread[1_000])
    _require_same_answers(policies[1_000], cedar, closures, proposals)

    measured: dict[str, Callable[[Facts], Any]] = {
        **{f"rules_{count}": _ours(policy) for count, policy in policies.items()},
        "all_match_1000": _ours(_policy(everywhere)),
        "engine_1000": _ours(_policy(spread[1_000], only_engine=True)),
        "cedar": cedar,
        "closures": closures,
    }
    rates: dict[str, list[float]] = {name: [] for name in measured}
    for _ in range(ROUNDS):
        for name, decide in measured.items():
            rates[name].append(_rate(decide, proposals))
    result: dict[str, Any] = {name: round(median(found)) for name, found in rates.items()}
    ours, by_cedar, by_closures = result["rules_1000"], result.pop("cedar"), result.pop("closures")
    return {
        **result,
        "p99_us_1000": round(_p99(measured["rules_1000"], proposals) * 1e6, 1),
        "ratio_to_cedar_1000": round(ours / by_cedar, 2),
        "ratio_to_closures_1000": round(ours / by_closures, 2),
        **policy_life.measure(),
    }


def _rules(count: int) -> list[Rule]:
    chance = random.Random(count)
    return [
        Rule(
            slug=f"rule-{number:04}",
            surfaces=(_where(chance),),
            tags=tuple(chance.sample(TAGS, 2)) if chance.random() < 0.5 else (),
            over=round(10 ** chance.uniform(2, 5)),
            below=round(chance.uniform(0.3, 0.95), 2),
            decision="deny" if chance.random() < 0.1 else "require_approval",
        )
        for number in range(count)
    ]


def _where(chance: random.Random) -> str:
    kind = chance.random()
    if kind < 0.05:
        return "*"
    surface = chance.choice(SURFACES)
    return surface if kind < 0.85 else surface.split(".")[0] + ".*"


def _proposals() -> list[Facts]:
    chance = random.Random(1)
    return [
        Facts(
            surface=chance.choice(SURFACES),
            action="change",
            agent="pacer",
            agent_is_active=True,
            mandate="autopilot",
            tags=tuple(chance.sample(TAGS, 2)),
            confidence=round(chance.betavariate(8, 2), 2),
            amount=round(10 ** chance.uniform(1, 5)),
            currency="USD",
            payload={"from": "search", "to": "social"},
        )
        for _ in range(PROPOSALS)
    ]


def _policy(rules: Sequence[Rule], *, only_engine: bool = False) -> Policy:
    postures = {"autopilot": (0, "out", "none"), "single": (30, "in", "single"), "signature": (40, "in", "signature")}
    surface = {
        "is_enabled": True,
        "owner": "Channel owner",
        "connector": None,
        "tier": "autopilot",
        "floor": "autopilot",
        "senior_tier": "signature",
        "confidence_high": 0.9,
        "confidence_low": 0.5,
        "deadline": 3600.0,
        "undo_window": 10.0,
        "retention": 3600.0,
        "editor_may_approve": False,
        "agent_owner_may_decide": False,
        "payload_schema": {},
        "derived_tags": [],
        "amount_pointer": "",
        "audience_pointer": "",
    }
    document = {
        "tiers": {
            slug: {"rank": rank, "posture": posture, "review": review, "hold": 0.0, "sample_rate": 0.0}
            for slug, (rank, posture, review) in postures.items()
        },
        "surfaces": dict.fromkeys(SURFACES, surface),
        "rules": {rule.slug: _row(rule, only_engine=only_engine) for rule in rules},
    }
    return compile_policy(number=1, digest="sha256:bench", document=document)


def _row(rule: Rule, *, only_engine: bool) -> dict[str, Any]:
    condition = f"amount > {rule.over} && confidence < {rule.below}"
    return {
        "surfaces": list(rule.surfaces),
        "any_tags": list(rule.tags),
        # Brackets change nothing but who answers: the comparisons inside are then the engine's.
        "condition": f"({condition})" if only_engine else condition,
        "decision": rule.decision,
        "reason": "Large and uncertain",
    }


def _ours(policy: Policy) -> Callable[[Facts], Any]:
    return lambda facts: evaluate(policy, facts)


def _cedar(rules: Sequence[Rule]) -> Callable[[Facts], list[str]]:
    """Return the same rules in Cedar. It has no fractions, so that confidence is in hundredths."""
    texts = []
    for rule in rules:
        terms = [f"context.amount > {rule.over}", f"context.confidence < {round(rule.below * 100)}"]
        if rule.tags:
            terms.insert(0, "context.tags.containsAny([" + ", ".join(f'"{tag}"' for tag in rule.tags) + "])")
        resource, [where] = "resource", rule.surfaces
        if "*" not in where:
            resource = f'resource == Surface::"{where}"'
        elif where != "*":
            terms.insert(0, f'context.surface like "{where}"')
        texts.append(f'@id("{rule.slug}")\nforbid(principal, action, {resource}) when {{ {" && ".join(terms)} }};')
    policies = cedarpy.PolicySet.from_str("\n".join(texts))
    entities = cedarpy.Entities.from_json_str("[]")

    def decide(facts: Facts) -> list[str]:
        request = {
            "principal": 'Agent::"pacer"',
            "action": 'Action::"change"',
            "resource": f'Surface::"{facts.surface}"',
            "context": {
                "surface": facts.surface,
                "tags": list(facts.tags),
                "amount": facts.amount,
                "confidence": round((facts.confidence or 0) * 100),
            },
        }
        answer = cedarpy.is_authorized(request, policies, entities)
        return [*answer.diagnostics.id_annotations_by_reason.values()]

    return decide


def _closures(rules: Sequence[Rule]) -> Callable[[Facts], tuple[list[str], str]]:
    """Return the same rules as Python functions, by surface: what matching and comparing cost at least."""
    by_surface: dict[str, list[tuple[str, str, Callable[[Facts], bool]]]] = {}
    for surface in SURFACES:
        globs = {surface, "*", surface.split(".")[0] + ".*"}
        by_surface[surface] = [(rule.slug, rule.decision, _closure(rule)) for rule in rules if globs & {*rule.surfaces}]

    def decide(facts: Facts) -> tuple[list[str], str]:
        held = [(slug, decision) for slug, decision, holds in by_surface[facts.surface] if holds(facts)]
        outcome = "deny" if any(decision == "deny" for _, decision in held) else "require_approval" if held else "allow"
        return [slug for slug, _ in held], outcome

    return decide


def _closure(rule: Rule) -> Callable[[Facts], bool]:
    over, below, tags = rule.over, rule.below, frozenset(rule.tags)
    if not tags:
        return lambda facts: (facts.amount or 0) > over and (facts.confidence or 0) < below
    return lambda facts: (
        not tags.isdisjoint(facts.tags) and (facts.amount or 0) > over and (facts.confidence or 0) < below
    )


def _require_same_answers(
    policy: Policy,
    cedar: Callable[[Facts], list[str]],
    closures: Callable[[Facts], tuple[list[str], str]],
    proposals: Sequence[Facts],
) -> None:
    """Raise unless all three find the same rules: only then is there anything to compare."""
    for facts in proposals:
        ours = {reason.id for reason in evaluate(policy, facts).reasons if reason.source == "rule"}
        if not ours == {*cedar(facts)} == {*closures(facts)[0]}:
            raise RuntimeError(f"The engines disagree about {facts}.")


def _rate(decide: Callable[[Facts], Any], proposals: Sequence[Facts]) -> float:
    done, begun = 0, time.perf_counter()
    while (took := time.perf_counter() - begun) < SECONDS:
        for facts in proposals[done % PROPOSALS :][:50]:
            decide(facts)
        done += 50
    return done / took


def _p99(decide: Callable[[Facts], Any], proposals: Sequence[Facts]) -> float:
    took = []
    for _ in range(10):
        for facts in proposals:
            begun = time.perf_counter()
            decide(facts)
            took.append(time.perf_counter() - begun)
    return quantiles(took, n=100)[-1]
