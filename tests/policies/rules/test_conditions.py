"""Conditions: what CEL does at its edges, what is refused at saving, and that none runs long."""

import math
import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.facts import vocabulary
from policies.facts.vocabulary import FACTS, Given
from policies.rules import conditions
from policies.rules.conditions import BoundFacts, ConditionFailed, ConditionInvalid, compile_condition
from tests.costs import Stopwatch, least_cpu
from tests.policies.made_policies import facts, policy

FRIDAY = datetime(2026, 11, 20, 8, 30, tzinfo=timezone(timedelta(hours=5)))


def ask(text, *, params=None, bounds=None, **changes):
    condition = compile_condition(text)
    about = Given(facts(**changes), params or {}, bounds or {})
    return condition.holds(BoundFacts(about, condition.facts))


def refused(text):
    with pytest.raises(ConditionInvalid) as caught:
        compile_condition(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("amount > 100", {"amount": 150}),
        ("estimated_cost > 100", {"amount": 150}),
        ("amount > 100.5 && confidence < 0.5", {"amount": 101, "confidence": 0.4}),
        ("amount > 0.1 * params.weekly_budget", {"amount": 150, "params": {"weekly_budget": 1000}}),
        ("amount + 1 > 3 * 2", {"amount": 5.5}),
        ("amount / 2 == 75", {"amount": 150}),
        ("amount in [150, 2]", {"amount": 150}),
        ("-5 < amount && amount > -7 && amount != 0", {"amount": 1}),
        ("audience_size > 10000", {"audience_size": 20000}),
        ("size(tags) > 1 && size(tags) * 2 > 1 + 2", {"tags": ("a", "b")}),
        ("tags.exists(t, t.startsWith('do_not'))", {"tags": ("do_not_email",)}),
        ("'financial' in tags", {"tags": ("financial",)}),
        ("payload.items[0] == 3 && payload.items.all(x, x > 2)", {"payload": {"items": [3]}}),
        ("payload.items.map(x, x * 2) == [6]", {"payload": {"items": [3]}}),
        ("payload.items.filter(x, x > 3).size() == 0", {"payload": {"items": [3]}}),
        ("payload.price * 1.1 > 3", {"payload": {"price": 3}}),
        ("payload.lead['id'] == 'é'", {"payload": {"lead": {"id": "é"}}}),
        ("has(payload.a) && payload.a == true", {"payload": {"a": True}}),
        ("before == null", {"before": None}),
        ("model.name == 'pacer'", {"model": {"name": "pacer"}}),
        ("params.vip.exists(v, v == agent)", {"params": {"vip": ["pacer"]}}),
        ("limits['daily-spend'].total > 2", {"limits": {"daily-spend": 3}}),
        ("limits.spend.share > 0.7", {"limits": {"spend": 3}, "bounds": {"spend": 4}}),
        ("weekday == 'fri' && hour == 8 && now.getHours() == 3", {"now": FRIDAY}),
        ("expires_at - now < duration('1h')", {"now": FRIDAY, "expires_at": FRIDAY + timedelta(minutes=5)}),
        ("!has_expiry && !has_audience_size && has_amount", {}),
        ("surface.matches('^ads[.]') && surface.matches('budget')", {}),
        ("int(amount) % 2 == 0", {"amount": 4}),
        ("[1, 2, 3].exists(x, x == amount)", {"amount": 2}),
        ("amount > 100 // a remark\n || true", {"amount": 1}),
        ("payload.x || true", {"payload": {}}),
        ("!(payload.x && false)", {"payload": {}}),
        ("amount / 0.5 > 5", {"amount": 3}),
        ("double(payload.text) / payload.of > 5", {"payload": {"text": "12", "of": 2}}),
        ("payload.a * 1.1 * 10 > 5", {"payload": {"a": 1e300}}),
        ("payload.a * 10 > 5", {"payload": {"a": 1e308}}),
        ("payload.a + payload.b + payload.c == 'abc'", {"payload": {"a": "a", "b": "b", "c": "c"}}),
        ("payload.a + payload.b + payload.c == [1, 2, 3]", {"payload": {"a": [1], "b": [2], "c": [3]}}),
        ("uint(amount) * uint(2) + uint(1) == uint(9)", {"amount": 4}),
        ("expires_at - now - duration('1m') < duration('1h')", {"now": FRIDAY, "expires_at": FRIDAY}),
        ("", {}),
        ("  \n", {}),
    ],
)
def test_what_holds(text, changes):
    assert ask(text, **changes) is True


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("amount > 100", {"amount": 100}),
        ("confidence > 0", {"confidence": None}),
        ("confidence >= 0.1", {"confidence": math.nan}),
        ("payload.a == 'x'", {"payload": {"a": "y"}}),
        ("has(payload.missing)", {"payload": {}}),
        ("amount > 100 && false", {"amount": None}),
        ("payload.s.matches('(a+a+)+b')", {"payload": {"s": "a" * 5000}}),
    ],
)
def test_what_does_not_hold(text, changes):
    assert ask(text, **changes) is False


@pytest.mark.parametrize(
    ("text", "changes", "why"),
    [
        ("amount > 100", {"amount": None}, "amount is missing"),
        ("amount > 100", {"amount": math.nan}, "amount is not a number"),
        ("audience_size > 1 || amount > 100", {}, "audience_size is missing"),
        ("payload.missing > 3", {"payload": {}}, 'Key not found in map : "missing"'),
        ("payload.a.b > 3", {"payload": {"a": None}}, "SELECT"),
        ("payload.a > 3", {"payload": {"a": None}}, "No matching overloads"),
        ("payload.a > 3", {"payload": {"a": "4"}}, "No matching overloads"),
        ("payload.a == 'x'", {"payload": {"a": 3}}, "payload.a is compared with text"),
        ("payload.a > 3", {"payload": [1]}, ""),
        ("payload.items[5] == 1", {"payload": {"items": []}}, "Index error"),
        ("limits.nothing.total > 3", {}, "nothing"),
        ("limits.spend.share > 3", {"limits": {"spend": 1}}, "share"),
        ("params.nothing > 3", {}, "nothing"),
        ("expires_at > now", {"now": FRIDAY}, "expires_at is missing"),
        ("hour > 3", {}, "hour is missing"),
        ("1 / (size(tags) - 0) == 1", {}, "divide by zero"),
        ("amount / 0 > 5", {"amount": 1}, "divided by zero"),
        ("payload.lost / payload.of > 0.1", {"payload": {"lost": 0, "of": 0}}, "divided by zero"),
        ("payload.lost / payload.of > 0.1", {"payload": {"lost": 5, "of": 0}}, "divided by zero"),
        ("!(payload.lost / payload.of <= 0.1)", {"payload": {"lost": 0, "of": 0}}, "divided by zero"),
        ("1.0 / (amount / payload.of) > -1.0", {"amount": 1, "payload": {"of": 0}}, "divided by zero"),
        ("payload.items.map(i, i.a / i.b).exists(x, x > 5)", {"payload": {"items": [{"a": 0, "b": 0}]}}, "zero"),
        ("payload.items.exists(i, i.a / i.b > 5)", {"payload": {"items": [{"a": 0, "b": 0}]}}, "zero"),
        ("amount / payload.of in [1.0]", {"amount": 1, "payload": {"of": 0}}, "divided by zero"),
        ("payload.a == 0.0 / 0.0", {"payload": {"a": 1}}, "divided by zero"),
        ("double(payload.text) > 5.0", {"payload": {"text": "nan"}}, "divided by zero"),
        ("double(payload.text) < 5.0", {"payload": {"text": "-inf"}}, "divided by zero"),
        ("payload.a * 10 - payload.a * 10 < 5", {"payload": {"a": 1e308}}, "too large"),
        ("9223372036854775807 + size(tags) > 0", {"tags": ("a",)}, "overflow"),
        ("int('x') == 1", {}, "cannot convert"),
        ("payload.s.contains('a')", {"payload": {"s": "\ud800a"}}, ""),
        ("payload.x == 1", {"payload": {"x": object()}}, "no JSON"),
        ("payload.x > 1", {"payload": {"x": 10**400}}, "payload"),
    ],
)
def test_no_answer_is_an_error_that_says_why(text, changes, why):
    with pytest.raises(ConditionFailed) as caught:
        ask(text, **changes)
    assert why in str(caught.value)


def deep(levels):
    value = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        pytest.param({"items": list(range(150_000))}, "payload holds more than 10,000 values", id="many-values"),
        pytest.param({"items": [[] for _ in range(100_000)]}, "more than 10,000 values", id="many-lists"),
        pytest.param(deep(5000), "nested more than 100 deep", id="deep"),
    ],
)
def test_a_payload_too_large_to_read_gives_no_answer(payload, why):
    with pytest.raises(ConditionFailed, match=why):
        ask("size(payload) > 0", payload=payload)
    assert ask("amount > 10 || size(payload) > 0", payload=payload) is True


@pytest.mark.parametrize(
    ("text", "line", "column", "message", "suggestion"),
    [
        ("amunt > 3", 1, 1, "There is no fact amunt.", "Did you mean amount?"),
        ("has_amount &&\n  amunt > 3", 2, 3, "There is no fact amunt.", "Did you mean amount?"),
        ("amount > 1 && tags.exist(t, t == 'a')", 1, 25, "There is no function exist.", "Did you mean exists?"),
        ("'é' == surface && amunt > 1", 1, 19, "There is no fact amunt.", "Did you mean amount?"),
        ("qqqqq == 1", 1, 1, "There is no fact qqqqq.", ""),
        ("amount > 'x'", 1, 8, "> does not go with (double, string).", ""),
        ("amount > 5 && amount > 'x'", 1, 22, "> does not go with (double, string).", ""),
        ("size(tags) > amount", 1, 12, "> does not go with (int, double).", "Write double(…)"),
        ("amount % 2 == 0", 1, 8, "% does not go with (double, int).", ""),
        ("amount", 1, 1, "A condition answers yes or no; this one gives DOUBLE.", "Compare"),
        ("payload.flag", 1, 1, "this one gives DYN.", "== true"),
        ("amount >", 1, 9, "The condition is incomplete.", ""),
        ("(amount > 3", 1, 12, "The condition is incomplete: ')' is missing.", ""),
        ("amount > 3)", 1, 11, "')' does not belong here.", ""),
        ("surface = 'x'", 1, 9, "“=” cannot be read.", "Write == to compare."),
        ("amount > 5 and true", 1, 12, "'and' does not belong here.", "Write &&."),
        ("surface.matches('a(b')", 1, 17, "The pattern cannot be used: invalid regular expression", ""),
        ("surface.matches('(?=a)')", 1, 17, "The pattern cannot be used", ""),
        ("surface.matches(agent)", 1, 17, "must be written out", ""),
        ("google.protobuf.Struct{} == before", 1, 1, "There is no google.protobuf.Struct.", ""),
        ("tags.all(x, tags.all(y, tags.all(z, true)))", 1, 33, "two deep", ""),
        ("tags.map(t, t + 'x').size() > 0", 1, 15, "+ needs a number", ""),
        ("tags.map(t, [t, t]).size() > 0", 1, 13, "no list or map can be built", ""),
        ("amount > 99999999999999999999", 1, 10, "invalid int literal", ""),
        ("payload.?a == 1", 1, 1, "unsupported syntax", ""),
        ("\ud800 == 1", 1, 1, "no text", ""),
    ],
)
def test_what_cannot_be_used_is_refused_at_its_place(text, line, column, message, suggestion):
    error = refused(text)
    assert (error.line, error.column) == (line, column), error
    assert message in error.message
    assert error.suggestion.startswith(suggestion) or suggestion in error.suggestion


@pytest.mark.parametrize(
    "text",
    [
        "a" * 10_000,
        "(" * 5_000 + "true" + ")" * 5_000,
        "[" + "1," * 4_999 + "1].all(x, x > 0)",
        "(" * 900 + "true" + ")" * 900,
        "[" * 900 + "]" * 900 + " == []",
        "payload" + ".a" * 900 + " == 1",
        "payload" + "[0]" * 600 + " == 1",
        "1" + " + 1" * 400 + " > 1",
        "[1].all(x, " * 150 + "true" + ")" * 150,
        "tags.exists_one(x, " * 80 + "true" + ")" * 80,
    ],
)
def test_what_is_too_long_or_too_deep_is_refused_in_no_time(text):
    error = refused(text)
    assert least_cpu(lambda: refused(text)) < 0.2
    assert "characters" in error.message or "deep" in error.message or "recursion" in error.message


LETTERS = "".join(random.Random(1).choices("ab", k=1 << 20))
PAYLOADS = {
    "many-items": {"items": list(range(9_000)), "s": "a"},
    "some-items": {"items": list(range(600)), "s": "a"},
    "few-items": {"items": list(range(100)), "s": LETTERS[:1_000]},
    "one-mebibyte": {"items": ["ab"] * 50, "s": LETTERS},
    "long-text": {"items": ["ab"] * 500, "s": LETTERS[:100_000]},
    "objects": {"items": [{"a": number, "s": "x" * 50} for number in range(1_500)], "s": "a"},
}
HARD = [
    "payload.items.all(x, x != -1)",
    "payload.items.all(x, x != -1 && x != -2 && x != -3 && x != -4 && x != -5 && x != -6)",
    "payload.items.all(x, payload.items.all(y, y != -1))",
    "payload.items.map(x, x).size() > 0",
    "payload.items.filter(x, true).size() > 0",
    "payload.items.map(x, payload.items.map(y, y)).size() > 0",
    "payload.items.all(x, x in payload.items)",
    "payload.items.all(x, payload == before)",
    "payload.items.all(x, !payload.s.contains('zz'))",
    "payload.items.map(x, payload).map(y, payload) == payload.items.map(x, before).map(y, payload)",
    "payload.items.map(x, payload.items) == payload.items.map(x, before.items)",
    "payload.items + payload.items == before.items + payload.items",
    "payload.items.all(x, !payload.s.matches('free|zz'))",
    "payload.s.matches('(a|b)*a(a|b){14}c')",
    "payload.s.matches('(a{1,100}){1,10}c')",
    "payload.s.matches('(a+a+)+c')",
    "payload.s.matches('a[ab][ab][ab][ab][ab][ab][ab][ab][ab][ab][ab][ab][ab][ab][ab]c')",
    "payload.s + payload.s == before.s + before.s",
    "&&".join(["payload.s.contains('zz') == false"] * 40),
]


@pytest.mark.parametrize("text", HARD)
@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
def test_no_condition_runs_long_whatever_the_payload(text, payload):
    condition = compile_condition(text)
    took = []
    for _ in range(3):
        activation = BoundFacts(Given(facts(payload=payload, before=payload)), condition.facts)
        watch = Stopwatch()
        with suppress(ConditionFailed):
            condition.holds(activation)
        took.append(watch.seconds)
    assert min(took) < 0.05, f"{min(took) * 1000:.1f} ms"


def test_reading_the_largest_payload_that_is_read_takes_no_longer():
    payload = {"items": [{"a": number, "b": "x" * 200} for number in range(1_600)]}
    names = frozenset({"payload", "before"})
    took = []
    for _ in range(3):
        watch = Stopwatch()
        activation = BoundFacts(Given(facts(payload=payload, before=payload)), names)
        took.append(watch.seconds)
        assert activation.blame(names, "nothing") == "nothing"
    assert min(took) < 0.05


def test_what_all_conditions_of_one_decision_may_cost_is_bounded_too():
    condition = compile_condition("payload.items.map(x, x).size() > 0")
    activation = BoundFacts(Given(facts(payload={"items": list(range(400))})), condition.facts)
    answers = []
    for _ in range(40):
        try:
            answers.append(condition.holds(activation))
        except ConditionFailed as error:
            answers.append(str(error))
    assert answers[0] is True
    assert answers[-1] == "the conditions before it used up what one decision may cost"


def test_every_fact_has_a_sentence_and_an_example_that_can_be_used():
    for name, fact in FACTS.items():
        assert name in compile_condition(fact.example).facts or name in vocabulary.ALIASES
        assert fact.help.endswith(".")
        assert fact.kind


NUMBERS = st.one_of(
    st.integers(-(10**15) + 1, 10**15 - 1).map(str),
    st.decimals(-10_000, 10_000, places=3, allow_nan=False).map(lambda number: f"{number:f}"),
    st.sampled_from(["0", "-0", "0.5", "100", "0.1", "0.30000000000000004"[:17]]),
)
COMPARISONS = st.tuples(
    st.sampled_from(["amount", "estimated_cost", "confidence", "audience_size", "hour"]),
    st.sampled_from(["<", "<=", ">", ">=", "=="]),
    NUMBERS,
)
VALUES = st.one_of(st.none(), st.integers(-200, 200), st.floats(allow_nan=False, allow_infinity=False, width=32))


@settings(max_examples=200)
@given(
    parts=st.lists(COMPARISONS, min_size=1, max_size=4),
    amount=st.one_of(VALUES, NUMBERS.map(float)),
    confidence=st.one_of(st.none(), st.sampled_from([0.0, 0.1, 0.5, 1.0, math.nan])),
    audience=st.one_of(st.none(), st.integers(0, 10**9)),
    now=st.one_of(st.none(), st.just(FRIDAY), st.datetimes(timezones=st.just(UTC))),
)
def test_comparisons_without_the_engine_answer_as_the_engine_does(parts, amount, confidence, audience, now):
    text = " && ".join(f"{fact} {operator} {number}" for fact, operator, number in parts)
    about = Given(facts(amount=amount, confidence=confidence, audience_size=audience, now=now))
    condition = compile_condition(text)
    assert condition.comparisons is not None
    # The same condition, which only the engine can answer.
    engine = compile_condition(f"({text})")
    assert engine.comparisons is None
    try:
        expected = condition.holds(BoundFacts(about, condition.facts))
        assert expected == engine.holds(BoundFacts(about, engine.facts))
    except ConditionFailed:
        expected = None
        with pytest.raises(ConditionFailed):
            engine.holds(BoundFacts(about, engine.facts))
    book = policy({"a": {"decision": "deny", "condition": text}}).rules
    held = book.holding(about)
    assert {True: (1, 0), False: (0, 0), None: (1, 1)}[expected] == (len(held.rules), len(held.failures))


def test_the_engine_stops_after_ten_thousand_rounds():
    program = conditions._ENGINE.compile("payload.all(x, true)")
    assert program.eval(data={"payload": [0] * 9_999}).value() is True
    with pytest.raises(RuntimeError, match="Iteration budget"):
        program.eval(data={"payload": [0] * 10_000})
