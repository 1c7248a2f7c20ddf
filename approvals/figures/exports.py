"""Take lists out of the portal as CSV. Every export is in the ledger before its first line leaves."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from math import isfinite
from typing import Any, Final, TypeVar

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _

from approvals.figures import csv_cells
from audit import canonical
from audit.canonical import JsonValue
from audit.clock import database_now
from audit.ledger import entries
from policies.actors import actor

MOST_ROWS: Final = 100_000
CHUNK: Final = 1_000
SEARCH: Final = "q"

Row = TypeVar("Row", bound=Model)


class ExportTooLarge(ValueError):
    """The list is longer than one export may be; nothing was exported."""

    code = "export_too_large"


@dataclass(frozen=True, slots=True)
class Export:
    """What is being taken out: the keys of its rows, in their order."""

    keys: Sequence[Any]
    at: datetime


@transaction.atomic
def begin(*, what: str, rows: "QuerySet[Any]", by: User, filters: Mapping[str, str]) -> Export:
    """Fix which of `rows` are exported, and record it: who, what (`proposals`), the filter and how many.

    `rows` are narrowed to what `by` may see already. Words that were searched for may name people, so the
    ledger gets their digest. Raises ExportTooLarge above MOST_ROWS; then nothing is written.
    """
    keys = list(rows.values_list("pk", flat=True)[: MOST_ROWS + 1])
    if len(keys) > MOST_ROWS:
        raise ExportTooLarge(
            _("The list has more than %s rows, which is the most that one file takes. Filter it first.")
            % f"{MOST_ROWS:,}"
        )
    return _record(what, keys, by=by, filters=filters)


@transaction.atomic
def begin_list(*, what: str, count: int, by: User) -> Export:
    """Record that a list of `count` rows, which no query can name again, is exported as a whole."""
    return _record(what, range(count), by=by, filters={})


def _record(what: str, keys: Sequence[Any], *, by: User, filters: Mapping[str, str]) -> Export:
    at = database_now()
    narrowed_by: dict[str, JsonValue] = {name: value for name, value in sorted(filters.items()) if name != SEARCH}
    if filters.get(SEARCH):
        narrowed_by["q_digest"] = canonical.digest(filters[SEARCH].encode())
    data: dict[str, JsonValue] = {"filter": narrowed_by, "rows": len(keys)}
    entries.record(f"{what}.exported", subject=f"user:{by.pk}", actor=actor(by), at=at, data=data)
    return Export(keys, at)


def lines(
    export: Export,
    *,
    header: Sequence[str],
    fetch: Callable[[Sequence[Any]], Iterable[Row]],
    cells: Callable[[Row], Sequence[Any]],
    chunk: int = CHUNK,
) -> Iterator[str]:
    """Yield the file piece by piece: a header, then `chunk` rows at a time, as `fetch` reads them by their keys."""
    yield "\ufeff" + _written([[cell(name) for name in header]])  # so that spreadsheets read it as UTF-8
    for begin_at in range(0, len(export.keys), chunk):
        keys = export.keys[begin_at : begin_at + chunk]
        rows = {row.pk: row for row in fetch(keys)}
        yield _written([[cell(value) for value in cells(rows[key])] for key in keys if key in rows])


def cell(value: Any) -> str:
    """Write one value so that no spreadsheet runs it: numbers as numbers, times in UTC, and text as text."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int() | float() | Decimal() if isfinite(value):
            return f"{value:f}" if isinstance(value, Decimal) else str(value)
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="seconds")
    return csv_cells.neutralised(str(value))


def _written(rows: Iterable[Sequence[str]]) -> str:
    buffer = StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue()
