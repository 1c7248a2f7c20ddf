"""The policy's own tests: what they leave out is favourable, and what differs is said."""

import pytest

from policies.engine import policy_tests
from policies.engine.policy import PolicyCase, compile_policy

TIERS = {
    "autopilot": {"rank": 0, "posture": "out", "review": "none", "hold": 0.0, "sample_rate": 0.0},
    "single": {"rank": 30, "posture": "in", "review": "single", "hold": 0.0, "sample_rate": 0.0},
    "signature": {"rank": 40, "posture": "in", "review": "signature", "hold": 0.0, "sample_rate": 0.0},
}
SURFACE = {
    "is_enabled": True, "owner": "Legal", "connector": None, "tier": "autopilot", "floor": "autopilot",
    "senior_tier": "signature", "confidence_high": 0.9, "confidence_low": 0.5, "deadline": 60.0, "undo_window": 0.0,
    "retention": 60.0, "editor_may_approve": False, "agent_owner_may_decide": False, "payload_schema": {},
    "derived_tags": [{"tag": "vip", "if": {"required": ["vip"]}}], "amount_pointer": "/amount",
    "audience_pointer": "", "params": {}, "time_zone": "Asia/Tokyo",
}  # fmt: skip
MATCH = {"surfaces": [], "actions": [], "topics": [], "agents": [], "any_tags": [], "all_tags": []}


def rule(condition: str = "", decision: str = "require_approval", **match: list[str]) -> dict[str, object]:
    said = {"condition": condition, "decision": decision, "tier": None, "requirements": None, "reason": "Because."}
    return {**MATCH, **match, **said}


POLICY = compile_policy(
    number=1,
    digest="sha256:x",
    document={
        "tiers": TIERS,
        "surfaces": {"refunds": SURFACE},
        "rules": {
            "large": rule("has_amount && amount > 100.0"),
            "evening": rule("hour >= 18.0"),
            "vips": rule(any_tags=["vip"]),
            "weekend": rule("weekday in ['sat', 'sun']", decision="deny"),
        },
        "limits": {
            "spend": {"measure": "amount", "per": "surface", "window": {}, "limit": 5000.0, "effect": "deny",
                      "tier": None, "surfaces": [], "agents": []}
        },
        "guardrails": {
            "no-free": {"kind": "forbidden_phrases", "surfaces": [], "paths": [], "config": {"phrases": ["free"]},
                        "effect": "deny", "tier": None, "text": "Do not say free."}
        },
    },
)  # fmt: skip


def run(facts: dict[str, object], outcome: str, **expected: str) -> policy_tests.Result:
    (result,) = policy_tests.run(POLICY, [PolicyCase("t", {"surface": "refunds", **facts}, outcome, **expected)])
    return result


@pytest.mark.parametrize(
    ("facts", "outcome", "deciding"),
    [
        pytest.param({}, "allow", "", id="what-is-left-out-is-favourable"),
        pytest.param({"confidence": None}, "require_approval", "low", id="unless-it-is-said"),
        pytest.param({"mandate": None}, "deny", "test-agent", id="no-mandate"),
        pytest.param({"agent_is_active": False}, "deny", "test-agent", id="suspended"),
        pytest.param({"amount": 101}, "require_approval", "large", id="amount"),
        pytest.param({"payload": {"amount": 101}}, "require_approval", "large", id="amount-in-the-payload"),
        pytest.param({"payload": {"vip": 1}}, "require_approval", "vips", id="derived-tag"),
        pytest.param({"payload": {"text": "It is FREE"}}, "deny", "no-free", id="guardrail-reads-the-payload"),
        pytest.param({"amount": 60, "limits": {"spend": 4950}}, "deny", "spend", id="running-total"),
        pytest.param({"now": "2026-01-07T09:30:00Z"}, "require_approval", "evening", id="hour-of-the-surface"),
        pytest.param({"now": "2026-01-09T16:00:00Z"}, "deny", "weekend", id="day-of-the-surface"),
        pytest.param({"conflicts": ["x"]}, "require_approval", "x", id="conflict"),
        pytest.param({"switches": ["everywhere"]}, "require_approval", "everywhere", id="kill-switch"),
        pytest.param(
            {"findings": [{"guardrail": "g", "effect": "tier", "tier": "signature"}]}, "require_approval", "g",
            id="finding",
        ),
        pytest.param({"surface": "nowhere"}, "deny", "nowhere", id="unknown-surface"),
    ],
)  # fmt: skip
def test_facts_are_completed(facts, outcome, deciding):
    result = run(facts, outcome, deciding=deciding)
    assert result.is_passed, (result.said, result.problems)


def test_it_is_noon_where_the_surface_is():
    assert policy_tests.completed(POLICY, {"surface": "refunds"}).now.isoformat() == "2026-01-07T12:00:00+09:00"


def test_what_differs_is_said():
    result = run({"amount": 200}, "allow", tier="autopilot", deciding="small")
    assert not result.is_passed
    assert result.problems == (
        "Expected allow, got require_approval.",
        "Expected the tier autopilot, got single.",
        "Expected small to decide, but rule large did.",
    )
    assert result.wanted == "allow at autopilot because of small"
    assert result.said == "require approval at single because of large"
    assert any(reason.id == "large" and reason.is_deciding for reason in result.reasons)


@pytest.mark.parametrize(
    "facts",
    [
        {"amout": 5},
        {"now": "yesterday"},
        {"now": "2026-01-01T00:00:00"},
        {"tags": 5},
        {"findings": [{}]},
        {"limits": 3},
    ],
)
def test_facts_that_cannot_be_used_fail_the_test(facts):
    result = run(facts, "allow")
    assert not result.is_passed
    assert result.said == "nothing"


def test_a_policys_own_tests_run_in_order():
    document = {"tiers": TIERS, "surfaces": {"refunds": SURFACE}, "tests": {}}
    for slug in ("b", "a"):
        document["tests"][slug] = {"facts": {"surface": "refunds"}, "outcome": "allow", "tier": "", "deciding": ""}
    policy = compile_policy(number=1, digest="x", document=document)
    assert [(result.slug, result.is_passed) for result in policy_tests.run(policy)] == [("a", True), ("b", True)]
