"""The whole portal as one command, in a state folder of its own."""

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from hitlportal.embedded.placement import place
from hitlportal.embedded.server import DATABASE, SUPERUSER, EmbeddedPostgres
from hitlportal.processes.supervisor import leashed

# With Django it had 138.
SUPERVISOR_MIB = 40
CHECKOUT = Path(__file__).resolve().parent.parent.parent.parent


class Portal:
    """A started `manage.py serve` and what it has printed so far."""

    def __init__(self, port, env, words=()):
        self.address = f"http://127.0.0.1:{port}"
        self.lines = []
        self._queue = queue.Queue()
        self.process = subprocess.Popen(
            leashed([sys.executable, "manage.py", "serve", *words]),
            cwd=CHECKOUT,
            env={**os.environ, "DEBUG": "true", "LOG_LEVEL": "INFO", "PORT": str(port), **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line)
            self._queue.put(line)
        self._queue.put(None)

    def wait_for(self, part, seconds=180):
        deadline = time.monotonic() + seconds
        while (line := self._queue.get(timeout=max(0.1, deadline - time.monotonic()))) is not None:
            if part in line:
                return line
        pytest.fail(f"never said {part!r}:\n{''.join(self.lines)}")

    def children(self):
        children = psutil.Process(self.process.pid).children()
        return {child.pid: " ".join(child.cmdline()) for child in children}

    def end(self, number):
        children = self.children()
        self.process.send_signal(number)
        code = self.process.wait(timeout=120)
        assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]
        return code


@pytest.fixture
def serve(state_folder, unused_port):
    started = []

    def start(*words, **env):
        started.append(Portal(unused_port, {"VAR_DIR": str(state_folder), **env}, words))
        return started[-1]

    yield start
    for portal in started:
        if portal.process.poll() is None:
            portal.end(signal.SIGTERM)


@pytest.fixture
def embedded(serve, state_folder):
    return serve(DATABASE_URL="", REDIS_URL="")


def wait_for_heartbeats(folder, wanted):
    """Return once these programs have said in the database that they run."""
    database = {"host": str(place(folder / "postgres").socket), "user": SUPERUSER, "dbname": DATABASE}
    until, seen = time.monotonic() + 90, set()
    with psycopg.connect(**database, autocommit=True) as connection:
        while not wanted <= seen:
            assert time.monotonic() < until, seen
            seen = {name for (name,) in connection.execute("SELECT program FROM approvals_heartbeat")}
            time.sleep(0.1)


def pss(pid):
    """MiB of one process, with its part of what it shares."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def test_it_says_when_it_is_ready_and_ends_cleanly(embedded, state_folder):
    line = embedded.wait_for("is ready")
    assert line.endswith(f"HITL Portal is ready at {embedded.address}/admin/\n")
    assert httpx.get(f"{embedded.address}/readyz").json()["status"] == "ok"
    wait_for_ends(embedded, ["granian", "nursery", "worker", "worker"])
    wait_for_heartbeats(state_folder, {"worker", "notice_worker", "beat"})
    assert pss(embedded.process.pid) < SUPERVISOR_MIB
    assert embedded.end(signal.SIGTERM) == 0
    embedded.wait_for("HITL Portal has stopped")
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{embedded.address}/healthz")


def test_a_killed_worker_and_a_killed_postgresql_come_back_and_ctrl_c_ends_all(migrated_folder, embedded, state_folder):
    embedded.wait_for("is ready")
    worker = next(pid for pid, args in embedded.children().items() if "--queues=hitlportal,shipping" in args)
    os.kill(worker, signal.SIGKILL)
    assert "worker" in embedded.wait_for("died (SIGKILL)")
    embedded.wait_for("celery@")
    assert len(embedded.children()) == 4
    os.kill(int((place(state_folder / "postgres").data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    embedded.wait_for("postgres | runs again")
    until = time.monotonic() + 90
    while httpx.get(f"{embedded.address}/readyz", timeout=60).status_code != 200:
        assert time.monotonic() < until
    assert embedded.end(signal.SIGINT) == 0


def ends_of(portal):
    """What each child is, by what stands at the end of its command line."""
    words = ("granian", " beat ", " worker ", "nursery")
    return sorted(next((word.strip() for word in words if word in args), args) for args in portal.children().values())


def wait_for_ends(portal, wanted):
    """Return once these are its children. One that was only just forked still goes by the name of what forked it."""
    until = time.monotonic() + 90
    while (ends := ends_of(portal)) != wanted:
        assert time.monotonic() < until, ends
        time.sleep(0.1)


def test_only_some_programs_run_where_only_some_are_wanted(serve, migrated_folder):
    portal = serve("--only", "shipper", "--only", "beat", DATABASE_URL="", REDIS_URL="")
    portal.wait_for("Runs: shipper, beat")
    portal.wait_for("shipper@")
    wait_for_ends(portal, ["beat", "nursery", "worker"])
    (shipper,) = [args for args in portal.children().values() if " worker " in args]
    assert "--queues=shipping" in shipper
    assert portal.end(signal.SIGTERM) == 0


def test_a_worker_of_its_own_leaves_shipping_to_shippers(serve, migrated_folder):
    portal = serve("--only", "worker", DATABASE_URL="", REDIS_URL="")
    portal.wait_for("celery@")
    (worker,) = portal.children().values()
    assert "--queues=hitlportal" in worker
    assert portal.end(signal.SIGTERM) == 0


def test_a_taken_port_is_told_at_once(serve, unused_port):
    with socket.socket() as other:
        other.bind(("127.0.0.1", unused_port))
        other.listen()
        portal = serve(DATABASE_URL="", REDIS_URL="")
        assert portal.process.wait(timeout=30) == 1
    said = portal.wait_for(f"Port {unused_port}")
    assert "PORT=" in said


def test_a_database_of_another_version_is_told_and_left_alone(serve, state_folder):
    server = EmbeddedPostgres(state_folder / "postgres")
    database = {"host": str(server.ensure_running()), "user": SUPERUSER, "dbname": DATABASE}
    with psycopg.connect(**database) as connection:
        connection.execute("CREATE TABLE django_migrations (id int, app text, name text, applied timestamptz)")
        connection.execute("INSERT INTO django_migrations VALUES (1, 'policies', '0002_everywhere', now())")
    portal = serve(DATABASE_URL="", REDIS_URL="")
    portal.wait_for(f"move {state_folder} away")
    assert portal.process.wait(timeout=30) == 1
    assert "Traceback" not in "".join(portal.lines)
    with psycopg.connect(**database) as connection:
        assert connection.execute("SELECT relname FROM pg_stat_user_tables").fetchall() == [("django_migrations",)]
    server.leave()


def test_incomplete_settings_are_told_without_a_traceback(serve):
    portal = serve(DEBUG="false")
    assert portal.process.wait(timeout=30) == 1
    portal.wait_for("SECRET_KEY is missing")
    assert "Traceback" not in "".join(portal.lines)


@pytest.fixture
def own_database(request):
    """The address of a new database on the system's PostgreSQL."""
    base, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    name = f"serve_{os.getpid()}"
    with psycopg.connect(f"{base}/postgres", autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        yield f"{base}/{name}"
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


@pytest.mark.redis
@pytest.mark.system_postgres
def test_it_runs_on_redis_and_a_system_postgresql(own_database, serve, state_folder):
    portal = serve(DATABASE_URL=own_database)
    portal.wait_for("is ready")
    assert httpx.get(f"{portal.address}/readyz").json()["parts"] == {
        "database": "ok",
        "migrations": "ok",
        "broker": "ok",
    }
    assert not (state_folder / "postgres").exists()
    assert not (state_folder / "broker").exists()
    assert portal.end(signal.SIGTERM) == 0
