"""Comparisons of different types: what restricts holds, what allows does not, and never in silence."""

from contextlib import suppress

import pytest

from policies.facts.vocabulary import Given
from policies.rules.conditions import BoundFacts, ConditionFailed, compile_condition
from policies.rules.rulebook import RuleBook
from tests.costs import least_cpu
from tests.policies.made_policies import facts, policy

YES_OR_NO = "payload['x'] == true"


def ask(text, **payload):
    condition = compile_condition(text)
    about = Given(facts(payload=payload, before=payload.get("before")), {}, {})
    return condition.holds(BoundFacts(about, condition.facts))


DIFFERENT = [
    pytest.param(YES_OR_NO, {"x": "true"}, id="text-for-yes"),
    pytest.param(YES_OR_NO, {"x": 1}, id="number-for-yes"),
    pytest.param(YES_OR_NO, {"x": None}, id="null-for-yes"),
    pytest.param(YES_OR_NO, {"x": [True]}, id="list-for-yes"),
    pytest.param(YES_OR_NO, {"x": {"y": True}}, id="map-for-yes"),
    pytest.param("true == payload.x", {"x": "true"}, id="the-other-way-round"),
    pytest.param("payload.x != true", {"x": "true"}, id="unequal"),
    pytest.param("payload.x == 5", {"x": "5"}, id="text-for-a-number"),
    pytest.param("payload.x == 'a'", {"x": ["a"]}, id="list-for-text"),
    pytest.param("payload.x == amount", {"x": "100"}, id="with-a-fact"),
    pytest.param("payload.x == surface", {"x": 3}, id="with-a-text-fact"),
    pytest.param("payload.x == size(payload.l)", {"x": "0", "l": []}, id="with-a-size"),
    pytest.param("payload.x == before.x", {"x": "1", "before": {"x": 1}}, id="both-unknown"),
    pytest.param("payload.x > 5", {"x": "9"}, id="greater"),
    pytest.param("payload.x >= 5", {"x": True}, id="at-least"),
    pytest.param("payload.x < 5", {"x": "1"}, id="less"),
    pytest.param("payload.x <= 5", {"x": [1]}, id="at-most"),
    pytest.param("payload.x in ['a', 'b']", {"x": 5}, id="in-a-list-of-text"),
    pytest.param("payload.x in [1, 2]", {"x": "1"}, id="in-a-list-of-numbers"),
    pytest.param("payload.x in ['a', 1]", {"x": True}, id="in-a-list-of-two-types"),
    pytest.param("payload.x in tags", {"x": 5}, id="in-tags"),
    pytest.param("'a' in payload.x", {"x": [1]}, id="in-a-list-of-the-payload"),
    pytest.param("'a' in payload.x", {"x": "abc"}, id="in-a-text"),
    pytest.param("payload.y in payload.x", {"x": {"1": 0}, "y": 1}, id="in-a-map"),
    pytest.param("payload.x == [true]", {"x": ["true"]}, id="inside-a-list"),
    pytest.param("payload.x == {'a': {'b': 1}}", {"x": {"a": {"b": "1"}}}, id="inside-a-map"),
    pytest.param("payload.l.exists(i, i.ok == true)", {"l": [{"ok": "true"}]}, id="in-a-loop"),
    pytest.param("payload.l.all(amount, amount == 5)", {"l": ["5"]}, id="a-loop-that-borrows-a-name"),
    pytest.param("payload.l.filter(i, i == 5).size() > 0", {"l": ["5"]}, id="in-a-filter"),
    pytest.param("payload.l.map(i, i == 5) == [true]", {"l": ["5"]}, id="in-a-map-of-a-list"),
    pytest.param("payload.l.exists_one(i, i == 5)", {"l": ["5"]}, id="in-exists-one"),
    pytest.param("(payload.a ? payload.x : payload.y) == 2", {"a": True, "x": "2", "y": 2}, id="in-a-choice"),
    pytest.param("{'a': payload.x == 1}['a']", {"x": "1"}, id="inside-a-map-that-is-built"),
    pytest.param("payload.x == true || false", {"x": "true"}, id="beside-a-no"),
]


@pytest.mark.parametrize(("text", "payload"), DIFFERENT)
def test_different_types_give_no_answer(text, payload):
    with pytest.raises(ConditionFailed):
        ask(text, **payload)


@pytest.mark.parametrize(("text", "payload"), DIFFERENT)
def test_what_denies_holds_and_what_allows_does_not(text, payload):
    rules = {
        "deny": {"condition": text, "decision": "deny"},
        "allow": {"condition": text, "decision": "allow", "tier": "autopilot"},
    }
    book: RuleBook = policy(rules=rules).rules
    held = book.holding(Given(facts(payload=payload, before=payload.get("before"))))
    assert [rule.slug for rule in held.rules if rule.restricts] == ["deny"]
    assert {"allow", "deny"} == {*held.failures}


@pytest.mark.parametrize(
    ("text", "payload", "expected"),
    [
        (YES_OR_NO, {"x": True}, True),
        (YES_OR_NO, {"x": False}, False),
        ("payload.x == 1", {"x": 1.0}, True),
        ("payload.x == null", {"x": 1}, False),
        ("payload.x != null", {"x": None}, False),
        ("payload.x in ['a', 1]", {"x": "b"}, False),
        ("payload.x in ['a', 1]", {"x": 1}, True),
        ("'a' in payload.x", {"x": [1, "a"]}, True),
        ("'a' in payload.x", {"x": {"b": 1}}, False),
        ("payload.x == [true, 'a']", {"x": ["true", "b"]}, False),
        ("payload.x == [1, 2]", {"x": ["1"]}, False),
        ("payload.x == before.x", {"x": [{"a": 1}], "before": {"x": [{"a": 1}]}}, True),
        ("false && payload.x == true", {"x": "true"}, False),
        ("payload.x == true || true", {"x": "true"}, True),
        ("has(payload.y) && payload.y == true", {}, False),
        ("payload.l.exists(i, i == 'vip')", {"l": [1, "vip"]}, True),
        ("string(payload.x) == 'true'", {"x": True}, True),
        ("type(payload.x) == bool && payload.x == true", {"x": "true"}, False),
    ],
)
def test_what_can_be_compared_is(text, payload, expected):
    assert ask(text, **payload) is expected


@pytest.mark.parametrize(
    "text",
    [
        "payload.l.exists(i, payload.other == 'x')",
        "payload.l.exists(i, i == before)",
        "payload.l.exists(i, 'x' in payload.other)",
        "payload.l.exists(i, payload.l.exists(j, i == j))",
        "payload.l.filter(i, i != 3).filter(i, i != 4)[0] == payload",
        "(" * 8 + "payload.a == 1" + " ? payload.b : payload.c) == 2" * 8,
    ],
)
def test_a_comparison_costs_milliseconds_whatever_it_compares(text):
    condition = compile_condition(text)
    payload = {"l": [float(number) for number in range(3000)], "other": [[number] for number in range(1500)], "a": 1}
    activation = BoundFacts(Given(facts(payload=payload | {"b": 3, "c": 4}, before=payload)), condition.facts)

    def compare() -> None:
        with suppress(ConditionFailed):
            condition.holds(activation)

    assert least_cpu(compare) < 0.1


def test_a_condition_says_what_it_compares_in_the_payload():
    text = "payload.a.b == 'x' && payload['c'] > 5 && payload.d in [1, 2] && has(payload.e) && 3 < payload.f[0]"
    found = {(".".join(place.path), place.kind) for place in compile_condition(text).compared}
    assert found == {("a.b", "text"), ("c", "number"), ("d", "number"), ("f.0", "number")}
