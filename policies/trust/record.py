"""The record of an agent on a surface: how often it was right, and how honest its confidence is. PURE."""

from dataclasses import dataclass, field
from typing import Final

BINS: Final = 10
"""Classes of confidence, of equal width, over which the calibration error is taken."""


@dataclass(slots=True)
class Record:
    """Counts of decided proposals; each figure is made from them alone, whatever order they came in."""

    decided: int = 0
    right: int = 0
    squares: float = 0.0
    """Sum of (confidence - right)², for the Brier score."""
    outcomes: int = 0
    """Of how many it is known what happened, yes or no."""
    happened: int = 0
    counts: list[int] = field(default_factory=lambda: [0] * BINS)
    sums: list[float] = field(default_factory=lambda: [0.0] * BINS)
    """Of each class of confidence, the sum of confidence - right."""

    def add(self, *, confidence: float, right: bool, outcome: bool | None = None) -> None:
        """Count one decided proposal; `confidence` from 0 to 1, `outcome` where it is known."""
        miss = confidence - right
        self.decided += 1
        self.right += right
        self.squares += miss * miss
        place = min(int(confidence * BINS), BINS - 1)
        self.counts[place] += 1
        self.sums[place] += miss
        if outcome is not None:
            self.outcomes += 1
            self.happened += outcome

    @property
    def brier(self) -> float | None:
        """The Brier score: the mean square of confidence less what came of it; 0 is perfect, 0.25 a coin.

        Source: G. W. Brier, Monthly Weather Review 78, 1950.
        """
        return self.squares / self.decided if self.decided else None

    @property
    def calibration_error(self) -> float | None:
        """The expected calibration error: how far confidence and success lie apart, over ten classes of confidence.

        Source: M. P. Naeini, G. F. Cooper and M. Hauskrecht, AAAI 2015.
        """
        return sum(map(abs, self.sums)) / self.decided if self.decided else None

    @property
    def baseline(self) -> float | None:
        """How often somebody is right who always gives the commoner answer; None where outcomes are not known.

        An agent that does no better has shown nothing, however often it was right.
        """
        if not self.decided or self.outcomes < self.decided:
            return None
        return max(self.happened, self.outcomes - self.happened) / self.outcomes
