"""Confidence sequences: bounds of a rate that hold at every look, however often people look. PURE.

The method is the beta-binomial mixture: after k successes in n, a rate p is excluded once

    M(p) = B(k + 1, n - k + 1) / (p^k (1 - p)^(n - k))  >=  1 / alpha

where B is the beta function. If p is the truth, M is a nonnegative martingale that begins at 1, and by Ville's
inequality it ever reaches 1 / alpha with a probability of at most alpha. Sources: H. Robbins, "Statistical methods
related to the law of the iterated logarithm", Annals of Mathematical Statistics 41, 1970; S. R. Howard, A. Ramdas,
J. McAuliffe and J. Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence sequences", Annals of Statistics
49, 2021.
"""

from math import inf, lgamma, log
from typing import Final, NamedTuple

ALPHA: Final = 0.05
"""How often, at most, a sequence is ever wrong about the true rate."""
_HALVINGS: Final = 50


class Bounds(NamedTuple):
    """What a rate lies between, with a probability of 1 - alpha, at all looks together."""

    lower: float
    upper: float


def evidence(successes: int, trials: int, rate: float) -> float:
    """Return the logarithm of the mixture martingale against `rate`: at most log(1 / alpha) where it is the truth."""
    failures = trials - successes
    mixed = lgamma(successes + 1) + lgamma(failures + 1) - lgamma(trials + 2)
    return mixed - _times(successes, rate) - _times(failures, 1 - rate)


def _times(number: int, rate: float) -> float:
    if not number:
        return 0.0
    return number * log(rate) if rate > 0 else -inf


def is_above(successes: int, trials: int, rate: float, alpha: float = ALPHA) -> bool:
    """Whether the lower bound lies at `rate` or above. Takes constant time, for a look after every decision."""
    return successes > rate * trials and evidence(successes, trials, rate) >= -log(alpha)


def bounds(successes: int, trials: int, alpha: float = ALPHA) -> Bounds:
    """Return the bounds of a rate after so many successes in so many trials; (0, 1) before the first."""
    if not trials:
        return Bounds(0.0, 1.0)
    seen, most = successes / trials, -log(alpha)
    return Bounds(
        _edge(successes, trials, excluded=0.0, kept=seen, most=most),
        _edge(successes, trials, excluded=1.0, kept=seen, most=most),
    )


def _edge(successes: int, trials: int, *, excluded: float, kept: float, most: float) -> float:
    """Return the last rate, on the way from one that is kept to one that may be excluded, that is not excluded."""
    if evidence(successes, trials, excluded) < most:
        return excluded
    for _ in range(_HALVINGS):
        middle = (excluded + kept) / 2
        if evidence(successes, trials, middle) < most:
            kept = middle
        else:
            excluded = middle
    return excluded  # on the cautious side: the interval is never too narrow
