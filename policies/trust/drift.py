"""Detect that an agent has become worse than its tier asks, at whatever moment that happens. PURE.

An e-detector: a CUSUM of likelihood ratios between the rate that is asked and three worse ones, averaged. While the
true rate is at least what is asked, each ratio has an expectation of at most 1, so that alarms come at least
`PATIENCE` decisions apart on average, however the decisions fall. Source: J. Shin, A. Ramdas and A. Rinaldo,
"E-detectors: a nonparametric framework for sequential change detection", New England Journal of Statistics in Data
Science 2, 2023; the CUSUM itself is E. S. Page's, Biometrika 41, 1954.
"""

from dataclasses import dataclass, field
from typing import Final

PATIENCE: Final = 1_000.0
"""Decisions between two false alarms, at least, on average, for an agent that is just as good as is asked."""
WORSE: Final = (2.0, 4.0, 12.0)
"""By how much the odds of being wrong have grown: slightly, clearly, badly."""


@dataclass(slots=True)
class DriftDetector:
    """The rolling evidence that an agent is right less often than `asked` (0 < asked < 1)."""

    asked: float
    patience: float = PATIENCE
    sums: list[float] = field(init=False)
    factors: tuple[tuple[float, float], ...] = field(init=False)
    """For each of the worse rates: the ratio where the agent was right, and where it was wrong."""

    def __post_init__(self) -> None:
        """Begin with no evidence."""
        self.sums = [1.0] * len(WORSE)
        odds = (1 - self.asked) / self.asked
        wrong = [odds * factor / (1 + odds * factor) for factor in WORSE]
        self.factors = tuple(((1 - rate) / self.asked, rate / (1 - self.asked)) for rate in wrong)

    def look(self, *, right: bool) -> bool:
        """Count one decision; return whether the agent has become worse."""
        total = 0.0
        for number, (if_right, if_wrong) in enumerate(self.factors):
            value = max(self.sums[number], 1.0) * (if_right if right else if_wrong)
            self.sums[number] = value
            total += value
        return total >= self.patience * len(WORSE)
