"""What all tests share."""

import os
import random
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pgtrigger
import pytest
from django.conf import settings
from django.db import connection
from django.db.backends.postgresql.operations import DatabaseOperations
from pytest_django import DjangoDbBlocker

from hitlportal.embedded.placement import place
from tests import database

# How fast a busy machine makes up examples, or works through one, says nothing about the code.
hypothesis.settings.register_profile("busy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("busy")

# Between tests with transactions Django empties all tables, also those that nobody may empty.
_flush = DatabaseOperations.execute_sql_flush


def _flush_what_is_protected(self: DatabaseOperations, statements: list[str]) -> None:
    with pgtrigger.ignore(*(f"audit.{name}:never_emptied" for name in ("Entry", "Leaf", "Tile", "Checkpoint"))):
        _flush(self, statements)


DatabaseOperations.execute_sql_flush = _flush_what_is_protected

SERVICES = {"redis": "REDIS_URL", "system_postgres": "DATABASE_URL"}


def pytest_configure(config: pytest.Config) -> None:
    """Forget messages of earlier runs; the workers of a parallel run leave that to its head."""
    if not hasattr(config, "workerinput"):
        shutil.rmtree(settings.BROKER_DIR / "messages", ignore_errors=True)
    (settings.BROKER_DIR / "messages").mkdir(parents=True, exist_ok=True)


LONG = (
    "tests/hitlportal/demo/", "tests/hitlportal/processes/", "tests/browser/", "tests/approvals/shipping/",
    "tests/approvals/lifecycle/", "tests/hitlportal/test_odd_values.py", "tests/hitlportal/test_admin_crawl.py",
    "tests/approvals/api/contract/",
)  # fmt: skip
"""Where the tests are that take long. They come first, so that at the end every worker has something to do."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes long first; skip what needs a service that the environment does not name."""
    items.sort(key=lambda item: next((place for place, part in enumerate(LONG) if item.nodeid.startswith(part)), 99))
    for item in items:
        for mark, variable in SERVICES.items():
            if item.get_closest_marker(mark) and not os.environ.get(variable):
                item.add_marker(pytest.mark.skip(reason=f"{variable} is not set"))


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None,
    django_db_blocker: DjangoDbBlocker,
    django_db_keepdb: bool,
    django_db_createdb: bool,
    django_db_modify_db_settings: None,
) -> Iterator[None]:
    """The test database, copied from a template and emptied by what was written; in place of Django's own."""
    own = connection.settings_dict["NAME"]
    with pytest.MonkeyPatch.context() as monkeypatch:
        with django_db_blocker.unblock():
            database.start_server(monkeypatch)
            name = database.prepare(keep=django_db_keepdb and not django_db_createdb)
            database.empty_by(database.Emptier(), monkeypatch)
        yield
        if not django_db_keepdb:
            with django_db_blocker.unblock():
                database.drop(name, own)


@pytest.fixture(autouse=True)
def repeatable_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw the same samples in each run: a test that one in ten runs gets a sample for would fail once a week."""
    monkeypatch.setattr("approvals.shipping.sampling._CHANCE", random.Random(0))


@pytest.fixture
def unused_port() -> int:
    """A TCP port of this machine on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def state_folder() -> Iterator[Path]:
    """A state folder of the test's own, and with it whatever an embedded PostgreSQL keeps elsewhere.

    pytest's temporary folders are closed to the user that root runs PostgreSQL as.
    """
    settings.VAR_DIR.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.VAR_DIR, prefix="state-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        for postgres in (folder / "postgres", folder / "home" / "postgres"):
            if postgres.exists():
                elsewhere = place(postgres).data.parent
                if not elsewhere.is_relative_to(folder):
                    shutil.rmtree(elsewhere)


@pytest.fixture
def migrated_folder(state_folder: Path, django_db_setup: None) -> Path:
    """A state folder whose database is migrated, so that a program that starts on it is soon ready."""
    database.put_into(state_folder / "postgres")
    return state_folder
