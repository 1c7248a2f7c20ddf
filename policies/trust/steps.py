"""Steps towards autonomy: what each asks for, and what an agent still misses. PURE."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from math import ceil, floor
from types import MappingProxyType
from typing import Final

from policies.trust.measures import Measures
from policies.trust.sequences import is_above


class Ask(StrEnum):
    """One thing that a step asks for."""

    DECISIONS = "decisions"
    DAYS = "days"
    RIGHT = "right"
    ROLL_BACKS = "roll_backs"
    SAMPLES = "samples"
    CALIBRATION = "calibration"
    QUIET = "quiet"
    COOL_DOWN = "cool_down"


@dataclass(frozen=True, slots=True)
class StepCriteria:
    """What a step asks for. Rates are bounds that hold however often people look."""

    least: int
    """Judged proposals since the last step."""
    least_days: int
    """Days since the last step."""
    right: float
    """The lower bound of being right."""
    roll_backs: float
    """The upper bound of being rolled back, where anything has shipped."""
    sampled_wrong: float
    """The upper bound of being found wrong in samples, where there are any."""
    calibration_error: float
    quiet_days: int
    """Days without an incident or a complaint."""
    cool_down_days: int
    """Days after everything was lost."""


CRITERIA: Final[Mapping[str, StepCriteria]] = MappingProxyType(
    {
        "in": StepCriteria(50, 7, 0.90, 0.10, 0.20, 0.30, 14, 7),
        "on": StepCriteria(50, 14, 0.95, 0.05, 0.10, 0.15, 30, 14),
        "out": StepCriteria(200, 28, 0.97, 0.03, 0.05, 0.10, 60, 28),
    }
)
"""By the posture of the tier that the step leads to: people decide many at once, it ships after a hold, it ships."""


@dataclass(frozen=True, slots=True)
class StepRecord:
    """What is known when a step is weighed."""

    measures: Measures
    """Since everything was lost last, with the version of the model that runs now."""
    since_step: int
    """Judged proposals since the last step."""
    step_age: timedelta
    quiet_for: timedelta | None
    """Since the last incident or complaint; None: there was none."""
    lost_ago: timedelta | None
    """Since everything was lost; None: never."""


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that is missing: what there is, what it takes, and about how many more judged proposals that is."""

    ask: Ask
    have: float
    need: float
    more: int | None = None


MOST_AHEAD: Final = 100_000


def missing(record: StepRecord, criteria: StepCriteria, *, is_timed: bool = True) -> list[Missing]:
    """Return what a record misses for a step; nothing: it is earned. Without `is_timed`, days count for nothing."""
    measures = record.measures
    rows = []
    if record.since_step < criteria.least:
        more = criteria.least - record.since_step
        rows.append(Missing(Ask.DECISIONS, record.since_step, criteria.least, more))
    right, trials = measures.effective_right, measures.effective
    if not is_above(right, trials, criteria.right):
        more_right = _until_above(right, trials, criteria.right)
        rows.append(Missing(Ask.RIGHT, measures.right.lower, criteria.right, more_right))
    total = measures.total
    if total.shipped and measures.rolled_back.upper > criteria.roll_backs:
        more_kept = _until_above(total.shipped - total.rolled_back, total.shipped, 1 - criteria.roll_backs)
        rows.append(Missing(Ask.ROLL_BACKS, measures.rolled_back.upper, criteria.roll_backs, more_kept))
    wrong = 1 - measures.right_of_samples.lower
    if total.sampled and wrong > criteria.sampled_wrong:
        more_seen = _until_above(total.sampled - total.sampled_wrong, total.sampled, 1 - criteria.sampled_wrong)
        rows.append(Missing(Ask.SAMPLES, wrong, criteria.sampled_wrong, more_seen))
    error = measures.calibration_error
    if error is not None and error > criteria.calibration_error:
        rows.append(Missing(Ask.CALIBRATION, error, criteria.calibration_error))
    return rows + (_times(record, criteria) if is_timed else [])


def _times(record: StepRecord, criteria: StepCriteria) -> list[Missing]:
    """Return what only time brings."""
    waits = (
        (Ask.DAYS, record.step_age, criteria.least_days),
        (Ask.QUIET, record.quiet_for, criteria.quiet_days),
        (Ask.COOL_DOWN, record.lost_ago, criteria.cool_down_days),
    )
    return [
        Missing(ask, floor(since / timedelta(days=1)), days)
        for ask, since, days in waits
        if since is not None and since < timedelta(days=days)
    ]


def _until_above(right: int, trials: int, rate: float) -> int | None:
    """Return how many more it takes, at the share seen so far; None where that share is never enough."""
    share = right / trials if trials else 1.0

    def is_enough(more: int) -> bool:
        return is_above(right + floor(more * share), trials + more, rate)

    most, least = 1, 0
    while not is_enough(most):
        least, most = most, most * 2
        if most > MOST_AHEAD:
            return None
    while most - least > 1:
        middle = (most + least) // 2
        least, most = (least, middle) if is_enough(middle) else (middle, most)
    return most


def weeks(rows: list[Missing], *, a_week: float) -> int | None:
    """Return about how many weeks the step is away at so many judged proposals a week; None: not in sight."""
    longest = 0.0
    for row in rows:
        if row.ask in {Ask.DAYS, Ask.QUIET, Ask.COOL_DOWN}:
            longest = max(longest, (row.need - row.have) / 7)
        elif row.more is None or not a_week:
            return None
        else:
            longest = max(longest, row.more / a_week)
    return ceil(longest)
