"""Draw what a proposal changes. So far there is one card for every surface: the field table."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from approvals import differences
from approvals.admin import words
from approvals.admin.marks import Part, Spans, parts
from approvals.differences import Change, Row

MAX_ROWS: Final = 200
MAX_CHARACTERS: Final = 4_000
LONG: Final = 90
NO_SPANS: Final[Spans] = {}


@dataclass(frozen=True, slots=True)
class Field:
    """One line of the field table, as text; `note` says how much a number grew."""

    path: str
    change: str
    old: str
    new: str
    note: str
    is_long: bool
    parts: Sequence[Part] = ()
    """The new value, with what was found in it marked."""


@dataclass(frozen=True, slots=True)
class FieldTable:
    """What differs, what does not, and how many lines were left out of each."""

    differing: Sequence[Field]
    same: Sequence[Field]
    left_out: int
    has_before: bool
    now: Sequence[Field] = ()
    """The state before, where it is described in other fields than the payload."""


def field_table(before: Any, payload: Any, spans: Spans = NO_SPANS) -> FieldTable:
    """Return the table for a payload, with `spans` of it marked; a million bytes of it stay readable."""
    if before is None:
        rows = differences.compare({}, payload)
        return _table(rows, has_before=False, spans=spans)
    if not differences.describes_same_fields(before, payload):
        table = _table(differences.compare({}, payload), has_before=False, spans=spans)
        now = [_field(Row(path, Change.SAME, leaf, leaf)) for path, leaf in differences.flatten(before)]
        return FieldTable(table.differing, table.same, table.left_out, has_before=False, now=now[:MAX_ROWS])
    return _table(differences.compare(before, payload), has_before=True, spans=spans)


def changed_fields(old: Any, new: Any) -> FieldTable:
    """Return only what one revision changed in the one before it."""
    return _table(differences.changes(old, new), has_before=True)


def _table(rows: list[Row], *, has_before: bool, spans: Spans = NO_SPANS) -> FieldTable:
    differing = [row for row in rows if row.change is not Change.SAME]
    same = [row for row in rows if row.change is Change.SAME]
    left_out = max(len(differing) - MAX_ROWS, 0) + max(len(same) - MAX_ROWS, 0)
    return FieldTable(
        [_field(row, spans) for row in differing[:MAX_ROWS]],
        [_field(row, spans) for row in same[:MAX_ROWS]],
        left_out,
        has_before,
    )


def _field(row: Row, spans: Spans = NO_SPANS) -> Field:
    old, new = _cut(words.value(row.old)), _cut(words.value(row.new))
    note = ""
    if row.difference is not None:
        share = f" ({words.percent(row.percent)})" if row.percent is not None else ""
        note = words.signed(row.difference) + share
    is_long = max(len(old), len(new)) > LONG or "\n" in old + new
    shown = parts(new, spans.get(row.path, ()))
    return Field(row.path or _("(the whole payload)"), row.change.value, old, new, note, is_long, shown)


def as_text(value: Any) -> str:
    """Write a JSON value as text, cut where it is very long."""
    return _cut(json.dumps(value, indent=2, ensure_ascii=False))


def _cut(text: str) -> str:
    if len(text) <= MAX_CHARACTERS:
        return text
    return text[:MAX_CHARACTERS] + _("… (%s more characters in the raw payload)") % words.number(
        len(text) - MAX_CHARACTERS
    )


@dataclass(frozen=True, slots=True)
class Evidence:
    """One piece of evidence; `url` is empty unless it is a web address."""

    label: str
    value: str
    url: str


def evidence(rows: Sequence[Any]) -> list[Evidence]:
    """Return the agent's evidence as text, with links only to the web."""
    found = []
    for row in rows[:MAX_ROWS]:
        parts = row if isinstance(row, Mapping) else {"value": row}
        url = str(parts.get("url") or "")
        label = str(parts.get("label") or "")
        text = _cut(words.value(parts["value"])) if "value" in parts else ""
        found.append(Evidence(label or (url if not text else ""), text, url if _is_web(url) else ""))
    return found


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
    found = []
    for row in rows[:MAX_ROWS]:
        parts = row if isinstance(row, Mapping) else {"name": words.value(row)}
        current, projected = (parts.get(name, differences.MISSING) for name in ("current", "projected"))
        moved = Row("", Change.CHANGED, current, projected)
        note = words.percent(moved.percent) if moved.percent is not None else ""
        name, unit = str(parts.get("name") or ""), str(parts.get("unit") or "")
        found.append(Metric(name, _cut(words.value(current)), _cut(words.value(projected)), unit, note))
    return found


def expected(outcome: Any) -> str:
    """Say what the agent expects to happen."""
    if not isinstance(outcome, Mapping):
        return words.value(outcome) if outcome is not None else ""
    facts = {name: words.value(outcome.get(name, differences.MISSING)) for name in ("metric", "low", "high")}
    if facts["low"] and facts["high"]:
        return _("%(metric)s between %(low)s and %(high)s") % facts
    return ", ".join(f"{name}: {words.value(part)}" for name, part in outcome.items())
