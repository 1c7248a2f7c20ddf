"""Insert new rows of several tables at once.

Submitting is the portal's busiest path, and it writes to six tables. Row by row that is six round trips
and a hundred values to adapt and quote, several times the work that PostgreSQL has with them.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import connection, models

from approvals.models.proposal import Proposal

# Each access to a history manager makes it anew.
_History = Proposal.history.model


class Statement(NamedTuple):
    """A statement with its parameters, to be sent along."""

    sql: str
    parameters: Sequence[Any]


def insert_together(rows: Sequence[models.Model], *then: Statement) -> None:
    """Insert `rows`, each new and of any model, and carry out `then`, all in one round trip.

    A row travels as one JSON object, which PostgreSQL turns into the table's own types. Constraints and
    triggers hold as ever. `save()`, its signals and fields' own conversions are not called, and keys that
    the database makes are not read back.
    """
    statements: list[str] = []
    parameters: list[Any] = []
    for row in rows:
        sql, columns = _insert(type(row))
        statements.append(sql)
        parameters.append(_JSON.encode({column: getattr(row, name) for column, name in columns}))
        row._state.adding = False  # noqa: SLF001  # what save() does
    for each in then:
        statements.append(each.sql)
        parameters.extend(each.parameters)
    with connection.cursor() as cursor:
        cursor.execute("; ".join(statements), parameters)


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


def first_history(proposal: Proposal, *, at: datetime) -> models.Model:
    """Return the row, unsaved, with which the field history of a new proposal begins."""
    tracked: dict[str, Any] = {field.attname: getattr(proposal, field.attname) for field in _History.tracked_fields}
    row: models.Model = _History(history_date=at, history_type="+", **tracked)
    return row
