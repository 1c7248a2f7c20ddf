"""Connections that are looked at instead of asked, and transactions that begin with their first statement."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import ProgrammingError, connection, transaction
from django.db.utils import load_backend
from django.test.utils import CaptureQueriesContext
from psycopg.pq import TransactionStatus

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _no_roles() -> None:
    Group.objects.all().delete()


@pytest.fixture
def other() -> Iterator[Any]:
    """Another connection to the same database."""
    settings = connection.settings_dict
    second = load_backend(settings["ENGINE"]).DatabaseWrapper(settings, alias="default")
    yield second
    second.close()


def state() -> TransactionStatus:
    return connection.connection.info.transaction_status


def ask(sql: str, *parameters: Any, by: Any = connection) -> Any:
    with by.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchone()


@contextmanager
def rolled_back() -> Iterator[None]:
    """A transaction that comes to nothing."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def make(name: str) -> None:
    Group.objects.create(name=name)


def test_a_transaction_begins_with_its_first_statement_in_one_message(other):
    (pid,) = ask("SELECT pg_backend_pid()")
    with transaction.atomic():
        assert state() == TransactionStatus.IDLE
        assert ask("SELECT %s::int + 1", 2) == (3,)
        assert state() == TransactionStatus.INTRANS
        (message,) = ask("SELECT query FROM pg_stat_activity WHERE pid = %s", pid, by=other)
    assert message == "BEGIN;SELECT 2::int + 1"
    assert state() == TransactionStatus.IDLE


def test_a_transaction_that_asks_nothing_sends_nothing():
    with CaptureQueriesContext(connection) as captured, transaction.atomic():
        pass
    assert len(captured) == 0


def test_what_fails_is_rolled_back_whole():
    with rolled_back():
        make("one")
    assert not Group.objects.exists()


def test_a_message_that_cannot_be_read_begins_nothing_and_the_next_one_does():
    with rolled_back():
        with pytest.raises(ProgrammingError):
            ask("SELEKT 1")
        make("one")
        assert state() == TransactionStatus.INTRANS
    assert not Group.objects.exists()


def test_a_statement_may_bring_its_commit_and_what_follows_is_a_transaction_again():
    with rolled_back():
        make("one")
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1; COMMIT")
        make("two")
    assert [each.name for each in Group.objects.all()] == ["one"]


def test_a_savepoint_may_come_first():
    with transaction.atomic():
        with rolled_back():
            make("one")
        make("two")
    assert [each.name for each in Group.objects.all()] == ["two"]


def test_rows_may_be_locked_while_they_are_read_one_by_one():
    make("one")
    with transaction.atomic():
        assert [each.name for each in Group.objects.select_for_update().iterator()] == ["one"]
        assert state() == TransactionStatus.INTRANS
    assert [each.name for each in Group.objects.iterator()] == ["one"]


def test_many_parameters_and_copies_begin_a_transaction():
    with rolled_back():
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO portal_cache VALUES (%s, '', now())", [("a",), ("b",)])
        assert state() == TransactionStatus.INTRANS
    with rolled_back(), connection.cursor() as cursor, cursor.copy("COPY portal_cache FROM STDIN") as copying:
        copying.write_row(("a", "", "2026-11-28"))
    assert ask("SELECT count(*) FROM portal_cache WHERE cache_key IN ('a', 'b')") == (0,)


def test_a_connection_in_use_is_not_asked_whether_it_is_there(other):
    (pid,) = ask("SELECT pg_backend_pid()")
    assert connection.is_usable()
    (last,) = ask("SELECT query FROM pg_stat_activity WHERE pid = %s", pid, by=other)
    assert last == "SELECT pg_backend_pid()"


def test_a_connection_that_the_server_has_ended_is_noticed(other):
    (pid,) = ask("SELECT pg_backend_pid()")
    assert ask("SELECT pg_terminate_backend(%s, 5000)", pid, by=other) == (True,)
    assert not connection.is_usable()
    connection.health_check_done = False
    assert ask("SELECT 1") == (1,)


def test_with_an_isolation_level_of_its_own_psycopg_begins():
    settings = {**connection.settings_dict, "OPTIONS": {"isolation_level": 4}}
    second = load_backend(settings["ENGINE"]).DatabaseWrapper(settings, alias="default")
    try:
        second.set_autocommit(False)
        assert ask("SHOW transaction_isolation", by=second) == ("serializable",)
        second.rollback()
    finally:
        second.close()
