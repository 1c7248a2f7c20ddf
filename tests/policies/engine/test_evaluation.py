"""What the policy says, and that nothing but less doubt ever loosens it."""

import math
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from policies.engine.evaluation import Facts, PolicyOutcome, evaluate
from policies.engine.policy import EMPTY, Policy, SurfacePolicy, TierPolicy


def tier(slug: str, rank: int, posture: str, review: str) -> TierPolicy:
    return TierPolicy(slug, rank, posture, review, hold=timedelta(0), sample_rate=0.0)


TIERS = {
    made.slug: made
    for made in (
        tier("autopilot", 0, "out", "none"),
        tier("monitored", 10, "on", "none"),
        tier("batch", 20, "in", "batch"),
        tier("single", 30, "in", "single"),
        tier("signature", 40, "in", "signature"),
        tier("human_only", 50, "in", "human_only"),
    )
}
SURFACE = SurfacePolicy(
    slug="ads.budget",
    is_enabled=True,
    owner="Channel owner",
    connector="ads",
    tier=TIERS["autopilot"],
    floor=TIERS["autopilot"],
    senior_tier=TIERS["signature"],
    confidence_high=0.9,
    confidence_low=0.5,
    deadline=timedelta(days=1),
    undo_window=timedelta(seconds=10),
    retention=timedelta(days=1),
    editor_may_approve=False,
    agent_owner_may_decide=False,
    payload_schema={},
    derived_tags=(),
    amount_pointer="",
    audience_pointer="",
)
FACTS = Facts(
    surface="ads.budget",
    action="shift_budget",
    agent="pacer",
    agent_is_active=True,
    mandate="autopilot",
    confidence=0.95,
)


def policy(surface: SurfacePolicy = SURFACE, tiers: dict[str, TierPolicy] = TIERS) -> Policy:
    single = min((t for t in tiers.values() if t.review in {"single", "signature"}), key=lambda t: t.rank, default=None)
    return Policy(7, "sha256:seven", tiers=tiers, surfaces={surface.slug: surface}, single=single)


def on(**changes) -> SurfacePolicy:
    return replace(SURFACE, **{name: TIERS.get(value, value) for name, value in changes.items()})


CASES = [
    pytest.param({}, {}, "autopilot", id="the-surfaces-tier"),
    pytest.param({"tier": "monitored"}, {}, "monitored", id="on-the-loop"),
    pytest.param({"tier": "single"}, {"confidence": 1.0}, "single", id="confidence-frees-nothing"),
    pytest.param({"floor": "batch"}, {}, "batch", id="the-floor-tightens"),
    pytest.param({"tier": "signature", "floor": "batch"}, {}, "signature", id="the-floor-never-loosens"),
    pytest.param({}, {"mandate": "single"}, "single", id="the-mandate-tightens"),
    pytest.param({"tier": "signature"}, {"mandate": "autopilot"}, "signature", id="the-mandate-never-loosens"),
    pytest.param({}, {"mandate": "retired"}, "single", id="a-mandate-nobody-published"),
    pytest.param({}, {"confidence": 0.9}, "autopilot", id="just-high-enough"),
    pytest.param({}, {"confidence": 0.89}, "single", id="below-high"),
    pytest.param({}, {"confidence": 0.5}, "single", id="just-not-low"),
    pytest.param({}, {"confidence": 0.49}, "signature", id="below-low"),
    pytest.param({}, {"confidence": None}, "signature", id="missing-confidence-is-none"),
    pytest.param({}, {"confidence": float("nan")}, "signature", id="not-a-number-is-low"),
    pytest.param({}, {"confidence": -1.0}, "signature", id="negative"),
    pytest.param({"senior_tier": "autopilot"}, {"confidence": 0.1}, "single", id="senior-is-a-person-at-least"),
    pytest.param({"tier": "batch"}, {"confidence": 0.8}, "batch", id="doubt-leaves-review-as-it-is"),
    pytest.param({"floor": "batch"}, {"confidence": 0.8}, "single", id="a-floor-does-not-soften-doubt"),
    pytest.param({}, {"switches": ("everywhere",)}, "single", id="a-kill-switch"),
    pytest.param({}, {"is_in_review": True}, "single", id="people-already-look"),
    pytest.param({"tier": "human_only"}, {"is_in_review": True}, "human_only", id="only-people-stays"),
]


@pytest.mark.parametrize(("surface", "facts", "expected"), CASES)
def test_the_strictest_wins(surface, facts, expected):
    verdict = evaluate(policy(on(**surface)), replace(FACTS, **facts))
    assert verdict.tier.slug == expected
    assert verdict.outcome is (PolicyOutcome.ALLOW if verdict.tier.is_automatic else PolicyOutcome.REQUIRE_APPROVAL)
    deciding = [reason for reason in verdict.reasons if reason.is_deciding]
    assert [reason.tier for reason in deciding] == [expected]
    assert (verdict.policy_number, verdict.policy_digest) == (7, "sha256:seven")


@pytest.mark.parametrize(
    ("surface", "facts", "source"),
    [
        pytest.param({}, {"surface": "ads.nowhere"}, "surface", id="unknown-surface"),
        pytest.param({"is_enabled": False}, {}, "surface", id="disabled-surface"),
        pytest.param({}, {"agent_is_active": False}, "agent", id="suspended-agent"),
        pytest.param({}, {"mandate": None}, "mandate", id="no-mandate"),
    ],
)
def test_what_denies(surface, facts, source):
    verdict = evaluate(policy(on(**surface)), replace(FACTS, **facts))
    assert (verdict.outcome, verdict.tier) == (PolicyOutcome.DENY, None)
    assert [(reason.source, reason.is_deciding) for reason in verdict.reasons] == [(source, True)]


def test_before_anything_is_published_everything_is_denied():
    assert evaluate(EMPTY, FACTS).outcome is PolicyOutcome.DENY


def test_without_a_tier_for_one_by_one_doubt_asks_for_the_strictest_there_is():
    tiers = {slug: TIERS[slug] for slug in ("autopilot", "batch")}
    surface = on(senior_tier="batch")
    assert evaluate(policy(surface, tiers), replace(FACTS, confidence=0.8)).tier.slug == "batch"


def test_every_contribution_is_told():
    surface = on(tier="monitored", floor="batch")
    facts = replace(FACTS, mandate="single", confidence=0.1, switches=("everywhere", "agent:pacer"))
    told = [(reason.source, reason.id) for reason in evaluate(policy(surface), facts).reasons]
    assert told == [
        ("surface", "ads.budget"), ("floor", "ads.budget"), ("mandate", "pacer"), ("confidence", "low"),
        ("confidence", "high"), ("kill_switch", "everywhere"), ("kill_switch", "agent:pacer"),
    ]  # fmt: skip


# Any tiers a person may have made up, sensible or not: the database holds ranks apart and ties posture to review.
@st.composite
def tables(draw) -> dict[str, TierPolicy]:
    ranks = draw(st.lists(st.integers(0, 9), min_size=1, max_size=6, unique=True))
    postures = st.sampled_from(["out", "on", "in"])
    reviews = st.sampled_from(["batch", "single", "signature", "human_only"])
    made = {}
    for rank in ranks:
        posture = draw(postures)
        made[f"t{rank}"] = tier(f"t{rank}", rank, posture, draw(reviews) if posture == "in" else "none")
    assume(any(t.posture == "in" for t in made.values()))
    return made


@st.composite
def cases(draw) -> tuple[Policy, Facts]:
    tiers = draw(tables())
    some = st.sampled_from(list(tiers.values()))
    bands = sorted([draw(st.floats(0, 1)), draw(st.floats(0, 1))])
    surface = replace(
        SURFACE,
        tier=draw(some),
        floor=draw(some),
        senior_tier=draw(some),
        confidence_low=bands[0],
        confidence_high=bands[1],
        is_enabled=draw(st.sampled_from([True, True, True, False])),
    )
    facts = replace(
        FACTS,
        surface=draw(st.sampled_from(["ads.budget"] * 9 + ["elsewhere"])),
        agent_is_active=draw(st.sampled_from([True, True, True, False])),
        mandate=draw(st.sampled_from([*tiers, "retired", None])),
        confidence=draw(st.none() | st.floats()),
        switches=tuple(draw(st.lists(st.sampled_from(["everywhere", "agent:pacer"]), unique=True))),
        is_in_review=draw(st.booleans()),
    )
    return policy(surface, tiers), facts


def strictness(verdict) -> tuple[int, int]:
    if verdict.tier is None:
        return (2, 0)
    return (0 if verdict.tier.is_automatic else 1, verdict.tier.rank)


def freedom(verdict) -> int:
    """How far the gate is open: denied, people decide, passes by itself."""
    return 2 - strictness(verdict)[0]


@given(cases())
def test_it_never_raises_and_marks_one_deciding_reason(case):
    verdict = evaluate(*case)
    assert sum(reason.is_deciding for reason in verdict.reasons) == 1
    assert evaluate(*case) == verdict


@given(cases(), st.none() | st.floats())
def test_less_confidence_never_loosens(case, other):
    over, facts = case
    # None counts as 0, and what is not a number as less than everything.
    known = {None: 0.0}
    lower, higher = sorted([facts.confidence, other], key=lambda c: known.get(c, c if c == c else -math.inf))
    low, high = (evaluate(over, replace(facts, confidence=value)) for value in (lower, higher))
    assert strictness(low) >= strictness(high)


@given(cases(), st.data())
def test_a_higher_floor_or_a_stricter_mandate_never_loosens(case, data):
    over, facts = case
    surface = over.surfaces["ads.budget"]
    order = sorted(over.tiers.values(), key=lambda t: (not t.is_automatic, t.rank))
    higher = data.draw(st.sampled_from(order[order.index(surface.floor) :]))
    raised = replace(over, surfaces={"ads.budget": replace(surface, floor=higher)})
    assert strictness(evaluate(raised, facts)) >= strictness(evaluate(over, facts))
    if facts.mandate in over.tiers:
        stricter = data.draw(st.sampled_from(order[order.index(over.tiers[facts.mandate]) :]))
        assert strictness(evaluate(over, replace(facts, mandate=stricter.slug))) >= strictness(evaluate(over, facts))


@given(cases(), st.integers(0, 9))
def test_a_floor_of_higher_rank_never_opens_the_gate(case, rank):
    """However oddly somebody ranked the tiers, no floor lets pass what people would have decided."""
    over, facts = case
    surface = over.surfaces["ads.budget"]
    for floor in over.tiers.values():
        if floor.rank >= surface.floor.rank:
            raised = replace(over, surfaces={"ads.budget": replace(surface, floor=floor)})
            if surface.floor.is_automatic:
                assert freedom(evaluate(raised, facts)) <= freedom(evaluate(over, facts))


@pytest.mark.parametrize(
    "change",
    [
        {"switches": ("everywhere",)},
        {"is_in_review": True},
        {"agent_is_active": False},
        {"mandate": None},
    ],
    ids=["kill-switch", "in-review", "suspended", "no-mandate"],
)
@given(case=cases())
def test_what_restricts_never_loosens(case, change):
    over, facts = case
    before, after = evaluate(over, facts), evaluate(over, replace(facts, **change))
    assert strictness(after) >= strictness(before)
    if change.get("switches") or change.get("is_in_review"):
        assert freedom(after) < 2


@given(cases())
def test_disabling_the_surface_denies(case):
    over, facts = case
    disabled = replace(over.surfaces["ads.budget"], is_enabled=False)
    assert evaluate(replace(over, surfaces={"ads.budget": disabled}), facts).outcome is PolicyOutcome.DENY


@given(cases(), st.randoms())
def test_the_order_of_switches_tags_and_targets_does_not_matter(case, chance):
    over, facts = case
    facts = replace(facts, tags=("a", "b", "c"), targets=("x", "y"))
    mixed = replace(
        facts, **{name: tuple(chance.sample(getattr(facts, name), len(getattr(facts, name)))) for name in
                  ("switches", "tags", "targets")}
    )  # fmt: skip
    first, second = evaluate(over, facts), evaluate(over, mixed)
    assert (first.outcome, first.tier) == (second.outcome, second.tier)
    assert told(first) == told(second)


def told(verdict) -> set:
    """The reasons but for which of equals is called the deciding one: the first."""
    return {reason._replace(is_deciding=False) for reason in verdict.reasons}
