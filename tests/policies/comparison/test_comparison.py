"""What a change of the policy does to oversight, in words; and nothing that loosens is ever called tighter."""

from copy import deepcopy
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from policies.comparison import Change, Direction, compare, is_loosening
from policies.engine.evaluation import Verdict, evaluate
from policies.engine.policy import compile_policy
from policies.engine.requirements import Approvers, is_at_least, required, tightened
from policies.facts.facts import Effect, Facts, Finding
from tests.policies.sample_document import LIMIT, RULE, SURFACE, TIERS, sample, with_row

TIGHTER, LOOSER, NEUTRAL = Direction.TIGHTER, Direction.LOOSER, Direction.NEUTRAL


def changed(table: str, slug: str, **fields: Any) -> tuple[Any, Any]:
    old = sample()
    new = deepcopy(old)
    new[table][slug] |= fields
    return old, new


def only(old: Any, new: Any) -> Any:
    (change,) = compare(old, new)
    return change


def test_nothing_changed_is_nothing():
    assert compare(sample(), sample()) == ()


def test_a_first_version_loosens_nothing():
    changes = compare(None, sample())
    assert {change.thing for change in changes} == {
        "tier", "surface", "rule", "limit", "guardrail", "requirement", "calendar", "escalation", "test",
    }  # fmt: skip
    assert not is_loosening(changes)


def test_it_is_said_in_words():
    change = only(*changed("surfaces", "ads.budget", tier="monitored"))
    assert change.sentence == "`ads.budget`: tier single → monitored: less oversight"
    change = only(*changed("surfaces", "ads.budget", undo_window=3600.0))
    assert change.sentence == "`ads.budget`: undo window 10 seconds → 1 hour: more oversight"
    change = only(*changed("rules", "large", reason="Because."))
    assert change.sentence.endswith("no more and no less oversight")
    old = sample()
    del (new := deepcopy(old))["rules"]["large"]
    assert only(old, new).sentence == "`large`: rule removed: less oversight"


@pytest.mark.parametrize(
    ("field", "value", "direction"),
    [
        ("is_enabled", False, TIGHTER),
        ("owner", "Finance", LOOSER),
        ("connector", "other", LOOSER),
        ("tier", "signature", TIGHTER),
        ("tier", "batch", LOOSER),
        ("floor", "single", TIGHTER),
        ("floor", "autopilot", LOOSER),
        ("senior_tier", "human_only", TIGHTER),
        ("senior_tier", "single", LOOSER),
        ("confidence_high", 0.95, TIGHTER),
        ("confidence_high", 0.8, LOOSER),
        ("confidence_low", 0.6, TIGHTER),
        ("confidence_low", 0.4, LOOSER),
        ("deadline", 3600.0, TIGHTER),
        ("deadline", 864000.0, LOOSER),
        ("undo_window", 60.0, TIGHTER),
        ("undo_window", 1.0, LOOSER),
        ("retention", 1.0, LOOSER),
        ("retention", 1e9, TIGHTER),
        ("cool_down", 60.0, TIGHTER),
        ("editor_may_approve", True, LOOSER),
        ("distinct_people", True, TIGHTER),
        ("calendar", "office", LOOSER),
        ("agent_owner_may_decide", True, LOOSER),
        ("payload_schema", {"type": "object"}, LOOSER),
        ("derived_tags", [{"tag": "x", "if": {}}], LOOSER),
        ("amount_pointer", "/amount", LOOSER),
        ("audience_pointer", "/size", LOOSER),
        ("params", {"weekly": 1}, NEUTRAL),
        ("time_zone", "Europe/Berlin", NEUTRAL),
    ],
)
def test_a_surface(field, value, direction):
    assert only(*changed("surfaces", "ads.budget", **{field: value})).direction is direction


@pytest.mark.parametrize(("field", "value"), [("params", {"weekly": 1}), ("time_zone", "Europe/Berlin")])
def test_what_conditions_read_is_not_harmless(field, value):
    old, new = changed("surfaces", "ads.budget", **{field: value})
    for document in (old, new):
        document["rules"]["large"]["condition"] = "amount > params.weekly && hour > 8"
    assert only(old, new).direction is LOOSER


def test_a_surface_that_comes_or_goes():
    old = sample()
    assert only(old, with_row(old, "surfaces", "new", SURFACE)).direction is LOOSER
    assert only(old, with_row(old, "surfaces", "new", SURFACE | {"is_enabled": False})).direction is NEUTRAL
    assert only(with_row(old, "surfaces", "new", SURFACE), old).direction is TIGHTER


def test_a_tier_in_which_people_decide_may_be_milder_to_doubt():
    """From automatic to batch: what is doubtful was reviewed one by one, and would be in batches."""
    old, new = changed("surfaces", "email", tier="batch")
    assert only(old, new).direction is LOOSER
    assert only(*changed("surfaces", "email", tier="single")).direction is TIGHTER


@pytest.mark.parametrize(
    ("field", "value", "direction"),
    [
        ("rank", 5, LOOSER),
        ("posture", "on", TIGHTER),
        ("sample_rate", 0.5, TIGHTER),
        ("sample_rate", 0.0, LOOSER),
        ("hold", 60.0, TIGHTER),
    ],
)
def test_a_tier(field, value, direction):
    assert only(*changed("tiers", "autopilot", **{field: value})).direction is direction


def test_a_tier_that_comes_or_goes():
    old = sample()
    odd = {"rank": 5, "posture": "on", "review": "none", "sample_rate": 0, "hold": 0.0}
    assert only(old, with_row(old, "tiers", "odd", odd)).direction is NEUTRAL
    assert only(with_row(old, "tiers", "odd", odd), old).direction is LOOSER
    softer = {"rank": 25, "posture": "in", "review": "single", "sample_rate": 0, "hold": 0.0}
    assert is_loosening(compare(old, with_row(old, "tiers", "softer", softer)))


@pytest.mark.parametrize(
    ("fields", "direction"),
    [
        ({"condition": "amount > 50"}, LOOSER),
        ({"condition": ""}, TIGHTER),
        ({"surfaces": []}, TIGHTER),
        ({"surfaces": ["ads.budget", "x"]}, LOOSER),
        ({"surfaces": ["a*"]}, TIGHTER),
        ({"surfaces": ["ads.budget"]}, LOOSER),
        ({"actions": ["refund"]}, LOOSER),
        ({"any_tags": ["financial"]}, LOOSER),
        ({"all_tags": ["financial"]}, LOOSER),
        ({"tier": "human_only"}, TIGHTER),
        ({"tier": "single"}, LOOSER),
        ({"tier": None}, LOOSER),
        ({"decision": "deny", "tier": None}, TIGHTER),
        ({"decision": "allow", "tier": None}, LOOSER),
        ({"requirements": [{"stage": 1, "name": "m", "role": "Finance"}]}, LOOSER),
    ],
)
def test_a_rule_that_restricts(fields, direction):
    changes = compare(*changed("rules", "large", **fields))
    assert {change.direction for change in changes} == {direction}


@pytest.mark.parametrize(
    ("fields", "direction"),
    [
        ({"condition": "amount < 5"}, LOOSER),
        ({"condition": ""}, LOOSER),
        ({"surfaces": ["ads.budget"]}, TIGHTER),
        ({"surfaces": []}, LOOSER),
        ({"any_tags": ["small"]}, TIGHTER),
        ({"tier": "monitored"}, TIGHTER),
        ({"decision": "deny", "tier": None}, TIGHTER),
    ],
)
def test_a_rule_that_allows(fields, direction):
    changes = compare(*changed("rules", "small", **fields))
    assert {change.direction for change in changes} == {direction}


def test_rules_that_come_or_go():
    old = sample()
    for row, direction in (
        (RULE, TIGHTER),
        (RULE | {"decision": "deny", "tier": None}, TIGHTER),
        (RULE | {"decision": "allow", "tier": None}, LOOSER),
        (RULE | {"tier": "batch"}, LOOSER),
        (RULE | {"requirements": [{"stage": 1, "name": "m", "role": "Finance"}]}, LOOSER),
    ):
        assert only(old, with_row(old, "rules", "new", row)).direction is direction
    for slug, direction in (("large", LOOSER), ("never", LOOSER), ("small", TIGHTER)):
        new = deepcopy(old)
        del new["rules"][slug]
        assert only(old, new).direction is direction


def test_a_rule_that_allows_can_hold_back_another():
    old = with_row(sample(), "rules", "held", RULE | {"decision": "allow", "tier": "monitored"})
    new = deepcopy(old)
    del new["rules"]["held"]
    change = only(old, new)
    assert change.direction is LOOSER
    assert "allows more" in change.sentence


@pytest.mark.parametrize(
    ("fields", "direction"),
    [
        ({"limit": 900.0}, TIGHTER),
        ({"limit": 1100.0}, LOOSER),
        ({"warning": 100.0}, TIGHTER),
        ({"warning": None}, LOOSER),
        ({"effect": "deny", "tier": None}, TIGHTER),
        ({"effect": "flag", "tier": None}, LOOSER),
        ({"tier": "signature"}, TIGHTER),
        ({"surfaces": []}, TIGHTER),
        ({"surfaces": ["ads.budget"]}, LOOSER),
        ({"agents": ["pacer"]}, LOOSER),
        ({"per": "everywhere"}, LOOSER),
        ({"measure": "count"}, LOOSER),
        ({"window": {"kind": "rolling", "length_seconds": 900_000.0, "time_zone": "UTC"}}, TIGHTER),
        ({"window": {"kind": "rolling", "length_seconds": 60.0, "time_zone": "UTC"}}, LOOSER),
        ({"window": {"kind": "day", "length_seconds": 0.0, "time_zone": "UTC"}}, LOOSER),
    ],
)
def test_a_limit(fields, direction):
    changes = compare(*changed("limits", "spend", **fields))
    assert LOOSER in {c.direction for c in changes} if direction is LOOSER else not is_loosening(changes)
    assert any(change.direction is direction for change in changes)


def test_a_lower_limit_can_be_milder():
    """Between the two limits the warning denied; the limit would only flag."""
    old, new = changed("limits", "spend", limit=600.0)
    for document in (old, new):
        document["limits"]["spend"] |= {"warning_effect": "deny", "effect": "flag", "tier": None}
    assert only(old, new).direction is LOOSER


def test_a_limit_that_conditions_read_proves_nothing():
    old, new = changed("limits", "spend", limit=900.0)
    for document in (old, new):
        document["rules"]["small"]["condition"] = "limits['spend'].share > 0.5"
    assert only(old, new).direction is LOOSER


@pytest.mark.parametrize(
    ("fields", "direction"),
    [
        ({"effect": "deny", "tier": None}, TIGHTER),
        ({"effect": "flag", "tier": None}, LOOSER),
        ({"tier": "human_only"}, TIGHTER),
        ({"kind": "required_phrases"}, LOOSER),
        ({"paths": []}, LOOSER),
        ({"surfaces": []}, TIGHTER),
        ({"surfaces": ["email"]}, LOOSER),
        ({"surfaces": ["em?il"]}, LOOSER),
        ({"config": {"phrases": ["free", "now"]}}, TIGHTER),
        ({"config": {"phrases": ["now"]}}, LOOSER),
        ({"config": {"phrases": ["free", "now"], "whole_words": True}}, LOOSER),
        ({"text": "Another sentence."}, NEUTRAL),
    ],
)
def test_a_guardrail(fields, direction):
    changes = compare(*changed("guardrails", "hype", **fields))
    assert {change.direction for change in changes} == {direction}


def test_the_sentence_of_a_checklist_is_the_check():
    old, new = changed("guardrails", "hype", text="Anything goes.")
    for document in (old, new):
        document["guardrails"]["hype"] |= {"kind": "checklist", "config": {}}
    assert only(old, new).direction is LOOSER


ROW = {"surface": "email", "tier": None, "stage": 1, "name": "law", "role": "Legal", "approvals": 1, "denials": 1}


@pytest.mark.parametrize(
    ("before", "after", "direction"),
    [
        # Without rows the owner's approval is what is needed; a row takes its place.
        ([], [ROW], LOOSER),
        ([], [ROW, ROW | {"name": "owner", "role": "Channel owner"}], TIGHTER),
        ([ROW], [ROW | {"approvals": 2}], TIGHTER),
        ([ROW | {"approvals": 2}], [ROW], LOOSER),
        ([ROW], [ROW | {"denials": 2}], LOOSER),
        ([ROW], [ROW, ROW | {"role": "Finance"}], LOOSER),  # an alternative
        ([ROW], [ROW, ROW | {"name": "money", "role": "Finance"}], TIGHTER),
        ([ROW, ROW | {"name": "money", "role": "Finance"}], [ROW], LOOSER),
        ([ROW], [ROW, ROW | {"tier": "signature"}], NEUTRAL),
        ([ROW], [ROW, ROW | {"tier": "human_only", "name": "money", "role": "Finance"}], LOOSER),
    ],
)
def test_requirements(before, after, direction):
    old = sample() | {"requirements": before}
    changes = compare(old, sample() | {"requirements": after})
    assert changes
    assert {change.direction for change in changes} == {direction}


def test_where_a_stricter_tier_needs_fewer_people_nothing_is_proved():
    """Else one person could raise a tier, and need fewer approvals."""
    rows = [ROW | {"tier": "single"}, ROW | {"tier": "single", "name": "money", "role": "Finance"}]
    old, new = (document | {"requirements": rows} for document in changed("surfaces", "email", tier="signature"))
    assert only(old, new).direction is LOOSER


def asking_others(document: Any) -> Any:
    """A stricter tier asks Finance on `ads.budget`, and a milder one the owner."""
    return document | {"requirements": [ROW | {"surface": "ads.budget", "tier": "signature", "role": "Finance"}]}


ELSEWHERE, THERE = {"surfaces": ["email"]}, {"surfaces": ["ads.*"]}


@pytest.mark.parametrize(
    ("table", "row", "direction"),
    [
        ("rules", RULE | THERE | {"decision": "deny", "tier": None}, TIGHTER),
        ("rules", RULE | {"surfaces": [], "decision": "deny", "tier": None}, TIGHTER),
        ("rules", RULE | ELSEWHERE, TIGHTER),
        ("rules", RULE | THERE, LOOSER),
        ("rules", RULE | {"surfaces": []}, LOOSER),
        ("limits", LIMIT | THERE | {"effect": "deny", "tier": None}, TIGHTER),
        ("limits", LIMIT | THERE | {"effect": "tier", "tier": "signature"}, LOOSER),
        ("limits", LIMIT | THERE | {"effect": "deny", "warning": 1.0, "warning_effect": "tier"}, LOOSER),
        ("limits", LIMIT | ELSEWHERE | {"effect": "tier", "tier": "signature"}, TIGHTER),
    ],
)
def test_what_only_denies_tightens_though_a_stricter_tier_asks_other_people(table, row, direction):
    old = asking_others(sample())
    assert only(old, with_row(old, table, "new", row)).direction is direction


@pytest.mark.parametrize(
    ("slug", "fields", "direction"),
    [
        ("ads.budget", {"is_enabled": False}, TIGHTER),
        ("ads.budget", {"undo_window": 9000.0}, TIGHTER),
        ("ads.budget", {"floor": "signature"}, LOOSER),
        ("ads.budget", {"confidence_high": 0.99}, LOOSER),
        ("email", {"floor": "signature"}, TIGHTER),
    ],
)
def test_a_surface_whose_tiers_ask_other_people_is_switched_off_by_one(slug, fields, direction):
    old, new = (asking_others(document) for document in changed("surfaces", slug, **fields))
    assert only(old, new).direction is direction


def test_a_tier_in_which_nobody_approves_needs_no_approvals():
    rows = [ROW | {"tier": tier} for tier in ("batch", "single", "signature")]
    old = sample() | {"requirements": rows}
    assert only(old, with_row(old, "rules", "new", RULE)).direction is TIGHTER


def test_where_tiers_are_out_of_order_nothing_is_proved():
    old, new = changed("surfaces", "ads.budget", tier="signature")
    for document in (old, new):
        document["tiers"]["monitored"]["rank"] = 35
    assert only(old, new).direction is LOOSER


def test_a_test_that_goes_or_says_something_else():
    old = sample()
    assert only(*changed("tests", "large-is-signed", outcome="allow")).direction is LOOSER
    new = deepcopy(old)
    del new["tests"]["large-is-signed"]
    assert only(old, new).direction is LOOSER
    assert only(new, old).direction is TIGHTER


# Whatever is changed together: if nothing of it is called looser, no verdict is looser. ------------

SLUGS = ["ads.budget", "ads.other", "email"]
GLOBS = st.lists(st.sampled_from([*SLUGS, "ads.*", "*", "em*l", "*.budget"]), max_size=2, unique=True)
TAGS = st.lists(st.sampled_from(["financial", "small"]), max_size=2, unique=True)
ANY_TIER = st.sampled_from([*TIERS])
IN_LOOP = st.sampled_from(["batch", "single", "signature", "human_only"])
AUTOMATIC = st.sampled_from(["autopilot", "monitored"])
CONDITIONS = st.sampled_from(["", "amount > 100", "amount < 10", "'small' in tags", "confidence < 0.7"])
EFFECTS = st.sampled_from(["flag", "tier", "deny"])


@st.composite
def rules(draw):
    decision = draw(st.sampled_from(["allow", "require_approval", "deny"]))
    tier = {"allow": st.none() | AUTOMATIC, "require_approval": st.none() | IN_LOOP, "deny": st.none()}[decision]
    return RULE | {
        "surfaces": draw(GLOBS),
        "topics": draw(GLOBS),
        "any_tags": draw(TAGS),
        "all_tags": draw(TAGS),
        "condition": draw(CONDITIONS),
        "decision": decision,
        "tier": draw(tier),
    }


@st.composite
def surfaces(draw):
    low, high = sorted([draw(st.sampled_from([0.3, 0.5, 0.7])), draw(st.sampled_from([0.6, 0.8, 0.9]))])
    return SURFACE | {
        "tier": draw(ANY_TIER),
        "floor": draw(ANY_TIER),
        "senior_tier": draw(IN_LOOP),
        "confidence_low": low,
        "confidence_high": high,
        "is_enabled": draw(st.sampled_from([True, True, True, False])),
    }


@st.composite
def limits(draw):
    levels = sorted([draw(st.sampled_from([0.0, 50.0, 500.0])), draw(st.sampled_from([100.0, 500.0, 1000.0]))])
    effect, warned = draw(EFFECTS), draw(EFFECTS)
    return LIMIT | {
        "surfaces": draw(GLOBS),
        "limit": levels[1],
        "warning": draw(st.none() | st.just(levels[0])),
        "effect": effect,
        "tier": draw(ANY_TIER) if effect == "tier" else None,
        "warning_effect": warned,
        "warning_tier": draw(ANY_TIER) if warned == "tier" else None,
    }


@st.composite
def requirements(draw):
    rows = {}
    for _ in range(draw(st.integers(0, 3))):
        row = ROW | {
            "tier": draw(st.none() | IN_LOOP),
            "name": draw(st.sampled_from(["law", "money"])),
            "role": draw(st.sampled_from(["Legal", "Finance"])),
            "approvals": draw(st.integers(1, 2)),
            "denials": draw(st.integers(1, 2)),
        }
        rows[row["tier"], row["name"], row["role"]] = row
    return [*rows.values()]


@st.composite
def documents(draw):
    tiers = deepcopy(TIERS)
    if draw(st.booleans()):
        tiers["softer"] = {"rank": draw(st.sampled_from([5, 25, 45])), "sample_rate": 0, "hold": 0.0} | (
            draw(st.sampled_from([{"posture": "in", "review": "single"}, {"posture": "on", "review": "none"}]))
        )
    return {
        "tiers": tiers,
        "surfaces": {slug: draw(surfaces()) for slug in draw(st.lists(st.sampled_from(SLUGS), unique=True))},
        "rules": draw(st.dictionaries(st.sampled_from("abc"), rules(), max_size=3)),
        "limits": draw(st.dictionaries(st.sampled_from("xy"), limits(), max_size=2)),
        "guardrails": {},
        "requirements": draw(requirements()),
        "tests": {},
    }


@st.composite
def edits(draw):
    """A document, and what is left of a few edits of it without those that are called looser."""
    old, other = draw(documents()), draw(documents())
    compiled(other)
    new = old
    for _ in range(draw(st.integers(2, 8))):
        edited = edit(draw, new, other)
        if not is_loosening(compare(old, edited)):
            new = edited
    assume(new != old)
    return old, new


def edit(draw, document, other):
    edited = deepcopy(document)
    table = draw(st.sampled_from(["surfaces", "rules", "rules", "limits", "requirements", "tiers"]))
    if table in {"requirements", "tiers"}:
        edited[table] = other[table]
        return edited
    slug = draw(st.sampled_from(sorted({*document[table], *other[table]}) or [""]))
    row = other[table].get(slug)
    if row is None:
        edited[table].pop(slug, None)
    elif slug in edited[table] and draw(st.integers(0, 3)):
        name = draw(st.sampled_from(sorted(row)))
        pair = {"effect": "tier", "tier": "effect", "decision": "tier", "warning_effect": "warning_tier"}.get(name)
        edited[table][slug] |= {key: row[key] for key in (name, pair) if key in row}
        if table == "rules" and name == "tier" and row["decision"] != edited[table][slug]["decision"]:
            edited[table][slug]["decision"] = row["decision"]
    else:
        edited[table][slug] = row
    return edited


MANY_FACTS = [
    Facts(
        surface=surface,
        action="shift_budget",
        agent="pacer",
        agent_is_active=True,
        mandate=mandate,
        tags=tags,
        confidence=confidence,
        amount=amount,
        switches=switches,
        is_in_review=bool(switches),
        limits=limits,
        findings=findings,
    )
    for number, (surface, mandate, tags, confidence, amount, switches, limits, findings) in enumerate(
        product(
            SLUGS,
            ["autopilot", "batch", "signature"],
            [(), ("financial",), ("small",), ("small", "financial")],
            [None, 0.2, 0.55, 0.65, 0.85, 0.95],
            [None, 1.0, 150.0],
            [(), ("everywhere",)],
            [{}, {"x": 0.0, "y": 0.0}, {"x": 60.0, "y": 450.0}, {"x": 2000.0, "y": 99.0}],
            [(), (Finding("g", Effect.TIER, "batch", "Found."),)],
        )
    )
    if number % 53 == 0
]


def compiled(document: Any) -> Any:
    try:
        return compile_policy(number=1, digest="", document=document)
    except ValueError:
        assume(False)


def strictness(verdict: Verdict) -> tuple[int, int]:
    return (2, 0) if verdict.tier is None else (int(not verdict.tier.is_automatic), verdict.tier.rank)


@settings(
    max_examples=60,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(edits())
def test_what_is_not_called_looser_never_loosens_a_verdict(pair):
    old, new = pair
    changes = compare(old, new)
    before, after = compiled(old), compiled(new)
    for given_facts in MANY_FACTS:
        was, now = evaluate(before, given_facts), evaluate(after, given_facts)
        assert strictness(now) >= strictness(was), [change.sentence for change in changes]
        if now.tier is not None and was.tier is not None and given_facts.surface in before.surfaces:
            owner = before.surfaces[given_facts.surface].owner
            needed = [
                required(policy.requirements, surface=given_facts.surface, tier=verdict.tier.slug, owner=owner)
                for policy, verdict in ((before, was), (after, now))
                if verdict.tier is not None and not verdict.tier.is_automatic
            ]
            assert len(needed) < 2 or is_at_least(needed[1], needed[0])


APPROVERS = st.lists(
    st.builds(
        Approvers,
        stage=st.just(1),
        name=st.sampled_from(["law", "money"]),
        role=st.sampled_from(["Legal", "Finance"]),
        approvals=st.integers(1, 2),
        denials=st.integers(1, 2),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda row: (row.name, row.role),
)


@given(APPROVERS, APPROVERS)
def test_tightened_requirements_are_as_strict_as_both(old, new):
    both = tightened(old, new, mark="version 2")
    assert is_at_least(both, old)
    assert is_at_least(both, [*new]) or {row.name for row in both} & {f"{row.name} (version 2)" for row in new}


def test_taking_a_calendar_away_brings_the_deadline_forward():
    assert only(*changed("surfaces", "email", calendar=None)).direction is TIGHTER


def test_anybody_may_count_for_several_names_again():
    old = sample()
    old["surfaces"]["ads.budget"]["distinct_people"] = True
    assert only(old, sample()).direction is LOOSER


@pytest.mark.parametrize(("slug", "direction"), [("office", LOOSER), ("unused", NEUTRAL)])
def test_a_calendar_that_deadlines_run_by_takes_two_people(slug, direction):
    assert only(*changed("calendars", slug, holidays=["2026-12-24"])).direction is direction


@pytest.mark.parametrize(
    ("level", "fields", "direction"),
    [
        (0, {"widens": False}, TIGHTER),
        (0, {"after": 1800.0}, LOOSER),
        (0, {"after": 5400.0}, TIGHTER),
        (0, {"role": "Legal"}, LOOSER),
        (1, {"widens": True}, LOOSER),
        (1, {"role": "Finance"}, NEUTRAL),
        (1, {"after": 3700.0}, NEUTRAL),
    ],
)
def test_letting_others_decide_too_or_sooner_is_looser(level, fields, direction):
    old, new = sample(), sample()
    new["escalations"][level] |= fields
    assert only(old, new).direction is direction


def test_a_level_that_comes_or_goes():
    old, new = sample(), sample()
    for at, came in ((0, LOOSER), (1, NEUTRAL)):
        new["escalations"] = [row for number, row in enumerate(old["escalations"]) if number != at]
        assert only(new, old).direction is came
        assert only(old, new).direction is {LOOSER: TIGHTER, NEUTRAL: NEUTRAL}[came]
    assert only(new, old).sentence == "`ads.budget, level 2: Legal`: escalation added: no more and no less oversight"


def test_the_parameters_of_a_surface_are_told():
    change = Change("surface", "ads.budget", "params", {}, {"weekly": 1000}, Direction.NEUTRAL)
    assert "params none → weekly 1,000" in change.sentence
