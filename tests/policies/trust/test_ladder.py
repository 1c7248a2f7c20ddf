"""Autonomy is earned and lost: 1,000 lives each, with fixed seeds, beside what others count."""

import random
from collections.abc import Iterator

import pytest

from policies.trust.ladder import STEPS, Autonomy, Criteria

RUNS = 1_000


def lives(seed: int) -> Iterator[random.Random]:
    for number in range(RUNS):
        yield random.Random(seed * 10_000 + number)


def step(autonomy: Autonomy, *, right: bool, confidence: float = 0.95) -> str:
    """Decide one proposal as a person would who looks each time and accepts at once."""
    autonomy.decide(confidence=confidence, right=right)
    if autonomy.has_lost(right=right):
        return "lost"
    if autonomy.has_earned_a_step:
        autonomy.climb()
        return "earned"
    return ""


def test_an_agent_right_nine_times_in_ten_hardly_ever_gets_what_asks_for_95_percent() -> None:
    promoted = in_a_row = raw = 0
    for chance in lives(1):
        autonomy, row, right = Autonomy(Criteria()), 0, 0
        was_promoted = was_in_a_row = was_raw = False
        for number in range(1, 1_001):
            is_right = chance.random() < 0.9
            right += is_right
            row = row + 1 if is_right else 0
            was_promoted |= step(autonomy, right=is_right) == "earned"
            was_in_a_row |= row >= 50
            was_raw |= number >= 50 and right / number >= 0.95
        promoted, in_a_row, raw = promoted + was_promoted, in_a_row + was_in_a_row, raw + was_raw
    assert promoted <= 0.05 * RUNS
    # What streaks and raw rates let pass, in the same lives.
    assert in_a_row > 0.25 * RUNS
    assert raw > 0.10 * RUNS


def test_a_drop_from_95_to_60_percent_is_seen_within_fifty_decisions() -> None:
    promoted = seen = 0
    for chance in lives(2):
        autonomy = Autonomy(Criteria(lower=0.9))
        for _ in range(1_000):
            step(autonomy, right=chance.random() < 0.95)
        if not autonomy.step:
            continue
        promoted += 1
        seen += any(step(autonomy, right=chance.random() < 0.6) == "lost" for _ in range(50))
    assert promoted > 0.8 * RUNS
    assert seen >= 0.95 * promoted


def test_a_steady_agent_at_99_percent_is_recommended_soon_and_keeps_what_it_has() -> None:
    recommended = lost = 0
    for chance in lives(3):
        autonomy = Autonomy(Criteria())
        happened = [step(autonomy, right=chance.random() < 0.99) for _ in range(1_500)]
        recommended += "earned" in happened[:1_000]
        lost += "lost" in happened
    assert recommended >= 0.9 * RUNS
    assert lost <= 0.05 * RUNS


def test_steps_are_taken_one_at_a_time_with_a_time_to_cool_down() -> None:
    autonomy = Autonomy(Criteria(least=100))
    earned = [number for number in range(1, 2_001) if step(autonomy, right=True) == "earned"]
    assert len(earned) == len(STEPS) - 1
    assert all(later - earlier >= 100 for earlier, later in zip([0, *earned], earned, strict=False))


def test_what_was_lost_has_to_be_earned_anew() -> None:
    autonomy = Autonomy(Criteria())
    while not autonomy.step:
        step(autonomy, right=True)
    while step(autonomy, right=False) != "lost":
        pass
    assert (autonomy.step, autonomy.record.decided) == (0, 0)
    assert not any(step(autonomy, right=True) == "earned" for _ in range(49))


def test_the_trivial_answer_earns_nothing() -> None:
    autonomy = Autonomy(Criteria(lower=0.9))
    chance = random.Random(94)
    for _ in range(20_000):
        happened = chance.random() < 0.06
        autonomy.decide(confidence=0.94, right=not happened, outcome=happened)
        assert not autonomy.has_earned_a_step


def test_an_agent_that_beats_the_trivial_answer_earns_a_step() -> None:
    autonomy = Autonomy(Criteria(lower=0.9))
    chance = random.Random(95)
    for _ in range(5_000):
        happened = chance.random() < 0.2
        autonomy.decide(confidence=0.98, right=chance.random() < 0.98, outcome=happened)
    assert autonomy.has_earned_a_step


@pytest.mark.parametrize(
    ("confidence", "earns"), [pytest.param(0.98, True, id="honest"), pytest.param(0.5, False, id="shy")]
)
def test_confidence_that_means_nothing_earns_nothing_where_it_is_asked(confidence: float, earns: bool) -> None:
    autonomy = Autonomy(Criteria(calibration_error=0.1))
    for number in range(2_000):
        autonomy.decide(confidence=confidence, right=number % 50 != 0)
    assert autonomy.has_earned_a_step is earns
