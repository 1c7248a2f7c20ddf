"""Four workers, two sweeps in each, killed at random, one with its clock an hour off: each level happens once.

Once as bare sweeps, and once as the portal runs them: Celery's workers woken by two beats over a Redis that forgets.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from django.conf import settings
from django.db import connection

from approvals.lifecycle import escalation
from approvals.models import Proposal, Timer
from audit.models import Entry
from hitlportal.processes.supervisor import leashed
from tests import world as worlds
from tests.proofs import assert_invariants_hold

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]

ROOT = Path(__file__).resolve().parents[3]
PROPOSALS, LEVELS, WORKERS = 250, 20, 4
WAVE, KILLS = 4, 4
PATIENCE_SECONDS = 80

# A worker with two sweeps, as two beats would wake it; the clock that Python sees is `sys.argv[2]` hours off.
WORKER = """
import sys, threading
from datetime import datetime, timedelta, timezone
import django
django.setup()
import time_machine
from django.db import connection
connection.settings_dict["NAME"] = sys.argv[1]
from approvals.lifecycle import escalation

def sweep():
    while True:
        escalation.fire_due(most=20)

def work():
    threads = [threading.Thread(target=sweep, daemon=True) for _ in range(2)]
    print("ready", flush=True)
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

hours = float(sys.argv[2])
if hours:
    with time_machine.travel(datetime.now(timezone.utc) + timedelta(hours=hours)):
        work()
work()
"""

# The portal's own worker; it looks for due work by itself too, though seldom.
CELERY_WORKER = """
import sys
from datetime import datetime, timedelta, timezone
import django
django.setup()
import time_machine
from celery import signals
from django.db import connection
connection.settings_dict["NAME"] = sys.argv[1]
from hitlportal.celery import app

@signals.worker_ready.connect
def tell(**facts):
    print("ready", flush=True)

def work():
    app.conf.worker_redirect_stdouts = False
    alone = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    app.worker_main(["--quiet", "worker", "--pool", "threads", "--concurrency", "2", "--loglevel", "CRITICAL", *alone])

hours = float(sys.argv[2])
if hours:
    with time_machine.travel(datetime.now(timezone.utc) + timedelta(hours=hours)):
        work()
work()
"""


def start(script: str, hours_off: float) -> subprocess.Popen:
    return program("-c", script, connection.settings_dict["NAME"], str(hours_off))


def program(*arguments: str) -> subprocess.Popen:
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    return subprocess.Popen(
        leashed([sys.executable, *arguments]),
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )


def run(statement: str, *parameters: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def release(first: int, number: int) -> None:
    """Let `number` levels from `first` on become due, of each proposal; no sweep can have been faster."""
    run(
        "UPDATE approvals_timer SET due_at = now() - interval '1 h' + level * interval '1 min'"
        " WHERE kind = 'level' AND level BETWEEN %s AND %s AND fired_at IS NULL",
        first,
        first + number - 1,
    )


def left() -> int:
    return Timer.objects.filter(kind="level", level__lte=LEVELS, fired_at=None).count()


@pytest.fixture
def world() -> worlds.World:
    """Proposals with twenty levels due in an hour and a half or more, and one more in half an hour."""
    world = worlds.build()
    rows = [
        {"surface": "ads.budget", "level": number, "role": f"Role {number}", "after": 60.0 * number, "widens": True}
        for number in range(1, LEVELS + 2)
    ]
    world.enforce(escalations=rows)
    for _ in range(PROPOSALS):
        world.propose()
    run("UPDATE approvals_timer SET due_at = due_at + interval '90 min' WHERE kind = 'level'")
    run("UPDATE approvals_timer SET due_at = now() + interval '30 min' WHERE level = %s", LEVELS + 1)
    return world


@contextmanager
def workers(script: str) -> Iterator[Callable[[int], None]]:
    """Start all workers, and yield what kills one of them and puts another in its place."""
    running = [start(script, float(number == 0)) for number in range(WORKERS)]

    def stop(worker: subprocess.Popen) -> None:
        worker.kill()
        assert worker.wait() == -signal.SIGKILL
        worker.stdout.close()

    def replace(number: int) -> None:
        stop(running[number])
        running[number] = start(script, float(number == 0))

    try:
        assert all(worker.stdout.readline() == "ready\n" for worker in running)
        yield replace
    finally:
        for worker in running:
            worker.kill()
        for worker in running:
            stop(worker)


def await_all(deadline: float) -> None:
    while left() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left() == 0


def assert_each_happened_once() -> None:
    told = list(Entry.objects.filter(kind="proposal.escalated").values_list("subject", "data__level"))
    assert len(told) == len(set(told)) == 5_000
    assert not Timer.objects.filter(level=LEVELS + 1, fired_at__isnull=False).exists(), "early, by the wrong clock"
    assert all(len(roles) == LEVELS + 1 for roles in Proposal.objects.values_list("deciding_roles", flat=True))
    assert_invariants_hold()
    assert escalation.fire_due() == 0


def test_five_thousand_levels_each_happen_once(world):
    chance = random.Random(20261121)
    deadline = time.monotonic() + PATIENCE_SECONDS
    with workers(WORKER) as kill:
        for first in range(1, LEVELS, WAVE):
            release(first, WAVE)
            time.sleep(chance.uniform(0.05, 0.4))
            if first <= WAVE * KILLS:
                kill(chance.randrange(WORKERS))
        await_all(deadline)
    assert_each_happened_once()


@pytest.fixture
def own_database_of_redis() -> Iterator[redis.Redis]:
    """The database that REDIS_URL names, empty before and after."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.flushdb()
    yield client
    client.flushdb()
    client.close()


@contextmanager
def beats(folder: Path, number: int) -> Iterator[list[subprocess.Popen]]:
    command = ("-m", "celery", "--quiet", "-A", "hitlportal", "beat", "--loglevel", "CRITICAL")
    running = [program(*command, "--pidfile=", "-s", str(folder / f"beat-{one}")) for one in range(number)]
    try:
        yield running
    finally:
        for beat in running:
            beat.kill()
            beat.wait()
            beat.stdout.close()


@pytest.mark.redis
def test_five_thousand_levels_each_happen_once_while_redis_forgets(world, own_database_of_redis, tmp_path):
    """Two beats, four of the portal's workers, kill -9, and what Redis holds is thrown away again and again."""
    chance = random.Random(20261122)
    client, half = own_database_of_redis, LEVELS // 2
    with beats(tmp_path, 2) as both, workers(CELERY_WORKER) as kill:
        assert client.exists("_kombu.binding.hitlportal"), "the workers wait at this Redis"
        for first in (1, half + 1):
            release(first, half)
            for _ in range(KILLS // 2):
                time.sleep(chance.uniform(0.1, 0.6))
                client.flushdb()
                kill(chance.randrange(WORKERS))
        await_all(time.monotonic() + PATIENCE_SECONDS)
        assert [beat.poll() for beat in both] == [None, None]
    assert_each_happened_once()
