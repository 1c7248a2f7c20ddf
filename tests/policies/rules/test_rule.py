"""Rules: what they match, what they say, and what of them is refused."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.engine.evaluation import evaluate
from policies.facts.vocabulary import Given
from policies.rules.conditions import ConditionInvalid
from policies.rules.rule import RuleInvalid, matches
from tests.policies.made_policies import facts, policy


def held(row, **changes):
    """Say whether a rule of this row holds for these facts."""
    book = policy({"rule": {"decision": "deny", **row}}).rules
    return [rule.slug for rule in book.holding(Given(facts(**changes))).rules] == ["rule"]


@pytest.mark.parametrize(
    ("glob", "name", "expected"),
    [
        ("email.lifecycle", "email.lifecycle", True),
        ("email.lifecycle", "email.lifecycles", False),
        ("email.*", "email.lifecycle", True),
        ("email.*", "email.", True),
        ("email.*", "email", False),
        ("email.*", "xemail.a", False),
        ("*", "", True),
        ("*", "anything.at.all", True),
        ("*.refund.*", "job.refund.process", True),
        ("*.refund.*", "refund.process", False),
        ("a*b*b", "ab", False),
        ("a*b*b", "abb", True),
        ("aa*a", "aa", False),
        ("[ab]?", "a", False),
        ("[ab]?", "[ab]?", True),
        ("a.c", "abc", False),
    ],
)
def test_globs(glob, name, expected):
    assert matches(glob, name) is expected


@given(st.text("ab.", max_size=8), st.lists(st.sampled_from(["a", "b", ".", "*"]), max_size=6).map("".join))
def test_globs_mean_what_a_pattern_would(name, glob):
    pattern = ".*".join(re.escape(part) for part in glob.split("*"))
    assert matches(glob, name) == bool(re.fullmatch(pattern, name))


@pytest.mark.parametrize(
    ("row", "changes", "expected"),
    [
        ({}, {}, True),
        ({"surfaces": ["ads.*"]}, {}, True),
        ({"surfaces": ["email.*", "ads.budget"]}, {}, True),
        ({"surfaces": ["email.*"]}, {}, False),
        ({"surfaces": ["*"]}, {}, True),
        ({"actions": ["shift_*"]}, {}, True),
        ({"actions": ["pause"]}, {}, False),
        ({"topics": ["job.refund.process"]}, {"action": "job.refund.process"}, True),
        ({"topics": ["ads.*"]}, {}, True),
        ({"topics": ["job.*"]}, {}, False),
        ({"agents": ["pacer"]}, {}, True),
        ({"agents": ["other"]}, {}, False),
        ({"any_tags": ["a", "b"]}, {"tags": ("b", "x")}, True),
        ({"any_tags": ["a", "b"]}, {"tags": ("x",)}, False),
        ({"any_tags": ["a"]}, {}, False),
        ({"all_tags": ["a", "b"]}, {"tags": ("b", "x", "a")}, True),
        ({"all_tags": ["a", "b"]}, {"tags": ("b",)}, False),
        ({"all_tags": ["a"], "any_tags": ["b"]}, {"tags": ("b", "a")}, True),
        ({"condition": "amount > 10"}, {}, True),
        ({"condition": "amount > 100"}, {}, False),
        ({"condition": "amount > 10 && amount < 40"}, {}, False),
        ({"condition": "amount == 50"}, {}, True),
        ({"condition": "amount == 50 && amount < 50"}, {}, False),
        ({"condition": "payload.a == 1"}, {"payload": {"a": 1}}, True),
        ({"surfaces": ["email.*"], "condition": "payload.a == 1"}, {"payload": {"a": 1}}, False),
        ({"condition": "payload.missing == 1"}, {"payload": {}}, True),
    ],
)
def test_what_a_rule_matches(row, changes, expected):
    assert held(row, **changes) is expected


def test_rules_that_could_not_be_asked_are_named_with_why():
    book = policy(
        {
            "a": {"decision": "deny", "condition": "amount > 1 && audience_size > 1"},
            "b": {"decision": "deny", "condition": "amount > 1 && confidence > 5"},
            "c": {"decision": "allow", "condition": "payload.x > 1"},
            "d": {"decision": "allow", "condition": "payload.x > 1", "surfaces": ["email.*"]},
        }
    ).rules
    holding = book.holding(Given(facts(amount=None, payload={})))
    assert dict(holding.failures) == {
        "a": "amount is missing; audience_size is missing",
        "c": 'Key not found in map : "x"',
    }
    assert [rule.slug for rule in holding.rules] == ["a", "c"]


def test_rules_of_many_kinds_are_told_apart():
    rows = {
        f"r{number:03}": {"decision": "deny", "condition": f"amount > {number}", "any_tags": [f"t{number % 3}"]}
        for number in range(300)
    }
    book = policy(rows).rules
    found = [rule.slug for rule in book.holding(Given(facts(amount=120, tags=("t1",)))).rules]
    assert found == [f"r{number:03}" for number in range(120) if number % 3 == 1]


@pytest.mark.parametrize(
    ("reason", "changes", "text"),
    [
        ("Refunds over $100 require human approval", {}, "Refunds over $100 require human approval"),
        ("{amount} {currency}", {"amount": 12345.5, "currency": "USD"}, "12,345.50 USD"),
        ("{amount}", {"amount": 4000}, "4,000"),
        ("{amount}", {"amount": None}, "no amount"),
        ("{tags} on {targets}", {"tags": ("a", "b")}, "a, b on none"),
        ("{{amount}} {action}", {}, "{amount} shift_budget"),
        ("{action}", {"action": "{agent}"}, "{agent}"),
        ("{action}", {"action": "x" * 500}, "x" * 199 + "…"),
        ("{confidence} of {agent} on {surface}, {audience_size}", {}, "100 % of pacer on ads.budget, no audience size"),
        ("", {}, "Blocked by rule “a”."),
    ],
)
def test_what_a_rule_says(reason, changes, text):
    verdict = evaluate(policy({"a": {"decision": "deny", "reason": reason}}), facts(**changes))
    assert [said.text for said in verdict.reasons if said.source == "rule"] == [text]


@pytest.mark.parametrize(
    ("row", "name", "says"),
    [
        ({"decision": "perhaps"}, "decision", "none of allow, require_approval, deny"),
        ({"tier": "lax"}, "tier", "no tier lax"),
        ({"tier": "monitored"}, "tier", "monitored does not go with require_approval"),
        ({"decision": "allow", "tier": "single"}, "tier", "single does not go with allow"),
        ({"decision": "deny", "tier": "single"}, "tier", "does not go with deny"),
        ({"reason": "{payload}"}, "reason", "{payload} cannot be filled in"),
        ({"reason": "{amount.__class__}"}, "reason", "cannot be filled in"),
        ({"reason": "{amount!r}"}, "reason", "cannot be filled in"),
        ({"reason": "{amount:>900000000}"}, "reason", "cannot be filled in"),
        ({"reason": "{0}"}, "reason", "cannot be filled in"),
        ({"reason": "{}"}, "reason", "cannot be filled in"),
        ({"reason": "a } b"}, "reason", "Braces come in pairs"),
        ({"condition": "amunt > 3"}, "condition", "There is no fact amunt. Did you mean amount?"),
    ],
)
def test_what_is_refused_names_the_rule_and_the_field(row, name, says):
    with pytest.raises(RuleInvalid) as caught:
        policy({"my-rule": {"decision": "require_approval", **row}})
    assert (caught.value.slug, caught.value.field) == ("my-rule", name)
    assert says in caught.value.message
    assert "my-rule" in str(caught.value)


def test_a_refused_condition_keeps_its_place():
    with pytest.raises(RuleInvalid) as caught:
        policy({"a": {"decision": "deny", "condition": "amount > 1 &&\n amunt > 3"}})
    assert isinstance(caught.value.cause, ConditionInvalid)
    assert (caught.value.cause.line, caught.value.cause.column) == (2, 2)
