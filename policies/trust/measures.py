"""Measures of an agent's work on a surface, made from sums alone. PURE.

All sums are whole numbers, so the same proposals give the same measures to the last digit in whatever order they
were counted: weights stand in thousandths, confidence in millionths, its squared misses in millionths of millionths.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from policies.trust.sequences import Bounds, bounds

MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Sums:
    """The sums over some proposals, such as those of one tenth of confidence."""

    proposals: int = 0
    decided: int = 0
    """What a person has judged: a decision, a review of a sample, or what went wrong."""
    right: int = 0
    weight: int = 0
    weight_right: int = 0
    weight_squares: int = 0
    approved: int = 0
    edited: int = 0
    revised: int = 0
    returned: int = 0
    rejected: int = 0
    taken_over: int = 0
    expired: int = 0
    withdrawn: int = 0
    blocked: int = 0
    unseen: int = 0
    sampled: int = 0
    sampled_wrong: int = 0
    shipped: int = 0
    rolled_back: int = 0
    incidents: int = 0
    inside: int = 0
    outside: int = 0
    confidence: int = 0
    """Of what was judged."""
    squares: int = 0

    def __add__(self, other: "Sums") -> "Sums":
        """Return the sums over both."""
        return Sums(**{name: getattr(self, name) + getattr(other, name) for name in NAMES})


NAMES: Final = tuple(field.name for field in fields(Sums))


@dataclass(frozen=True, slots=True)
class Measures:
    """Figures of an agent on a surface; `tenths` holds the sums of each tenth of confidence, from low to high."""

    tenths: tuple[Sums, ...] = ()
    total: Sums = Sums()

    @classmethod
    def of(cls, tenths: Iterable[Mapping[str, int]]) -> "Measures":
        """Make measures from the sums of each tenth; names that are missing count as 0."""
        parts = tuple(Sums(**{name: int(row[name]) for name in NAMES if name in row}) for row in tenths)
        return cls(parts, sum(parts, Sums()))

    @property
    def right(self) -> Bounds:
        """Bounds of how often the agent is right in truth, samples weighted by the chance they had to be drawn.

        Where all weights are equal this is the confidence sequence of `sequences`. Where they differ, as many
        proposals count as carry the same information (L. Kish, Survey Sampling, 1965): an approximation.
        """
        return bounds(self.effective_right, self.effective)

    @property
    def effective(self) -> int:
        """As many equally weighted proposals as say as much."""
        total = self.total
        return total.weight**2 // total.weight_squares if total.weight_squares else 0

    @property
    def effective_right(self) -> int:
        """How many of those were right, rounded down."""
        total = self.total
        return total.weight * total.weight_right // total.weight_squares if total.weight_squares else 0

    @property
    def share(self) -> float:
        """The share that was right, unbiased by which of what shipped by itself was drawn for review; 0 of nothing."""
        return self.total.weight_right / self.total.weight if self.total.weight else 0.0

    @property
    def right_of_samples(self) -> Bounds:
        """Bounds of how often what shipped by itself was right, from the reviewed samples alone."""
        return bounds(self.total.sampled - self.total.sampled_wrong, self.total.sampled)

    @property
    def rolled_back(self) -> Bounds:
        """Bounds of how often what shipped is rolled back."""
        return bounds(self.total.rolled_back, max(self.total.shipped, self.total.rolled_back))

    @property
    def inside(self) -> Bounds:
        """Bounds of how often the result lies within what the agent had expected."""
        return bounds(self.total.inside, self.total.inside + self.total.outside)

    @property
    def brier(self) -> float | None:
        """The Brier score of the stated confidence; None before anything was judged."""
        return self.total.squares / MILLION**2 / self.total.decided if self.total.decided else None

    @property
    def calibration_error(self) -> float | None:
        """The expected calibration error over the tenths; None before anything was judged."""
        if not self.total.decided:
            return None
        misses = sum(abs(part.confidence - part.right * MILLION) for part in self.tenths)
        return misses / MILLION / self.total.decided

    def stored(self) -> list[dict[str, int]]:
        """Return the sums of each tenth as JSON holds them; `Measures.of` reads them."""
        return [{name: value for name in NAMES if (value := getattr(part, name))} for part in self.tenths]


def curve(measures: Measures) -> list[tuple[float, float, int]]:
    """Return the reliability curve: of each tenth with judged proposals, mean confidence, share right, and how many."""
    return [
        (part.confidence / MILLION / part.decided, part.right / part.decided, part.decided)
        for part in measures.tenths
        if part.decided
    ]


def from_json(stored: Any) -> Measures:
    """Read what `Measures.stored` wrote."""
    return Measures.of(stored or [])
