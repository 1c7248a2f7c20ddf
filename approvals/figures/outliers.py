"""Find the proposals of many that are unlike the others. PURE.

By robust distance: how far a figure lies from the median, measured in median absolute deviations (MAD). Mean and
standard deviation would not do: a single huge figure moves them so far that it hides itself.

Source: B. Iglewicz and D. Hoaglin, How to Detect and Handle Outliers, 1993: the modified z-score, with the mean
absolute deviation in place of the MAD where more than half of the figures are the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Final

FEWEST: Final = 5
"""Among fewer figures nothing is unusual."""
CUT: Final = 3.5
_MAD_TO_SIGMA: Final = 1.4826
_MEAN_TO_SIGMA: Final = 1.2533


@dataclass(frozen=True, slots=True)
class Measure:
    """What is compared. A figure closer to the median than both `least` and `least_share` of it is never unlike."""

    name: str
    least: float = 0.0
    least_share: float = 0.0
    is_only_low: bool = False
    """Whether a high figure is nothing to be told of."""


@dataclass(frozen=True, slots=True)
class Outlier:
    """Why one of them stands out: the figure, what is usual, and how many robust deviations lie between."""

    measure: str
    value: float
    usual: float
    distance: float

    @property
    def is_high(self) -> bool:
        return self.value > self.usual


def outliers(rows: Sequence[Mapping[str, float]], measures: Sequence[Measure]) -> list[tuple[Outlier, ...]]:
    """Return for each row why it stands out, the strangest first; nothing where it does not.

    A row maps the names of measures to figures; a name that is missing is not compared.
    """
    outliers_of: list[list[Outlier]] = [[] for _ in rows]
    for measure in measures:
        known = [(index, row[measure.name]) for index, row in enumerate(rows) if measure.name in row]
        for index, outlier in _of(measure, known):
            outliers_of[index].append(outlier)
    return [tuple(sorted(each, key=lambda outlier: -outlier.distance)) for each in outliers_of]


def _of(measure: Measure, known: Sequence[tuple[int, float]]) -> list[tuple[int, Outlier]]:
    if len(known) < FEWEST:
        return []
    usual = median(value for _, value in known)
    deviations = [abs(value - usual) for _, value in known]
    unit = _MAD_TO_SIGMA * median(deviations) or _MEAN_TO_SIGMA * fmean(deviations)
    if not unit:
        return []
    least = max(measure.least, measure.least_share * abs(usual))
    return [
        (index, Outlier(measure.name, value, usual, deviation / unit))
        for (index, value), deviation in zip(known, deviations, strict=True)
        if deviation / unit > CUT and deviation >= least and not (measure.is_only_low and value > usual)
    ]
