"""Functions in the database for what every call of an agent asks.

PostgreSQL plans a statement anew each time it comes, and for these reads that takes it several times as long as to
carry them out. Inside a function a plan is made once for each connection, also where a pooler hands connections out.
They are written anew after each migration where their text has changed.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate

_INSTALLED: Final = "SELECT obj_description(to_regproc(%s), 'pg_proc')"


class StoredFunction(NamedTuple):
    """A function of PL/pgSQL: its name, its parameters with `OUT` ones, and what stands between BEGIN and END."""

    name: str
    parameters: str
    body: str

    @property
    def definition(self) -> str:
        """Return the statement that makes the function.

        A plan that fits whatever is asked is kept from the first call on, and goes by an index however few rows
        there were when it was made.
        """
        return (
            f"CREATE FUNCTION {self.name} ({self.parameters}) LANGUAGE plpgsql"
            " SET plan_cache_mode = force_generic_plan SET enable_seqscan = off"
            f" AS $body$ BEGIN {self.body} END $body$"
        )


def naming(sql: str, *names: str) -> str:
    """Return a statement as it stands in a function whose parameters are called `the_` and what it calls them."""
    return sql % {name: f"the_{name}" for name in names}


KEPT: Final[list[StoredFunction]] = []
"""All that are made after migrations."""


def install_after_migrations(app: AppConfig, functions: Sequence[StoredFunction]) -> None:
    """Have `functions` made once the tables of `app` are up to date."""
    KEPT.extend(functions)

    def install_all(*, using: str, **_: Any) -> None:
        for function in functions:
            install(function, using=using)

    post_migrate.connect(install_all, sender=app, weak=False, dispatch_uid=f"stored_functions.{app.label}")


def install(function: StoredFunction, *, using: str = "default") -> None:
    """Make `function`, unless it is there as it should be."""
    digest = sha256(function.definition.encode()).hexdigest()
    with connections[using].cursor() as cursor:
        cursor.execute(_INSTALLED, [function.name])
        if cursor.fetchone() == (digest,):
            return
        cursor.execute(
            f"DROP FUNCTION IF EXISTS {function.name}; {function.definition.replace('%', '%%')};"
            f" COMMENT ON FUNCTION {function.name} IS %s",
            [digest],
        )
