"""Write rows of several tables at once.

Submitting is the portal's busiest path, and it writes to six tables. Row by row that is six round trips
and a hundred values to adapt and quote, several times the work that PostgreSQL has with them.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from django.db import connection, models
from django_fsm import ConcurrentTransition
from simple_history.models import HistoricalRecords

from approvals.models.proposal import Proposal
from approvals.models.stored_row import Statement, StoredRow, updating

# Each access to a history manager makes it anew.
_History = Proposal.history.model


FIRST, CHANGED = "+", "~"
COMMIT: Final = Statement("COMMIT", ())


def insert_together(rows: Sequence[models.Model], *then: Statement, is_last: bool = False) -> None:
    """Insert `rows`, each new and of any model, and carry out `then`, all in one round trip.

    Where it `is_last` in its transaction, and nobody has opened that one around it, COMMIT goes along.

    A row travels as one JSON object, which PostgreSQL turns into the table's own types. Constraints and
    triggers hold as ever. `save()`, its signals and fields' own conversions are not called, and keys that
    the database makes are not read back.
    """
    ending = [COMMIT] if is_last and len(connection.atomic_blocks) == 1 else []
    write_together((), rows, *then, *ending)


def write_together(changed: Sequence[StoredRow], new: Sequence[models.Model], *then: Statement) -> None:
    """Write what has changed of rows that are locked, insert `new` ones, and carry out `then`, in one round trip.

    As `insert_together` for the new ones. Raises ConcurrentTransition where a row is not there any more, or not in
    the state in which it was read.
    """
    updates = {row: update for row in changed if (update := updating(row)) is not None}
    statements = [*updates.values(), *(inserting(row) for row in new), *then]
    if not statements:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "; ".join(each.sql for each in statements), [one for each in statements for one in each.parameters]
        )
        for held in updates:
            if cursor.rowcount != 1:
                raise ConcurrentTransition(f"{held._meta.label} {held.pk} was changed meanwhile.")
            held.remember()
            cursor.nextset()
    for row in new:
        row._state.adding = False  # noqa: SLF001  # what save() does


def inserting(row: models.Model, *, conflict: str = "") -> Statement:
    """Return the statement that inserts a new row; `conflict` says what happens where there is one already."""
    sql, columns = _insert(type(row))
    return Statement(sql + conflict, [_JSON.encode({column: getattr(row, name) for column, name in columns})])


@lru_cache(maxsize=32)
def _insert(model: type[models.Model]) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return the INSERT of one row of `model`, and its columns with the attributes that fill them."""
    meta, quote = model._meta, connection.ops.quote_name
    fields = [field for field in meta.local_concrete_fields if not isinstance(field, models.AutoField)]
    columns = tuple((str(field.column), field.attname) for field in fields if not field.generated)
    table, names = quote(meta.db_table), ", ".join(quote(column) for column, _ in columns)
    sql = f"INSERT INTO {table} ({names}) SELECT {names} FROM json_populate_record(NULL::{table}, %s)"  # noqa: S608
    return sql, columns


def _in_json(value: object) -> str:
    """Write what JSON has no form for as PostgreSQL reads it."""
    if isinstance(value, bytes | memoryview):
        return f"\\x{bytes(value).hex()}"
    return value.isoformat() if isinstance(value, datetime) else str(value)


_JSON = json.JSONEncoder(separators=(",", ":"), default=_in_json, allow_nan=False)


def history_row(proposal: Proposal, kind: str, *, at: datetime) -> models.Model:
    """Return the next row, unsaved, of the field history of a proposal; who acts, the request says."""
    tracked: dict[str, Any] = {field.attname: getattr(proposal, field.attname) for field in _History.tracked_fields}
    row: models.Model = _History(history_date=at, history_type=kind, history_user_id=_acting(), **tracked)
    return row


def _acting() -> int | None:
    """Return the id of the person whose request this is, where there is one, as the history itself finds it."""
    user = getattr(getattr(HistoricalRecords.context, "request", None), "user", None)
    return user.pk if user is not None and user.is_authenticated else None
