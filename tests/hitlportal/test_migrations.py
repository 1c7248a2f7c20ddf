import re
import subprocess
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor

from hitlportal.embedded.placement import place

FIRST = [(app, "0001_initial") for app in ("audit", "policies", "approvals", "hitlportal")]
# Made with the chain of migrations from which the first of each app was drawn together.
EXPECTED = Path(__file__).parent / "first_schema.sql"
OURS = re.compile(r"\b(?:approvals|audit|policies|portal|hitlportal)_|pgtrigger_")


@pytest.fixture(scope="module")
def first(django_db_setup, django_db_blocker):
    """A connection to an empty database of its own, which then has the first migration of each app."""
    if settings.DATABASES["default"]["ENGINE"] != "hitlportal.embedded":
        pytest.skip("the embedded PostgreSQL's pg_dump dumps the embedded PostgreSQL only")
    name = f"{connection.settings_dict['NAME']}_first"
    with django_db_blocker.unblock():
        with connection.cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')
            cursor.execute(f'CREATE DATABASE "{name}"')
        connections.settings["first"] = {**connection.settings_dict, "NAME": name}
        try:
            MigrationExecutor(connections["first"]).migrate(FIRST)
            yield connections["first"]
        finally:
            connections["first"].close()
            del connections["first"], connections.settings["first"]
            with connection.cursor() as cursor:
                cursor.execute(f'DROP DATABASE "{name}"')


def dump(database):
    """Return the schema as pg_dump writes it."""
    parameters = database.settings_dict
    program = place(Path(parameters["FOLDER"])).binaries / "pg_dump"
    command = [program, "--schema-only", "--no-owner", "-h", parameters["HOST"], "-U", parameters["USER"]]
    return subprocess.run([*command, parameters["NAME"]], capture_output=True, text=True, check=True).stdout


def normalised(text):
    """Return the statements about our tables in one order, and the columns of each table in one order."""
    statements = []
    for part in re.split(r"^--\n-- Name: .*\n--\n", text, flags=re.MULTILINE)[1:]:
        lines = [
            line.rstrip() for line in part.splitlines() if line.strip() and not line.startswith(("SET ", "--", "\\"))
        ]
        if lines[0].startswith(("CREATE TABLE", "CREATE UNLOGGED TABLE")):
            lines[1:-1] = sorted(line.rstrip(",") for line in lines[1:-1])
        statement = "\n".join(lines)
        if OURS.search(statement):
            statements.append(statement)
    return sorted(statements)


def test_first_migrations_build_the_schema_of_the_chain_before_them(first):
    assert normalised(dump(first)) == EXPECTED.read_text().rstrip("\n").split("\n\n")


def test_first_migrations_set_up_the_kill_switch_for_everything(first):
    with first.cursor() as cursor:
        cursor.execute("SELECT scope, is_engaged, reason FROM policies_killswitch")
        assert cursor.fetchall() == [("everywhere", False, "")]
