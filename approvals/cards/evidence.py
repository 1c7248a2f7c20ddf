"""The agent's metrics and evidence beside the card, and values as text."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from approvals.cards.fields.presenter import MAX_ROWS, Field, FieldTable, changed_fields, cut, field_table
from approvals.presentation import words
from policies import differences
from policies.differences import FieldChange, FieldRow

__all__ = [
    "Evidence", "Field", "FieldTable", "Metric", "as_text", "changed_fields", "evidence", "expected", "field_table",
    "metrics",
]  # fmt: skip


def as_text(value: Any) -> str:
    """Write a JSON value as text, cut where it is very long."""
    return cut(json.dumps(value, indent=2, ensure_ascii=False))


@dataclass(frozen=True, slots=True)
class Evidence:
    """One piece of evidence; `url` is empty unless it is a web address."""

    label: str
    value: str
    url: str


def evidence(rows: Sequence[Any]) -> list[Evidence]:
    """Return the agent's evidence as text, with links only to the web."""
    lines = []
    for row in rows[:MAX_ROWS]:
        parts = row if isinstance(row, Mapping) else {"value": row}
        url = str(parts.get("url") or "")
        label = str(parts.get("label") or "")
        text = cut(words.value(parts["value"])) if "value" in parts else ""
        lines.append(Evidence(label or (url if not text else ""), text, url if _is_web(url) else ""))
    return lines


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


@dataclass(frozen=True, slots=True)
class Metric:
    name: str
    current: str
    projected: str
    unit: str
    note: str


def metrics(rows: Sequence[Any]) -> list[Metric]:
    """Return the agent's metrics, each with how much it says they will move."""
    lines = []
    for row in rows[:MAX_ROWS]:
        parts = row if isinstance(row, Mapping) else {"name": words.value(row)}
        current, projected = (parts.get(name, differences.MISSING) for name in ("current", "projected"))
        moved = FieldRow("", FieldChange.CHANGED, current, projected)
        note = words.percent(moved.percent) if moved.percent is not None else ""
        name, unit = str(parts.get("name") or ""), str(parts.get("unit") or "")
        lines.append(Metric(name, cut(words.value(current)), cut(words.value(projected)), unit, note))
    return lines


def expected(outcome: Any) -> str:
    """Say what the agent expects to happen."""
    if not isinstance(outcome, Mapping):
        return words.value(outcome) if outcome is not None else ""
    facts = {name: words.value(outcome.get(name, differences.MISSING)) for name in ("metric", "low", "high")}
    if facts["low"] and facts["high"]:
        return _("%(metric)s between %(low)s and %(high)s") % facts
    return ", ".join(f"{name}: {words.value(part)}" for name, part in outcome.items())
