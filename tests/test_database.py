"""After a test that commits, the database is as the migrations left it."""

import threading

import pytest
from django.contrib.auth.models import Permission
from django.db import connection

from policies.models import EVERYWHERE, KillSwitch
from tests import kept, world
from tests.database import Emptier

pytestmark = pytest.mark.django_db(transaction=True)


def rows():
    with connection.cursor() as cursor:
        return {table: lines for table, lines in kept._rows(cursor).items() if lines}


@pytest.fixture
def emptier():
    return Emptier()


def test_what_was_written_is_gone_and_what_the_migrations_made_is_back(emptier):
    before = rows()
    world.build()
    KillSwitch.objects.filter(scope=EVERYWHERE).update(reason="Changed.")
    Permission.objects.filter(codename="view_proposal").delete()
    assert rows() != before
    emptier.empty()
    assert rows() == before


def test_a_large_table_is_emptied_too(emptier):
    before = rows()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_session SELECT n::text, repeat(n::text, 100), now() FROM generate_series(1, 9000) n"
        )
    emptier.empty()
    assert rows() == before


def test_it_waits_for_who_still_writes(emptier):
    before, wrote, end = rows(), threading.Event(), threading.Event()

    def write():
        try:
            with connection.cursor() as cursor:
                cursor.execute("BEGIN; INSERT INTO django_session VALUES ('late', '', now())")
                wrote.set()
                end.wait(10)
                cursor.execute("COMMIT")
        finally:
            connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    wrote.wait(10)
    threading.Timer(0.2, end.set).start()
    emptier.empty()
    thread.join()
    assert rows() == before
