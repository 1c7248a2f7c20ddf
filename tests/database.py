"""The test database: migrated once for all workers and runs, copied for each, emptied after tests that commit.

The template is named by a digest of all it is made from, so that a change of any of it makes another one.
Emptying touches only tables that a test has written, and leaves what the migrations leave.
"""

import fcntl
import hashlib
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString, cast

import psycopg
import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django.test import TransactionTestCase

from hitlportal.embedded import base, server
from hitlportal.embedded.placement import place
from policies.stored_functions import KEPT

# What is lost with the machine is made again by the next run.
FAST: dict[str, str] = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "jit": "off",
    "max_wal_size": "2GB",
}
MADE_FROM = ("migrations/*.py", "models/**/*.py", "models.py", "apps.py")
TEMPLATE = "test_template_"
LARGE = 1 << 20
"""Bytes from which a table is truncated: that takes as long for few rows as for many."""


def start_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start the embedded PostgreSQL for tests; where `DATABASE_URL` names another, that is as it is."""
    with monkeypatch.context() as patched:
        for name, value in FAST.items():
            patched.setitem(server.SERVER_OPTIONS, name, value)
        with connection._nodb_cursor():
            pass


def prepare(*, keep: bool) -> str:
    """Point the connection at a migrated test database and return its name; with `keep`, that of the last run."""
    name = connection.creation._get_test_db_name()
    template = TEMPLATE + _digest()
    connection.close()
    with _alone(), connection._nodb_cursor() as cursor:
        cursor.execute("SELECT datname, shobj_description(oid, 'pg_database') FROM pg_database")
        known: dict[str, str] = dict(cursor.fetchall())
        if template not in known:
            for stale in (one for one in known if one.startswith(TEMPLATE)):
                cursor.execute(f'DROP DATABASE IF EXISTS "{stale}"')
            _make(cursor, template)
        if not keep or known.get(name) != template:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
            cursor.execute(f"COMMENT ON DATABASE \"{name}\" IS '{template}'")
    _point_at(name)
    return name


def put_into(folder: Path) -> None:
    """Lay out an embedded PostgreSQL whose database is as the migrations leave it, for a program to start on.

    Where `DATABASE_URL` names another server, nothing is laid out, and the program migrates by itself.
    """
    if settings.DATABASES["default"]["ENGINE"] != base.ENGINE:
        return
    laid_out = server.EmbeddedPostgres(folder)
    address = {"host": str(laid_out.ensure_running()), "user": server.SUPERUSER, "dbname": server.DATABASE}
    with psycopg.connect(**address) as new:
        new.execute(_dump())
    laid_out.leave()


def _dump() -> LiteralString:
    """The template as statements, made once."""
    template = TEMPLATE + _digest()
    file = settings.VAR_DIR / f"{template}.sql"
    with _alone():
        if not file.exists():
            parameters = connection.settings_dict
            program = place(Path(parameters["FOLDER"])).binaries / "pg_dump"
            command = [program, "--inserts", "--rows-per-insert=500", "--no-owner", "-h", parameters["HOST"]]
            text = subprocess.run(
                [*command, "-U", parameters["USER"], template], capture_output=True, text=True, check=True
            ).stdout
            draft = file.with_suffix(".draft")
            # What begins with a backslash is for psql.
            draft.write_text("".join(line for line in text.splitlines(keepends=True) if not line.startswith("\\")))
            draft.rename(file)
        return cast(LiteralString, file.read_text())


def drop(name: str, own: str) -> None:
    """Drop a test database, and point the connection at the portal's own again."""
    connection.close()
    _point_at(own)
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _make(cursor: Any, template: str) -> None:
    """Migrate a draft, and give it the template's name once it is whole."""
    own, draft = connection.settings_dict["NAME"], f"{template}_draft"
    cursor.execute(f'DROP DATABASE IF EXISTS "{draft}"')
    cursor.execute(f'CREATE DATABASE "{draft}"')
    _point_at(draft)
    try:
        call_command("migrate", verbosity=0, interactive=False, run_syncdb=True)
    finally:
        connection.close()
        _point_at(own)
    cursor.execute(f'ALTER DATABASE "{draft}" RENAME TO "{template}"')


def _point_at(name: str) -> None:
    settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = name


def _digest() -> str:
    """A digest of all that the schema, its functions and the migrations' rows are made from."""
    digest = hashlib.sha256((settings.BASE_DIR / "requirements-dev.lock").read_bytes())
    for app in sorted(apps.get_app_configs(), key=lambda config: config.name):
        for pattern in MADE_FROM:
            for file in sorted(Path(app.path).glob(pattern)):
                digest.update(file.as_posix().encode() + b"\0" + file.read_bytes())
    for function in KEPT:
        digest.update(function.definition.encode())
    return digest.hexdigest()[:16]


@contextmanager
def _alone() -> Iterator[None]:
    """Let one worker make the template, and the others wait for it."""
    settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
    with (settings.VAR_DIR / "template.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Emptier:
    """Knows what the migrations leave in each table, and makes it so again."""

    def __init__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
            tables = {name for (name,) in cursor.fetchall()} - {"django_migrations"}
            cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
            self.is_possible = bool(cursor.fetchone()[0])
            """Whether triggers can be passed over: that takes a superuser."""
            self.rows = {table: _literal(cursor, table) for table in sorted(tables)}
            written = " UNION ALL ".join(self._written(cursor, table) for table in self.rows)
        lock = ", ".join(f'"{table}"' for table in self.rows)
        # A writer that is not done is waited for, as a TRUNCATE waits.
        self._find = f"LOCK TABLE {lock} IN EXCLUSIVE MODE; {written}"

    def _written(self, cursor: Any, table: str) -> str:
        name = f"SELECT '{table}', pg_relation_size('{table}')"
        if not self.rows[table]:
            return f'{name} WHERE EXISTS (SELECT FROM "{table}")'
        sum_ = f"SELECT md5(string_agg(one::text, E'\\n' ORDER BY one::text)) FROM \"{table}\" AS one"
        cursor.execute(sum_)
        return f"{name} WHERE ({sum_}) IS DISTINCT FROM '{cursor.fetchone()[0]}'"

    def empty(self) -> None:
        """Make all tables as the migrations left them; sequences go on."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(self._find)
            cursor.nextset()
            sizes = dict(cursor.fetchall())
            if not sizes:
                return
            words = ["SET LOCAL session_replication_role = replica"]
            if max(sizes.values()) > LARGE:
                words.append(f"TRUNCATE {', '.join(self.rows)}")
                sizes = dict.fromkeys(self.rows, 0)
            else:
                words += [f'DELETE FROM "{table}"' for table in sizes]
            words += [self.rows[table] for table in sizes if self.rows[table]]
            cursor.execute(";".join(words))


def _literal(cursor: Any, table: str) -> str:
    """A statement that puts back the rows of a table, or nothing if it has none."""
    cursor.execute(f'SELECT one::text FROM "{table}" AS one')
    return insertion(cursor, table, [row for (row,) in cursor.fetchall()])


def insertion(cursor: Any, table: str, rows: list[str]) -> str:
    """A statement that puts rows, written as PostgreSQL writes them, into a table; nothing for none."""
    if not rows:
        return ""
    cursor.execute(
        "SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
        " AND NOT attisdropped AND attgenerated = '' ORDER BY attnum",
        [table],
    )
    columns = ", ".join(name for (name,) in cursor.fetchall())
    values = ", ".join("'" + row.replace("'", "''") + "'" for row in rows)
    return (
        f'INSERT INTO "{table}" ({columns}) OVERRIDING SYSTEM VALUE'
        f' SELECT {columns} FROM unnest(ARRAY[{values}]::"{table}"[])'
    )


def empty_by(emptier: Emptier, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `emptier` do what Django does by truncating every table and making every permission again."""

    def teardown(case: TransactionTestCase) -> None:
        assert not case.reset_sequences
        assert not case.serialized_rollback
        emptier.empty()

    if emptier.is_possible:
        monkeypatch.setattr(TransactionTestCase, "_fixture_teardown", teardown)
