"""Measures a limit can add up, one row each, for the engine, the running totals and the policy files."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

MEASURES: Final[Mapping[str, str]] = MappingProxyType(
    {"count": "", "amount": "amount", "audience_size": "audience_size"},
)
"""By measure the field, of the facts and of a proposal alike; empty where each proposal counts as one."""
FIELDS: Final = (*(name for name in MEASURES.values() if name), "currency")
MONEY: Final = frozenset({"amount"})
"""Of these, a limit in one currency adds up nothing in another; a limit without one adds up every figure."""


def figure(measure: str, of: Any) -> Any:
    """Return the figure of the facts or the proposal `of`. Money that flows back counts like money that flows out."""
    name = MEASURES[measure]
    return abs(getattr(of, name) or 0) if name else 1


def measured(measure: str, of: Any, *, currency: str) -> Any:
    """Return what `of` adds to a limit in `currency`, which may be empty."""
    return 0 if measure in MONEY and currency not in {"", of.currency} else figure(measure, of)


def in_sql(measure: str, *, currency: str, column: str = "{}") -> str:
    """Return the same in SQL; `currency` is that of the limit, `column` how a field is written there."""
    name = MEASURES[measure]
    if not name:
        return "1"
    adds = f"abs(coalesce({column.format(name)}::numeric, 0))"
    if measure not in MONEY:
        return adds
    return f"CASE WHEN {currency} IN ('', {column.format('currency')}) THEN {adds} ELSE 0 END"


def any_in_sql(chosen: str, *, currency: str, column: str = "{}") -> str:
    """Return SQL of the measure that the expression `chosen` names."""
    cases = " ".join(
        f"WHEN '{measure}' THEN {in_sql(measure, currency=currency, column=column)}" for measure in MEASURES
    )
    return f"CASE {chosen} {cases} END"
