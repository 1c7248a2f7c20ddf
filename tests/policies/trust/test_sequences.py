"""Bounds of a rate hold at every look: against exact arithmetic, and in simulation."""

import random
from fractions import Fraction
from math import comb, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.trust.sequences import ALPHA, bounds, evidence, is_above

COUNTS = st.integers(0, 400).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials)))


def exact(successes: int, trials: int, rate: Fraction) -> float:
    """The mixture martingale in whole numbers: B(k + 1, n - k + 1) is 1 / ((n + 1) C(n, k))."""
    likelihood = rate**successes * (1 - rate) ** (trials - successes)
    mixed = Fraction(1, (trials + 1) * comb(trials, successes))
    ratio = mixed / likelihood
    return log(ratio.numerator) - log(ratio.denominator)


@given(COUNTS, st.fractions(Fraction(1, 100), Fraction(99, 100), max_denominator=100))
def test_the_evidence_is_that_of_exact_arithmetic(counts: tuple[int, int], rate: Fraction) -> None:
    assert evidence(*counts, float(rate)) == pytest.approx(exact(*counts, rate), abs=1e-8)


@given(COUNTS, st.floats(0.01, 0.99))
def test_a_rate_is_below_the_lower_bound_exactly_if_it_is_surely_exceeded(counts: tuple[int, int], rate: float) -> None:
    lower = bounds(*counts).lower
    if abs(rate - lower) > 1e-9:
        assert is_above(*counts, rate) == (rate < lower)


@given(COUNTS)
def test_what_was_seen_lies_between_the_bounds(counts: tuple[int, int]) -> None:
    successes, trials = counts
    lower, upper = bounds(successes, trials)
    assert 0 <= lower <= upper <= 1
    if trials:
        assert lower <= successes / trials <= upper


@given(COUNTS)
def test_failures_are_successes_seen_from_the_other_side(counts: tuple[int, int]) -> None:
    successes, trials = counts
    lower, upper = bounds(successes, trials)
    mirrored = bounds(trials - successes, trials)
    assert (1 - upper, 1 - lower) == pytest.approx(mirrored, abs=1e-9)


@pytest.mark.parametrize(
    ("successes", "trials", "lower", "upper"),
    [
        pytest.param(0, 0, 0.0, 1.0, id="nothing-seen"),
        pytest.param(1, 1, 0.025, 1.0, id="one-success-says-little"),
        pytest.param(0, 1, 0.0, 0.975, id="nor-does-one-failure"),
        pytest.param(50, 50, 0.87062, 1.0, id="fifty-in-a-row-are-not-95-percent"),
    ],
)
def test_known_bounds(successes: int, trials: int, lower: float, upper: float) -> None:
    assert bounds(successes, trials) == pytest.approx((lower, upper), abs=1e-4)


def test_the_truth_is_hardly_ever_excluded_however_often_one_looks() -> None:
    chance = random.Random(14)
    wrong = 0
    for _ in range(1_000):
        successes = 0
        for trials in range(1, 501):
            successes += chance.random() < 0.9
            if evidence(successes, trials, 0.9) >= -log(ALPHA):
                wrong += 1
                break
    assert wrong <= ALPHA * 1_000
