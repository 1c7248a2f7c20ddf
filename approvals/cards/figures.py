"""Sums, shares and bars, written so that a template can put them where they belong."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from approvals.presentation import words
from policies import currencies

PLACES: Final = 4
SIGNS: Final = {"USD": "$", "EUR": "€", "GBP": "£"}


def money(value: float | Decimal, currency: str) -> str:
    """Write a sum: `$4,000.00`, `4,000.00 CHF`, `500,000 JPY`, and without a currency `4,000`."""
    size = -value if value < 0 else value
    # Of a difference of two prices, what lies behind the fourth decimal is noise.
    digits = currencies.digits(round(size, PLACES) if isinstance(size, float) else size, currency)
    written = f"{SIGNS[currency]}{digits}" if currency in SIGNS else f"{digits} {currency}".strip()
    return f"−{written}" if value < 0 else written


def moved(difference: float, currency: str) -> str:
    """Write how much a sum grew, with its sign."""
    return money(difference, currency) if difference <= 0 else f"+{money(difference, currency)}"


def grown(old: float | None, new: float | None) -> float | int | None:
    """Return how much a number grew; None where one of the two is missing."""
    if old is None or new is None:
        return None
    difference = new - old
    return difference if isinstance(difference, int) else round(difference, 10)


def share(difference: float | None, of: float | None) -> str:
    """Write a difference in per cent of what it was; empty where that means nothing."""
    return words.percent(100 * (difference / abs(of))) if difference is not None and of else ""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar on a scale from 0 to 100, as text for attributes."""

    x: str
    width: str


def bar(value: float | None, *, low: float, high: float) -> Bar | None:
    """Return the bar from zero to `value` on a scale from `low` (at most 0) to `high` (at least 0)."""
    span = high / 2 - low / 2  # halves: the whole may be more than a float can hold
    if value is None or span <= 0:
        return None
    start, end = (50 * ((edge / 2 - low / 2) / span) * 2 for edge in sorted((0.0, float(value))))
    return Bar(_attribute(start), _attribute(end - start))


def _attribute(position: float) -> str:
    return f"{min(max(position, 0.0), 100.0):.2f}"
