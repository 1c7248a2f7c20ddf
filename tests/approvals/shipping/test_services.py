"""The gate on the services of production: a system PostgreSQL, and a Redis that forgets or goes away."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
import redis
from celery import Celery, current_app
from django.conf import settings
from django.db import connection
from django.test import override_settings

from approvals.models import Dispatch, Proposal
from approvals.outbox import wakeups
from approvals.shipping import delivery
from approvals.sweeps import SHIPPING
from hitlportal import celery as portal_celery
from hitlportal.processes.supervisor import leashed
from policies.models import Connector
from tests import world as worlds
from tests.approvals.far_side import executing
from tests.approvals.lifecycle import test_races as races
from tests.proofs import assert_invariants_hold
from tests.world import World

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_SECONDS = 60

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]


@pytest.fixture
def world() -> World:
    return worlds.build()


def wait_until(is_so) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if is_so():
            return
        time.sleep(0.05)
    raise AssertionError("It did not happen in time.")


@pytest.mark.system_postgres
def test_a_life_on_the_system_postgresql(world):
    address = psycopg.conninfo.conninfo_to_dict(os.environ["DATABASE_URL"])
    assert connection.settings_dict["HOST"] == address["host"]
    with executing() as far:
        Connector.objects.filter(slug="ads").update(url=far.url)
        world.approve(world.propose())
        assert delivery.ship_due() == 1
    assert far.executed == [{"amount": 4000}]
    assert Proposal.objects.get().state == "shipped"
    assert_invariants_hold()


@pytest.mark.system_postgres
def test_ten_people_at_once_on_the_system_postgresql(world, monkeypatch):
    monkeypatch.setattr(races, "ROUNDS", 20)
    races.test_ten_people_decide_at_once_and_one_succeeds(world)


def test_wake_ups_go_to_the_portals_own_broker():
    assert current_app.conf.broker_url == portal_celery.app.conf.broker_url


@pytest.fixture
def own_redis(tmp_path, unused_port):
    """A Redis of the test's own, to be stopped and started by `start`."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    running = []

    def start() -> subprocess.Popen:
        process = subprocess.Popen(
            leashed([program, "--port", str(unused_port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]),
            stdout=subprocess.DEVNULL,
        )
        running.append(process)
        client = redis.Redis(port=unused_port)
        wait_until(lambda: _answers(client))
        return process

    start.url = f"redis://127.0.0.1:{unused_port}/0"
    start.client = redis.Redis(port=unused_port)
    yield start
    for process in running:
        process.kill()
        process.wait()


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


@pytest.fixture
def on_redis(own_redis, monkeypatch):
    """Send this process's wake-ups to that Redis, with the portal's own settings for one."""
    with override_settings(REDIS_URL=own_redis.url):
        app = Celery("hitlportal", set_as_current=False)
        app.conf.update({**portal_celery.app.conf.changes, **portal_celery._broker()})
    monkeypatch.setattr(wakeups, "current_app", app)
    return own_redis


@pytest.fixture
def celery_worker(own_redis):
    """A real worker on the test's database and that Redis; `start` it when Redis runs."""
    running = []

    def start() -> None:
        base, _, _ = os.environ["DATABASE_URL"].rpartition("/")
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "DATABASE_URL": f"{base}/{connection.settings_dict['NAME']}",
            "REDIS_URL": own_redis.url,
            "SITE_URL": settings.SITE_URL,
        }
        running.append(
            subprocess.Popen(
                leashed([
                    sys.executable, "-m", "celery", "-A", "hitlportal", "worker", "-c", "1", "--loglevel", "WARNING",
                ]),
                cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )
        )  # fmt: skip
        wait_until(lambda: own_redis.client.exists("_kombu.binding.hitlportal"))

    yield start
    for process in running:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.mark.redis
@pytest.mark.system_postgres
def test_redis_forgets_everything_and_goes_away(world, on_redis, celery_worker):
    process = on_redis()
    celery_worker()
    with executing() as far:
        Connector.objects.filter(slug="ads").update(url=far.url)

        def shipped(count: int) -> None:
            wait_until(lambda: Proposal.objects.filter(state="shipped").count() == count)

        world.approve(world.propose())
        shipped(1)

        on_redis.client.flushall()
        world.approve(world.propose())
        shipped(2)

        process.kill()
        process.wait()
        began = time.monotonic()
        world.approve(world.propose())
        assert time.monotonic() - began < 15, "a decision waits for a dead broker"
        shipped(3)  # by the worker's own sweep

        on_redis()
        world.approve(world.propose())
        shipped(4)
    assert len(far.executed) == 4
    assert Dispatch.objects.filter(status="delivered").count() == 4
    assert_invariants_hold()


@pytest.mark.redis
def test_a_wake_up_reaches_redis_after_the_commit_and_not_before(world, on_redis):
    on_redis()
    world.approve(world.propose())
    assert on_redis.client.llen(SHIPPING) == 1
