"""Steps of autonomy: when an agent has earned the next, and when it has lost them all. PURE."""

from dataclasses import dataclass, field
from typing import Final

from policies.trust.drift import DriftDetector
from policies.trust.record import Record
from policies.trust.sequences import ALPHA, is_above

STEPS: Final = ("single", "batch", "monitored", "autopilot")
"""From the closest oversight to the loosest; one step at a time."""


@dataclass(frozen=True, slots=True)
class Criteria:
    """What a step asks for."""

    lower: float = 0.95
    """The lower bound of the rate of being right (0 < lower < 1)."""
    least: int = 50
    """Decisions on this step at least, before the next one: evidence, and a time to cool down."""
    calibration_error: float | None = None
    """The largest calibration error; None where confidence counts for nothing."""
    alpha: float = ALPHA

    def are_met_by(self, record: Record, since_step: int) -> bool:
        """Whether a record earns the next step, `since_step` decisions after the last one."""
        if since_step < self.least or not is_above(record.right, record.decided, self.lower, self.alpha):
            return False
        if (baseline := record.baseline) is not None and not _beats(record, baseline, self.alpha):
            return False
        error = record.calibration_error
        return self.calibration_error is None or (error is not None and error <= self.calibration_error)


def _beats(record: Record, baseline: float, alpha: float) -> bool:
    """Whether an agent is surely right more often than the trivial answer."""
    return baseline < 1 and is_above(record.right, record.decided, baseline, alpha)


@dataclass(slots=True)
class Autonomy:
    """An agent's place on the ladder on one surface, with one version of its model."""

    criteria: Criteria
    step: int = 0
    record: Record = field(default_factory=Record)
    """Since the agent was last taken back to the first step."""
    since_step: int = 0
    detector: DriftDetector | None = None

    def decide(self, *, confidence: float, right: bool, outcome: bool | None = None) -> None:
        """Count one decided proposal."""
        self.record.add(confidence=confidence, right=right, outcome=outcome)
        self.since_step += 1

    @property
    def has_earned_a_step(self) -> bool:
        """Whether the next looser tier can be recommended; on the loosest there is none."""
        return self.step < len(STEPS) - 1 and self.criteria.are_met_by(self.record, self.since_step)

    def climb(self) -> None:
        """Take the next step, as a person accepted it."""
        self.step += 1
        self.since_step = 0
        if self.detector is None:
            self.detector = DriftDetector(self.criteria.lower)

    def has_lost(self, *, right: bool) -> bool:
        """Look at the newest decision; return whether what was earned is lost, and fall back to the first step."""
        if self.detector is None or not self.detector.look(right=right):
            return False
        self.step, self.since_step = 0, 0
        self.record, self.detector = Record(), None
        return True
