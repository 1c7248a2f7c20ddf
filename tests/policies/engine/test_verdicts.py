"""Evaluation: which contribution wins, and that nothing that restricts ever loosens."""

import json
import subprocess
import sys
from dataclasses import asdict, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.engine.evaluation import evaluate
from policies.facts.facts import Effect, Finding
from tests.policies.made_policies import RANKS, TIERS, facts, policy

DENY, REQUIRE, ALLOW = "deny", "require_approval", "allow"


def rule(decision, **row):
    return {"decision": decision, **row}


def judged(rules=None, limits=None, about=None, **surface):
    verdict = evaluate(policy(rules, limits, **surface), facts(**(about or {})))
    return verdict.outcome.value, verdict.tier.slug if verdict.tier else None, deciding(verdict)


def deciding(verdict):
    [reason] = [reason for reason in verdict.reasons if reason.is_deciding]
    return f"{reason.source}:{reason.id}"


@pytest.mark.parametrize(
    ("rules", "surface", "expected"),
    [
        pytest.param({}, {}, (ALLOW, "autopilot", "surface:ads.budget"), id="no-rule-surface-tier"),
        pytest.param({}, {"tier": "batch"}, (REQUIRE, "batch", "surface:ads.budget"), id="no-rule-batch"),
        pytest.param({"a": rule(DENY)}, {}, (DENY, None, "rule:a"), id="deny"),
        pytest.param({"a": rule(REQUIRE)}, {}, (REQUIRE, "single", "rule:a"), id="require-is-single"),
        pytest.param({"a": rule(REQUIRE, tier="batch")}, {}, (REQUIRE, "batch", "rule:a"), id="require-with-tier"),
        pytest.param(
            {"a": rule(REQUIRE, tier="batch")},
            {"tier": "signature"},
            (REQUIRE, "signature", "surface:ads.budget"),
            id="require-never-loosens-the-surface",
        ),
        pytest.param(
            {"a": rule(REQUIRE, tier="batch"), "b": rule(REQUIRE, tier="human_only"), "c": rule(REQUIRE)},
            {},
            (REQUIRE, "human_only", "rule:b"),
            id="strictest-wins",
        ),
        pytest.param(
            {"a": rule(ALLOW), "b": rule(REQUIRE), "z": rule(DENY)}, {}, (DENY, None, "rule:z"), id="deny-beats-all"
        ),
        pytest.param(
            {"a": rule(ALLOW), "b": rule(REQUIRE, tier="batch")},
            {"tier": "single"},
            (REQUIRE, "batch", "rule:b"),
            id="require-beats-allow",
        ),
        pytest.param({"a": rule(ALLOW)}, {"tier": "single"}, (ALLOW, "monitored", "rule:a"), id="allow-keeps-a-hold"),
        pytest.param(
            {"a": rule(ALLOW, tier="autopilot")}, {"tier": "single"}, (ALLOW, "autopilot", "rule:a"), id="allow-at-once"
        ),
        pytest.param(
            {"a": rule(ALLOW, tier="autopilot"), "b": rule(ALLOW)},
            {"tier": "single"},
            (ALLOW, "monitored", "rule:b"),
            id="strictest-allow",
        ),
        pytest.param(
            {"a": rule(ALLOW)}, {}, (ALLOW, "autopilot", "surface:ads.budget"), id="allow-never-makes-it-stricter"
        ),
        pytest.param(
            {"a": rule(ALLOW)},
            {"tier": "single", "floor": "batch"},
            (REQUIRE, "batch", "floor:ads.budget"),
            id="floor-holds-whatever-rules-allow",
        ),
        pytest.param(
            {"a": rule(ALLOW, condition="payload.x == 1")},
            {"tier": "single"},
            (REQUIRE, "single", "surface:ads.budget"),
            id="failing-allow-does-not-count",
        ),
        pytest.param(
            {"a": rule(REQUIRE, condition="payload.x == 1")},
            {},
            (REQUIRE, "single", "rule:a"),
            id="failing-require-counts",
        ),
        pytest.param(
            {"a": rule(DENY, condition="audience_size > 5")}, {}, (DENY, None, "rule:a"), id="failing-deny-counts"
        ),
        pytest.param(
            {"a": rule(DENY, condition="amount > 5 && payload.x > 1", surfaces=["email.*"])},
            {},
            (ALLOW, "autopilot", "surface:ads.budget"),
            id="what-does-not-match-cannot-fail",
        ),
        pytest.param(
            {"a": rule(ALLOW)},
            {"tier": "single", "confidence_high": 1.5},
            (REQUIRE, "single", "confidence:high"),
            id="doubt-takes-what-a-rule-allows",
        ),
    ],
)
def test_rules(rules, surface, expected):
    assert judged(rules, about={"payload": {}}, **surface) == expected


def test_the_refund_example():
    rules = {
        "require-approval-over-100": {
            "topics": ["job.refund.process"],
            "any_tags": ["financial"],
            "condition": "estimated_cost > 100",
            "decision": REQUIRE,
            "reason": "Refunds over $100 require human approval",
        }
    }
    refund = {"action": "job.refund.process", "tags": ("financial",)}
    assert judged(rules, about={**refund, "amount": 100.01}) == (REQUIRE, "single", "rule:require-approval-over-100")
    assert judged(rules, about={**refund, "amount": 100})[0] == ALLOW
    assert judged(rules, about={**refund, "amount": 500, "tags": ()})[0] == ALLOW
    assert judged(rules, about={**refund, "amount": 500, "action": "job.refund.undo"})[0] == ALLOW
    assert judged(rules, about={**refund, "amount": None})[0] == REQUIRE
    assert judged(rules, slug="job.refund.process", about={**refund, "amount": 500, "surface": "job.refund.process"})[
        0
    ] == (REQUIRE)


def test_a_failing_rule_says_what_it_counts_as():
    rules = {
        "a": rule(REQUIRE, condition="payload.x == 1", reason="X needs a look."),
        "b": rule(ALLOW, condition="payload.x == 1"),
    }
    verdict = evaluate(policy(rules), facts(payload={}))
    said = {reason.id: reason for reason in verdict.reasons if reason.source == "rule"}
    why = 'It could not be evaluated: Key not found in map : "x"'
    assert said["a"].text == f"X needs a look. ({why}; so it counts as holding.)"
    assert said["b"].text == f"Allowed by rule “b”. ({why}; so it does not count.)"
    assert (said["b"].tier, said["b"].is_deciding) == ("single", False)


def test_requirements_of_all_rules_that_restrict_are_kept_apart():
    finance = {"stage": 1, "name": "money", "role": "Finance", "approvals": 1, "denials": 1}
    legal = {**finance, "role": "Legal"}
    rules = {
        "b": rule(REQUIRE, requirements=[finance]),
        "a": rule(REQUIRE, requirements=[legal]),
        "c": rule(ALLOW, requirements=[legal]),
        "d": rule(REQUIRE, requirements=[legal], surfaces=["email.*"]),
    }
    assert evaluate(policy(rules), facts()).requirements == (("a", (legal,)), ("b", (finance,)))


LIMIT = {"measure": "amount", "limit": 1000, "effect": "deny"}


@pytest.mark.parametrize(
    ("limit", "about", "expected"),
    [
        ({}, {"limits": {"spend": 950}}, (ALLOW, "autopilot")),
        ({}, {"limits": {"spend": 950.01}}, (DENY, None)),
        ({}, {"limits": {"spend": 990}, "amount": -50}, (DENY, None)),
        ({}, {"limits": {"spend": 990}, "amount": None}, (ALLOW, "autopilot")),
        ({}, {"limits": {"spend": float("nan")}}, (DENY, None)),
        ({}, {"limits": {}}, (REQUIRE, "single")),
        ({"surfaces": ["email.*"]}, {"limits": {}}, (ALLOW, "autopilot")),
        ({"agents": ["other"]}, {"limits": {"spend": 5000}}, (ALLOW, "autopilot")),
        ({"surfaces": ["ads.*"], "agents": ["pacer"]}, {"limits": {"spend": 5000}}, (DENY, None)),
        ({"effect": "tier", "tier": "signature"}, {"limits": {"spend": 5000}}, (REQUIRE, "signature")),
        ({"effect": "tier"}, {"limits": {"spend": 5000}}, (REQUIRE, "single")),
        ({"effect": "flag"}, {"limits": {"spend": 5000}}, (ALLOW, "autopilot")),
        ({"warning": 500}, {"limits": {"spend": 600}}, (ALLOW, "autopilot")),
        (
            {"warning": 500, "warning_effect": "tier", "warning_tier": "batch"},
            {"limits": {"spend": 600}},
            (REQUIRE, "batch"),
        ),
        ({"measure": "count"}, {"limits": {"spend": 999}}, (ALLOW, "autopilot")),
        ({"measure": "count"}, {"limits": {"spend": 1000}}, (DENY, None)),
        ({"measure": "audience_size"}, {"limits": {"spend": 1}, "audience_size": 1000}, (DENY, None)),
    ],
)
def test_limits(limit, about, expected):
    assert judged(limits={"spend": {**LIMIT, **limit}}, about=about)[:2] == expected


def test_what_is_only_flagged_is_told_and_changes_nothing():
    limits = {"spend": {**LIMIT, "effect": "flag"}}
    found = Finding("phrases", Effect.FLAG, None, "Says “free”.", "/subject")
    verdict = evaluate(policy(limits=limits), facts(limits={"spend": 1000}, findings=(found,)))
    assert [(said.source, said.id, said.tier, said.outcome.value, said.text) for said in verdict.reasons[-2:]] == [
        ("limit", "spend", "autopilot", ALLOW, "This makes 1,050.00, over the limit of 1,000.00."),
        ("guardrail", "phrases", "autopilot", ALLOW, "Says “free”."),
    ]
    assert deciding(verdict) == "surface:ads.budget"


@pytest.mark.parametrize(
    ("finding", "expected"),
    [
        (("g", Effect.DENY, None, "x"), (DENY, None, "guardrail:g")),
        (("g", Effect.TIER, "signature", "x"), (REQUIRE, "signature", "guardrail:g")),
        (("g", Effect.TIER, "no-such-tier", "x"), (REQUIRE, "single", "guardrail:g")),
        (("g", Effect.TIER, None, "x"), (REQUIRE, "single", "guardrail:g")),
    ],
)
def test_findings(finding, expected):
    assert judged(about={"findings": (Finding(*finding),)}) == expected


def test_a_conflict_needs_a_look_each():
    assert judged(about={"conflicts": ("p1", "p2")}) == (REQUIRE, "single", "conflict:p1")
    assert judged(about={"conflicts": ("p1",)}, tier="signature")[1] == "signature"


SLUGS = [slug for slug, *_ in TIERS]
CONDITIONS = st.sampled_from(
    [
        "",
        "amount > 100",
        "amount <= 100 && confidence < 0.6",
        "confidence >= 0.5",
        "audience_size > 10",
        "payload.x > 1",
        "has(payload.x) && payload.x > 1",
        "limits.spend.total > 50",
        "'a' in tags",
    ]
)
MATCHES = st.fixed_dictionaries(
    {},
    optional={
        "surfaces": st.sampled_from([["ads.*"], ["email.*"], ["*"]]),
        "any_tags": st.sampled_from([["a"], ["b", "c"]]),
        "all_tags": st.sampled_from([["a"], ["a", "b"]]),
        "agents": st.sampled_from([["pacer"], ["other"]]),
    },
)


def rules_of(*decisions):
    automatic, reviewed = SLUGS[:2], SLUGS[2:]
    tiers = {ALLOW: st.sampled_from([None, *automatic]), REQUIRE: st.sampled_from([None, *reviewed]), DENY: st.none()}
    return st.sampled_from(decisions).flatmap(
        lambda decision: st.builds(
            lambda match, condition, tier: {**match, "condition": condition, "tier": tier, "decision": decision},
            MATCHES,
            CONDITIONS,
            tiers[decision],
        )
    )


RULES = st.dictionaries(st.sampled_from("abcdefgh"), rules_of(ALLOW, REQUIRE, DENY), max_size=5)
SURFACES = st.fixed_dictionaries(
    {
        "tier": st.sampled_from(SLUGS),
        "floor": st.sampled_from(SLUGS[:4]),
        "confidence_high": st.sampled_from([0.0, 0.5, 0.9]),
        "confidence_low": st.sampled_from([0.0, 0.3]),
    }
)
ABOUT = st.fixed_dictionaries(
    {
        "amount": st.sampled_from([None, 0, 50, 100, 101, 5000]),
        "confidence": st.sampled_from([None, 0.0, 0.4, 0.55, 0.7, 1.0]),
        "audience_size": st.sampled_from([None, 5, 50]),
        "payload": st.sampled_from([{}, {"x": 0}, {"x": 2}, {"x": None}, None]),
        "tags": st.sampled_from([(), ("a",), ("a", "b"), ("c",)]),
        "limits": st.sampled_from([{}, {"spend": 10}, {"spend": 100}]),
        "mandate": st.sampled_from(SLUGS),
        "is_in_review": st.booleans(),
    }
)
DENIED = 1000


def strictness(policy, about):
    verdict = evaluate(policy, about)
    return DENIED if verdict.tier is None else verdict.tier.rank


cases = settings(max_examples=120)


@cases
@given(rules=RULES, surface=SURFACES, about=ABOUT, data=st.data())
def test_the_order_of_rules_never_matters(rules, surface, about, data):
    shuffled = dict(data.draw(st.permutations(list(rules.items()))))
    assert evaluate(policy(rules, **surface), facts(**about)) == evaluate(policy(shuffled, **surface), facts(**about))


@cases
@given(rules=RULES, surface=SURFACES, about=ABOUT, more=rules_of(REQUIRE, DENY))
def test_one_more_restricting_rule_never_loosens(rules, surface, about, more):
    before = strictness(policy(rules, **surface), facts(**about))
    assert strictness(policy({**rules, "z": more}, **surface), facts(**about)) >= before


@cases
@given(rules=RULES, surface=SURFACES, about=ABOUT, floor=st.sampled_from(SLUGS))
def test_raising_a_floor_never_loosens(rules, surface, about, floor):
    raised = max(surface["floor"], floor, key=RANKS.get)
    before = strictness(policy(rules, **surface), facts(**about))
    assert strictness(policy(rules, **{**surface, "floor": raised}), facts(**about)) >= before


@cases
@given(
    bounds=st.lists(st.tuples(st.sampled_from([ALLOW, REQUIRE, DENY]), st.sampled_from([0.1, 0.5, 0.6, 0.9]))),
    surface=SURFACES,
    about=ABOUT,
    lower=st.sampled_from([None, 0.0, 0.2, 0.45]),
)
def test_lowering_confidence_never_loosens(bounds, surface, about, lower):
    """A rule may reward doubt, if people write it so; the bands, and rules that punish doubt, never do."""
    rules = {
        f"r{number}": rule(decision, condition=f"confidence {'>=' if decision == ALLOW else '<'} {bound}")
        for number, (decision, bound) in enumerate(bounds)
    }
    lower = min(lower or 0.0, about["confidence"] or 0.0)
    before = strictness(policy(rules, **surface), facts(**about))
    assert strictness(policy(rules, **surface), facts(**{**about, "confidence": lower})) >= before


@cases
@given(
    rules=RULES, surface=SURFACES, about=ABOUT, scopes=st.sets(st.sampled_from(["everywhere", "surface:ads.budget"]))
)
def test_engaging_a_switch_never_loosens_and_never_lets_pass(rules, surface, about, scopes):
    before = strictness(policy(rules, **surface), facts(**about))
    after = evaluate(policy(rules, **surface), facts(**about, switches=tuple(sorted(scopes))))
    assert (DENIED if after.tier is None else after.tier.rank) >= before
    if scopes:
        assert after.outcome.value != ALLOW


@cases
@given(
    rules=RULES,
    surface=SURFACES,
    about=ABOUT,
    conflicts=st.sets(st.sampled_from("pq")),
    findings=st.lists(
        st.builds(Finding, st.just("g"), st.sampled_from(Effect), st.sampled_from([None, *SLUGS]), st.just("x")),
        max_size=2,
    ),
)
def test_conflicts_and_findings_never_loosen(rules, surface, about, conflicts, findings):
    compiled = policy(rules, **surface)
    before = strictness(compiled, facts(**about))
    about = facts(**about, conflicts=tuple(sorted(conflicts)), findings=tuple(findings))
    assert strictness(compiled, about) >= before


@cases
@given(rules=RULES, surface=SURFACES, about=ABOUT)
def test_a_failing_condition_never_opens_the_gate(rules, surface, about):
    failing = {slug: {**row, "condition": "payload['?'] == 1"} for slug, row in rules.items()}
    answered = strictness(policy(rules, **surface), facts(**about))
    assert strictness(policy(failing, **surface), facts(**about)) >= answered


@cases
@given(rules=RULES, surface=SURFACES, about=ABOUT)
def test_every_verdict_has_one_deciding_reason_that_agrees_with_it(rules, surface, about):
    verdict = evaluate(policy(rules, **surface), facts(**about))
    [reason] = [reason for reason in verdict.reasons if reason.is_deciding]
    assert reason.outcome is verdict.outcome
    assert reason.tier == (verdict.tier.slug if verdict.tier else None)
    assert (verdict.policy_number, verdict.policy_digest) == (7, "sha256:test")


SCRIPT = """
import json, sys
from dataclasses import asdict
from policies.engine.evaluation import evaluate
from tests.policies.made_policies import facts, policy
rules, surface, about = json.load(sys.stdin)
about["tags"] = tuple(about["tags"])
print(json.dumps(asdict(evaluate(policy(rules, **surface), facts(**about))), default=str))
"""


def test_another_process_gives_the_same_verdict_to_the_byte():
    rules = {
        "a": rule(REQUIRE, condition="amount > 10", reason="{amount} {tags}"),
        "b": rule(ALLOW, condition="payload.x.exists(k, k == 'y')"),
        "c": rule(DENY, condition="payload.missing > 1 && confidence < 0.1"),
    }
    about = {"amount": 1234.5, "payload": {"x": {"y": 1, "z": 2}}, "tags": ("b", "a"), "confidence": 0.5}
    here = json.dumps(asdict(evaluate(policy(rules), facts(**about))), default=str)
    for seed in ("1", "2"):
        there = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            input=json.dumps([rules, {}, about]),
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            capture_output=True,
            text=True,
            check=True,
        )
        assert there.stdout.strip() == here


def test_what_denies_outright_comes_first():
    compiled = policy({"a": rule(ALLOW)})
    for changes in ({"surface": "nowhere"}, {"agent_is_active": False}, {"mandate": None}):
        verdict = evaluate(compiled, replace(facts(), **changes))
        assert (verdict.outcome.value, len(verdict.reasons)) == (DENY, 1)
