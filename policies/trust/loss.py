"""Loss of what an agent has earned, at once. PURE."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from policies.trust.drift import DriftDetector
from policies.trust.measures import Measures
from policies.trust.sequences import is_above


class Cause(StrEnum):
    """Why it is lost."""

    MODEL = "model"
    INCIDENT = "incident"
    ROLL_BACK = "roll_back"
    SURFACE = "surface"
    DRIFT = "drift"
    BOUNDS = "bounds"
    ROLL_BACKS = "roll_backs"
    CALIBRATION = "calibration"


ASKED: Final[Mapping[str, float]] = MappingProxyType({"on": 0.95, "out": 0.97})
"""How often, at least, an agent has to be right to keep a tier of that posture."""
MOST_ROLL_BACKS: Final = 0.05
"""Demoted once it is sure that more than this is rolled back."""
CALIBRATION_ERROR: Final = 0.25
FEWEST: Final = 100
"""Judged proposals before confidence is looked at."""
MOST_PROBLEMS: Final = 3
"""So many incidents, roll backs and wrong samples on a surface within a day stop all that ships by itself there."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What is known of an agent since it got the tier that lets it ship by itself."""

    posture: str
    measures: Measures
    lately: Iterable[bool]
    """Whether each of the last judged proposals was right, oldest first."""
    new_models: tuple[str, ...]
    """Versions of its model that had proposed nothing here before."""
    is_high_risk: bool
    incidents: int
    """Reported since then, and complaints, whenever what they speak of was proposed."""
    rolled_back: int
    problems_on_surface: int
    """Within a day, of all agents."""


@dataclass(frozen=True, slots=True)
class Loss:
    cause: Cause
    figures: Mapping[str, Any]


def loss(watched: Watched) -> Loss | None:
    """Return why an agent loses what it has earned, or nothing where it keeps it."""
    if watched.new_models:
        return Loss(Cause.MODEL, {"models": list(watched.new_models)})
    if watched.incidents:
        return Loss(Cause.INCIDENT, {"incidents": watched.incidents})
    if watched.is_high_risk and watched.rolled_back:
        return Loss(Cause.ROLL_BACK, {"rolled_back": watched.rolled_back})
    if watched.problems_on_surface >= MOST_PROBLEMS:
        return Loss(Cause.SURFACE, {"problems": watched.problems_on_surface})
    return _from_rates(watched)


def _from_rates(watched: Watched) -> Loss | None:
    measures, total = watched.measures, watched.measures.total
    wanted_rate = ASKED.get(watched.posture, ASKED["out"])
    detector = DriftDetector(wanted_rate)
    flags = list(watched.lately)
    if any(detector.look(right=right) for right in flags):
        return Loss(Cause.DRIFT, {"right": sum(flags), "of": len(flags), "asked": wanted_rate})
    # Rounding leaves it right no less often than it was.
    right = min(measures.effective_right + 1, measures.effective) if measures.share < 1 else measures.effective
    if is_above(measures.effective - right, measures.effective, 1 - wanted_rate):
        return Loss(Cause.BOUNDS, {"upper": measures.right.upper, "asked": wanted_rate, "of": total.decided})
    if is_above(total.rolled_back, max(total.shipped, total.rolled_back), MOST_ROLL_BACKS):
        return Loss(Cause.ROLL_BACKS, {"rolled_back": total.rolled_back, "of": total.shipped})
    error = measures.calibration_error
    if total.decided >= FEWEST and error is not None and error > CALIBRATION_ERROR:
        return Loss(Cause.CALIBRATION, {"error": error, "most": CALIBRATION_ERROR})
    return None
