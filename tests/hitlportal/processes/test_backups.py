"""Backup and restore, as docs/operations.md tells it: nothing ships from a restored portal before people say so."""

import io
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection

from approvals.models import Dispatch
from approvals.shipping import delivery
from audit.clock import database_now
from hitlportal.processes import backups
from hitlportal.processes.backups import Archive, BackupRefused, Client
from hitlportal.processes.supervisor import leashed
from policies.models import EVERYWHERE, Connector, KillSwitch, Surface
from tests import world as worlds
from tests.approvals.far_side import CONNECTOR_SECRET, executing
from tests.proofs import assert_invariants_hold

PASSWORD = "a long enough password"
FIFTEEN, SIXTEEN, EIGHTEEN = (Client(major, Path(f"/usr/lib/postgresql/{major}/bin")) for major in (15, 16, 18))


@pytest.mark.parametrize(
    ("known", "server", "expected"),
    [
        pytest.param([EIGHTEEN, FIFTEEN], 15, FIFTEEN, id="its-own"),
        pytest.param([EIGHTEEN, FIFTEEN], 16, EIGHTEEN, id="the-next-newer"),
        pytest.param([FIFTEEN], 18, "pg_dump here is of version 15: an older one cannot read it", id="debians-15"),
        pytest.param([], 15, "not installed", id="none"),
    ],
)
def test_what_dumps_is_no_older_than_the_server(known, server, expected):
    if isinstance(expected, Client):
        assert backups.to_dump(known, server=server) == expected
    else:
        with pytest.raises(BackupRefused, match=expected):
            backups.to_dump(known, server=server)


@pytest.mark.parametrize(
    ("known", "made", "server", "expected"),
    [
        pytest.param([EIGHTEEN, FIFTEEN], (18, 18), 18, EIGHTEEN, id="18-into-18"),
        pytest.param([EIGHTEEN, FIFTEEN], (15, 15), 18, EIGHTEEN, id="15-into-18"),
        pytest.param([EIGHTEEN, SIXTEEN, FIFTEEN], (15, 15), 15, SIXTEEN, id="15-into-15"),
        pytest.param([FIFTEEN], (18, 18), 18, "needs pg_restore of version 18", id="debians-15"),
        pytest.param([EIGHTEEN], (15, 15), 15, "postgresql-client-15", id="18-writes-what-15-does-not-know"),
        pytest.param([EIGHTEEN, FIFTEEN], (18, 18), 15, "this server is older", id="18-into-15"),
    ],
)
def test_what_restores_fits_backup_and_server(known, made, server, expected):
    archive = Archive(made_at="today", server=made[0], client=made[1])
    if isinstance(expected, Client):
        assert backups.to_restore(known, archive, server=server) == expected
    else:
        with pytest.raises(BackupRefused, match=expected):
            backups.to_restore(known, archive, server=server)


def test_the_programs_that_come_with_the_portal_are_found():
    assert 18 in {client.major for client in backups.clients()}


def run(*words):
    out = io.StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


@contextmanager
def in_database(name):
    """Work in another database of the same server."""
    own = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = own


@pytest.fixture
def elsewhere(transactional_db):
    """The name of an empty database on the same server."""
    name = f"restored_{os.getpid()}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    yield name
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def world(transactional_db):
    return worlds.build()


def procedure():
    """The commands that docs/operations.md names for restoring, in their order."""
    manual = (settings.BASE_DIR / "docs/operations.md").read_text(encoding="utf-8")
    part = manual.partition("\n## Backup and restore")[2].partition("\n## ")[0]
    return re.findall(r"`manage\.py ([^`]+)`", part.partition("To restore:")[2])


def address_of(name):
    params = connection.get_connection_params()
    return f"postgres://{params['user']}@/{name}?host={params['host']}"


@contextmanager
def held_portal(database, state_folder, port):
    """The restored portal as `serve --held` runs it."""
    keys = {name: getattr(settings, name) for name in ("SECRET_KEY", "GRANT_SIGNING_KEY", "LEDGER_SIGNING_KEY")}
    env = {**os.environ, **keys, "DATABASE_URL": address_of(database), "VAR_DIR": str(state_folder), "PORT": str(port)}
    process = subprocess.Popen(
        leashed([sys.executable, "manage.py", "serve", "--held"]),
        cwd=settings.BASE_DIR, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, env={**env, "WEB_WORKERS": "1", "SITE_URL": settings.SITE_URL, "REDIS_URL": ""},
    )  # fmt: skip
    try:
        said = ""
        while "is ready" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        assert said.index("Held: nothing ships") < said.index("is ready")
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=40)


def wait_until(true, seconds=90):
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.1)


def type_in(monkeypatch, text):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{text}\n"))


@pytest.mark.django_db(transaction=True)
def test_a_restored_portal_ships_nothing_until_people_release_it(
    world, elsewhere, state_folder, unused_port, monkeypatch, settings, tmp_path
):
    backup_, restore_, prove_, serve_, compare_, ask_, agree_ = procedure()
    with executing() as far:
        Connector.objects.filter(slug="ads").update(url=far.url, secret=CONNECTOR_SECRET)
        shipped, later, due = (world.approve(world.propose(targets=[f"campaign:{n}"])) for n in range(3))
        Dispatch.objects.exclude(proposal=shipped).update(next_attempt_at=database_now() + timedelta(hours=1))
        delivery.ship_due()
        worlds.publishers()
        Session.objects.create(session_key="k" * 32, session_data="", expire_date=database_now() + timedelta(days=1))
        file = tmp_path / "portal.dump"
        run(*backup_.replace("FILE", str(file)).split())
        assert file.stat().st_mode & 0o777 == 0o600
        Dispatch.objects.filter(proposal=later).update(next_attempt_at=database_now())
        delivery.ship_due()  # after the backup: the restored portal does not know
        first_two = [str(one.pk) for one in Dispatch.objects.filter(proposal__in=[shipped, later]).order_by("pk")]
        assert [message.id for message in far.seen] == first_two

        with in_database(elsewhere):
            told = run(*restore_.replace("FILE", str(file)).split())
            assert "nothing ships until two people release it" in told.lower()
            switch = KillSwitch.objects.get(scope=EVERYWHERE)
            assert switch.is_engaged
            assert switch.engaged_by_name.startswith("restore on ")
            assert not Session.objects.exists()
            run(*prove_.split())
            Dispatch.objects.filter(status="waiting").update(next_attempt_at=database_now())
            connection.close()
            assert serve_ == "serve --held"
            with held_portal(elsewhere, state_folder, unused_port):
                time.sleep(2)
                assert "Restored from the backup of" in run(*compare_.split())
                assert (len(far.seen), Dispatch.objects.filter(fence__gt=0).count()) == (2, 1)
                for words, name in ((ask_, "publisher"), (agree_, "second-publisher")):
                    type_in(monkeypatch, PASSWORD)
                    call_command(*(name if word == "USERNAME" else word.strip('"') for word in split(words)))
                wait_until(lambda: Dispatch.objects.filter(status="delivered").count() == 3)
            assert_invariants_hold()
    third = str(Dispatch.objects.get(proposal=due).pk)
    assert sorted(message.id for message in far.seen) == sorted([*first_two, first_two[1], third])
    assert len(far.executed) == 3  # the receiver remembers ids, so the repeat of the second did nothing


def split(words):
    return re.findall(r'"[^"]*"|\S+', words)


@pytest.mark.django_db(transaction=True)
def test_restoring_asks_and_is_refused_while_somebody_is_connected(world, elsewhere, monkeypatch, tmp_path):
    file = tmp_path / "portal.dump"
    run("backup", str(file))
    with pytest.raises(CommandError, match="exists already"):
        run("backup", str(file))
    with in_database(elsewhere):
        run("restore", str(file))  # it is empty, so there is nothing to ask
        Surface.objects.filter(slug="pricing").update(name="Changed since")
        type_in(monkeypatch, "yes")
        with pytest.raises(CommandError, match="Nothing was changed"):
            run("restore", str(file))
        params = connection.get_connection_params()
        as_a_worker_is = psycopg.connect(host=params["host"], user=params["user"], dbname=elsewhere)
        with as_a_worker_is, pytest.raises(CommandError, match="portal is running"):
            run("restore", str(file), "--no-input")
        assert Surface.objects.get(slug="pricing").name == "Changed since"
        type_in(monkeypatch, elsewhere)
        run("restore", str(file))
        assert Surface.objects.get(slug="pricing").name == "pricing"


@pytest.mark.django_db(transaction=True)
def test_what_is_no_backup_changes_nothing(world, elsewhere, tmp_path):
    (tmp_path / "letter.txt").write_text("Dear restore")
    whole = tmp_path / "portal.dump"
    run("backup", str(whole))
    broken = tmp_path / "broken.dump"
    broken.write_bytes(whole.read_bytes()[:-100])
    with in_database(elsewhere):
        run("restore", str(whole))
        before = list(KillSwitch.objects.values_list("scope", "engaged_at"))
        for file in (tmp_path / "nowhere", tmp_path / "letter.txt", broken):
            with pytest.raises(
                CommandError, match=r"no file|pg_restore of version \d+ failed, and nothing was changed"
            ):
                run("restore", str(file), "--no-input")
        assert list(KillSwitch.objects.values_list("scope", "engaged_at")) == before
