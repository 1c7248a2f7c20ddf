"""Databases that another version of the portal made."""

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from hitlportal.health import versions
from hitlportal.processes import portal

pytestmark = pytest.mark.django_db


@pytest.fixture
def older():
    """The database as the chain of migrations left it that came before the first ones of today."""
    recorder = MigrationRecorder(connection)
    recorder.record_applied("approvals", "0002_limits_conflicts")
    recorder.record_applied("policies", "0002_everywhere")


def test_a_database_of_this_version_is_known():
    assert versions.unknown_migrations() == []
    versions.require_known()


def test_migrations_of_other_apps_are_nobodys_concern():
    MigrationRecorder(connection).record_applied("somebody", "0001_initial")
    assert versions.unknown_migrations() == []


def test_an_older_database_is_refused_and_told_what_to_do(older, settings):
    with pytest.raises(versions.OtherVersion) as refused:
        portal.prepare()
    told = str(refused.value)
    assert "does not know approvals.0002_limits_conflicts (and 1 more)" in told
    assert "Nothing was changed" in told
    if settings.ENVIRONMENT.database_url:
        assert "set DATABASE_URL to an empty database" in told
    else:
        assert f"move {settings.VAR_DIR} away" in told


def test_a_refused_database_can_be_prepared_by_nobody_but_blocks_nobody(older):
    for _attempt in range(2):  # the lock is given back each time
        with pytest.raises(versions.OtherVersion):
            portal.prepare()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        assert cursor.fetchone() == (0,)
