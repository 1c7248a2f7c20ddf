"""Another policy on recorded cases: judged by their own facts, counted, and said in figures."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.engine.evaluation import evaluate
from policies.engine.policy import compile_policy
from policies.engine.simulation import Case, Replay, replay
from policies.engine.simulation_figures import FATES, MOST_EXAMPLES, USUAL_MINUTES, Tally
from policies.facts import stored_facts
from policies.facts.stored_facts import FactsUnreadable

AT = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
TIERS = {
    slug: {"rank": rank, "posture": posture, "review": review, "sample_rate": 0.0, "hold": 0.0}
    for slug, rank, posture, review in (
        ("autopilot", 0, "out", "none"),
        ("monitored", 10, "on", "none"),
        ("batch", 20, "in", "batch"),
        ("single", 30, "in", "single"),
        ("signature", 40, "in", "signature"),
    )
}


def document(tier: str = "autopilot", *, surface: dict[str, Any] | None = None, **parts: Any) -> dict[str, Any]:
    row = {
        "is_enabled": True, "owner": "Channel owner", "connector": None, "tier": tier, "floor": "autopilot",
        "senior_tier": "signature", "confidence_high": 0.9, "confidence_low": 0.5, "deadline": 3600.0,
        "undo_window": 0.0, "retention": 3600.0, "editor_may_approve": False, "agent_owner_may_decide": False,
        "payload_schema": {}, "derived_tags": [], "amount_pointer": "", "audience_pointer": "", **(surface or {}),
    }  # fmt: skip
    return {"tiers": TIERS, "surfaces": {"ads.budget": row}, **parts}


def rule(condition: str = "", decision: str = "require_approval", **row: Any) -> dict[str, Any]:
    return {"one": {"condition": condition, "decision": decision, **row}}


def case(outcome: str = "allow", tier: str | None = "autopilot", **fields: Any) -> Case:
    own = {name: fields.pop(name) for name in [*fields] if name in Case._fields}
    facts = {
        "surface": "ads.budget", "action": "shift_budget", "agent": "pacer", "agent_is_active": True,
        "mandate": "autopilot", "tags": [], "targets": [], "confidence": 0.95, "amount": 100, "currency": "USD",
        "audience_size": None, "model": {}, "switches": [], "is_in_review": False, **fields,
    }  # fmt: skip
    made = {"proposal": "0193", "facts": json.dumps(facts), "at": AT, **own}
    return Case(outcome=outcome, tier=tier, **made)


def tried(draft: dict[str, Any], *cases: Case) -> Tally:
    return replay(compile_policy(number=0, digest="", document=draft), cases)


def changes(tally: Tally) -> dict[str, int]:
    return {name: number for name, number in tally.result({})["changes"].items() if number}


@pytest.mark.parametrize(
    ("then", "draft", "expected"),
    [
        pytest.param(("allow", "autopilot"), document("autopilot"), {}, id="as-before"),
        pytest.param(("allow", "autopilot"), document("single"), {"gated": 1}, id="gated"),
        pytest.param(("require_approval", "single"), document("autopilot"), {"freed": 1}, id="freed"),
        pytest.param(("deny", None), document("autopilot"), {"freed": 1}, id="a-denied-one-passes"),
        pytest.param(("allow", "autopilot"), document(rules=rule(decision="deny")), {"blocked": 1}, id="blocked"),
        pytest.param(("require_approval", "single"), document(rules=rule(decision="deny")), {"blocked": 1}, id="deny"),
        pytest.param(("deny", None), document("single"), {"reopened": 1}, id="no-longer-blocked"),
        pytest.param(("require_approval", "batch"), document("single"), {"stricter": 1}, id="stricter"),
        pytest.param(("require_approval", "signature"), document("single"), {"milder": 1}, id="milder"),
        pytest.param(("allow", "autopilot"), document("monitored"), {"stricter": 1}, id="automatic-but-held"),
        pytest.param(("require_approval", "gone"), document("single"), {}, id="a-tier-that-is-gone-has-no-order"),
        pytest.param(("allow", "autopilot"), document() | {"surfaces": {}}, {"blocked": 1}, id="surface-is-gone"),
    ],
)
def test_what_changes_is_named(then, draft, expected):
    assert changes(tried(draft, case(*then))) == expected


def test_every_surface_and_agent_has_its_counts_and_a_few_examples():
    draft = document("single")
    cases = [case(agent=f"agent-{number % 2}", proposal=str(number)) for number in range(10)]
    result = tried(draft, *cases, case("require_approval", "single")).result({})
    assert result["cases"] == 11
    assert result["surfaces"]["ads.budget"]["changes"] == {"gated": 10}
    assert result["agents"]["agent-0"]["changes"] == result["agents"]["agent-1"]["changes"] == {"gated": 5}
    assert result["agents"]["pacer"]["changes"] == {}
    examples = result["surfaces"]["ads.budget"]["examples"]["gated"]
    assert [row["proposal"] for row in examples] == ["0", "1", "2"][:MOST_EXAMPLES]
    assert examples[0]["then"] == {"outcome": "allow", "tier": "autopilot"}
    assert examples[0]["now"] == {"outcome": "require_approval", "tier": "single"}
    assert examples[0]["because"]["source"] == "surface"
    json.dumps(result)


def test_review_work_is_counted_by_the_measured_median():
    gated = tried(document("single"), *[case()] * 10, case("require_approval", "single"))
    told = gated.result({"ads.budget": 6.0})
    assert (told["minutes_added"], told["minutes_saved"]) == (60.0, 0.0)
    assert told["surfaces"]["ads.budget"]["is_measured"]
    assert gated.result({})["minutes_added"] == 10 * USUAL_MINUTES
    freed = tried(document(), *[case("require_approval", "single")] * 3, case("deny", None))
    assert freed.result({"ads.budget": 6.0})["minutes_saved"] == 18.0


def test_of_what_ended_badly_it_says_what_would_have_passed():
    asked = ("require_approval", "single")
    bad = [
        case(*asked, is_rejected=True, amount=50),
        case(*asked, is_rejected=True, amount=500),
        case("allow", "autopilot", is_rolled_back=True, amount=500),
        case(*asked, is_edited=True, is_rejected=True, amount=50),
        case("allow", "autopilot", amount=500),
    ]
    fates = tried(document(rules=rule("amount > 100")), *bad).result({})["fates"]
    assert fates["rejected"] == {"cases": 3, "let_through_then": 0, "let_through_now": 2, "caught_now": 1}
    assert fates["edited"] == {"cases": 1, "let_through_then": 0, "let_through_now": 1, "caught_now": 0}
    assert fates["rolled_back"] == {"cases": 1, "let_through_then": 1, "let_through_now": 0, "caught_now": 1}


LIMIT = {"measure": "amount", "currency": "USD", "limit": 1000.0, "effect": "tier", "tier": "single"}


def test_totals_are_those_that_were_recorded():
    draft = document(limits={"spend": LIMIT})
    assert changes(tried(draft, case(limits={"spend": 950.0}))) == {"gated": 1}
    assert changes(tried(draft, case(limits={"spend": 100.0}))) == {}


def test_a_limit_that_was_not_counted_then_weighs_each_proposal_alone_and_says_so():
    draft = document(limits={"spend": LIMIT, "elsewhere": LIMIT | {"surfaces": ["email.*"]}})
    tally = tried(draft, case(), case(amount=2000), case(limits={"spend": 0.0}))
    assert changes(tally) == {"gated": 1}
    assert tally.result({})["uncounted"] == {"spend": 2}


def test_the_payload_is_asked_for_only_by_a_policy_that_looks_at_it():
    def needs(draft):
        return Replay(compile_policy(number=0, digest="", document=draft)).needs

    assert needs(document(rules=rule("amount > 100 && confidence < 0.9"))) == (False, False)
    assert needs(document(rules=rule("payload.to == 'social'"))) == (True, False)
    assert needs(document(rules=rule("before.price > 10.0"))) == (False, True)
    assert needs(document(guardrails={"words": PHRASE})) == (True, False)
    assert needs(document(surface={"amount_pointer": "/amount"})) == (True, False)


def test_conditions_read_payload_and_what_was_there_before():
    draft = document(rules=rule("payload.to == 'social' && before.price > 10"))
    held = case(payload=b'{"to": "social"}', before='{"price": 11}')
    assert changes(tried(draft, held)) == {"gated": 1}
    assert changes(tried(draft, held._replace(payload=b'{"to": "search"}'))) == {}


def test_what_the_draft_derives_from_a_payload_counts():
    draft = document(
        surface={"derived_tags": [{"tag": "vip", "if": {"required": ["vip"]}}], "amount_pointer": "/sum"},
        rules=rule("'vip' in tags && 'own' in tags && amount > 1000"),
    )
    assert changes(tried(draft, case(tags=["own"], payload=b'{"vip": 1, "sum": 5000}'))) == {"gated": 1}
    assert changes(tried(draft, case(tags=["own"], payload=b'{"vip": 1, "sum": 5}'))) == {}
    assert changes(tried(draft, case(tags=["own"], payload=b'{"sum": 5000}'))) == {}


PHRASE = {
    "kind": "forbidden_phrases", "surfaces": [], "paths": [], "config": {"phrases": ["risk free"]}, "effect": "deny",
    "tier": None, "text": "Never.",
}  # fmt: skip
FOUND = {"guardrail": "promise", "effect": "tier", "tier": "single", "text": "A promise.", "at": "/text"}


def test_guardrails_of_the_draft_are_run_and_those_of_then_are_forgotten():
    bad = case(payload=b'{"text": "It is risk free."}', findings=[FOUND])
    assert changes(tried(document(guardrails={"words": PHRASE}), bad)) == {"blocked": 1}
    assert changes(tried(document(), bad)) == {}


def test_a_question_for_the_reviewer_asks_no_model_and_needs_no_payload():
    question = PHRASE | {"kind": "checklist", "config": {}, "effect": "tier", "tier": "single", "text": "No promises?"}
    draft = document(guardrails={"promise": question})
    assert changes(tried(draft, case(payload=b'{"text": "Tomorrow!"}', findings=[FOUND]))) == {}
    assert not Replay(compile_policy(number=0, digest="", document=draft)).needs.payload


@pytest.mark.parametrize(("zone", "expected"), [("UTC", {"gated": 1}), ("Europe/Vienna", {}), ("Asia/Tokyo", {})])
def test_the_hour_is_that_of_the_surface(zone, expected):
    draft = document(surface={"time_zone": zone}, rules=rule("hour == 23"))
    assert changes(tried(draft, case())) == expected
    assert changes(tried(draft, case(at=datetime(2020, 1, 1, tzinfo=UTC), now=AT.isoformat()))) == expected


@pytest.mark.parametrize(
    "facts", ["[]", "{}", "7", "{", '{"surface": [], "agent": "a"}', '{"surface": "s", "agent": "a"}']
)
def test_facts_that_cannot_be_read_are_left_out_and_counted(facts):
    tally = tried(document(), case()._replace(facts=facts), case())
    assert (tally.unreadable, tally.cases) == (1, 1)


def test_stored_facts_without_what_they_need_are_refused():
    with pytest.raises(FactsUnreadable, match="mandate"):
        stored_facts.read({"surface": "s", "action": "a", "agent": "x", "agent_is_active": True})


numbers = st.one_of(st.none(), st.floats(0, 10_000, allow_nan=False))
cases_of_all_kinds = st.builds(
    lambda verdict, amount, confidence, agent, flags: case(
        *verdict, amount=amount, confidence=confidence, agent=agent, **dict(zip(FLAGS, flags, strict=True))
    ),
    st.sampled_from([("allow", "autopilot"), ("require_approval", "single"), ("deny", None)]),
    numbers,
    st.one_of(st.none(), st.floats(0, 1)),
    st.sampled_from(["pacer", "writer"]),
    st.tuples(*[st.booleans()] * 3),
)
FLAGS = ("is_rejected", "is_edited", "is_rolled_back")
DRAFT = document("monitored", rules=rule("amount > 1000 && confidence < 0.95"), limits={"spend": LIMIT})


@given(st.lists(cases_of_all_kinds, max_size=12), st.integers(0, 12))
def test_a_replay_in_parts_says_what_a_whole_one_says(cases, cut):
    whole = tried(DRAFT, *cases)
    first = Tally.of_json(json.loads(json.dumps(tried(DRAFT, *cases[:cut]).as_json())))
    first.add(tried(DRAFT, *cases[cut:]))
    assert first.result({}) == whole.result({})
    taken_up = Tally.of_json(json.loads(json.dumps(tried(DRAFT, *cases[:cut]).as_json())))
    Replay(compile_policy(number=0, digest="", document=DRAFT)).weigh(cases[cut:], taken_up)
    assert taken_up.result({}) == whole.result({})


@given(cases_of_all_kinds)
def test_the_policy_that_judged_it_changes_nothing(one):
    policy = compile_policy(number=1, digest="sha256:1", document=DRAFT)
    facts, _ = Replay(policy).facts(one)
    said = evaluate(policy, facts)
    tier = said.tier.slug if said.tier else None
    assert changes(replay(policy, [one._replace(outcome=said.outcome.value, tier=tier)])) == {}


def test_the_fates_are_those_of_a_case():
    assert tuple(name.removeprefix("is_") for name in FLAGS) == FATES
