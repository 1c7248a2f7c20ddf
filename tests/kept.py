"""What many tests start from, built once by the use cases and put back at once for the others.

The first test of a process builds it and the rows are kept as PostgreSQL writes them, with the value that was
returned. Each later test gets the same rows, without the second or two of forms, checks and histories behind
them. A database in which anything of it, or of the policy, is there already gets it built again instead.
"""

import functools
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from django.db import connection, transaction

from tests.database import insertion

P = ParamSpec("P")
R = TypeVar("R")
READ = "policies_"
"""What the tables of these names hold changes what is built, so that they are looked at too."""


@dataclass(frozen=True)
class Kept:
    database: str
    look: str
    """Asks whether the database is as it was before the building."""
    put: str
    """Puts the rows back."""
    value: bytes


def kept(build: Callable[P, R]) -> Callable[P, R]:
    """Let `build`, which starts from an empty database, do its work once for each set of arguments."""
    all_kept: dict[bytes, Kept] = {}

    @functools.wraps(build)
    def built(*args: P.args, **options: P.kwargs) -> R:
        key = pickle.dumps((args, sorted(options.items())))
        one = all_kept.get(key)
        if one is None or one.database != connection.settings_dict["NAME"]:
            value, kept_one = _build_and_keep(lambda: build(*args, **options))
            if kept_one is not None:
                all_kept[key] = kept_one
            return value
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(one.look)
            is_the_same = cursor.fetchone()[0]
            if is_the_same:
                cursor.execute(one.put)
        return pickle.loads(one.value) if is_the_same else build(*args, **options)

    return built


def _build_and_keep(build: Callable[[], R]) -> tuple[R, Kept | None]:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
            if not cursor.fetchone()[0]:  # then triggers cannot be passed over
                return build(), None
            before = _rows(cursor)
        value = build()
        with connection.cursor() as cursor:
            after = _rows(cursor)
            if any(before[table] - after[table] for table in before):
                return value, None
            added = {table: sorted(after[table] - before[table]) for table in before}
            put = [insertion(cursor, table, rows) for table, rows in added.items() if rows]
        looked_at = [table for table, rows in added.items() if rows or table.startswith(READ)]
        look = " AND ".join(f'(SELECT count(*) FROM "{table}") = {len(before[table])}' for table in looked_at)
        words = ["SET LOCAL session_replication_role = replica", *put, "SET LOCAL session_replication_role = origin"]
        return value, Kept(connection.settings_dict["NAME"], f"SELECT {look}", ";".join(words), pickle.dumps(value))


def _rows(cursor: Any) -> dict[str, set[str]]:
    """Every row of every table, as PostgreSQL writes it."""
    cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
    rows: dict[str, set[str]] = {}
    for (table,) in cursor.fetchall():
        cursor.execute(f'SELECT one::text FROM "{table}" AS one')
        rows[table] = {row for (row,) in cursor.fetchall()}
    return rows
