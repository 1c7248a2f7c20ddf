"""Four workers, two sweeps in each, killed at random, one with its clock an hour off: each level happens once."""

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
from django.db import connection

from approvals import escalation
from approvals.models import Proposal, Timer
from audit.models import Entry
from tests import world as worlds
from tests.proofs import assert_invariants_hold

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]

ROOT = Path(__file__).resolve().parents[2]
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
from approvals import escalation

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


def start(hours_off: float) -> subprocess.Popen:
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    name = connection.settings_dict["NAME"]
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, name, str(hours_off)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )


def run(statement: str, *parameters: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def release(first: int) -> None:
    """Let the levels from `first` on become due, a few of each proposal; no sweep can have been faster."""
    run(
        "UPDATE approvals_timer SET due_at = now() - interval '1 h' + level * interval '1 min'"
        " WHERE kind = 'level' AND level BETWEEN %s AND %s AND fired_at IS NULL",
        first,
        first + WAVE - 1,
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
def workers() -> Iterator[Callable[[int], None]]:
    """Start all workers, and yield what kills one of them and puts another in its place."""
    running = [start(float(number == 0)) for number in range(WORKERS)]

    def stop(worker: subprocess.Popen) -> None:
        worker.kill()
        assert worker.wait() == -signal.SIGKILL
        worker.stdout.close()

    def replace(number: int) -> None:
        stop(running[number])
        running[number] = start(float(number == 0))

    try:
        assert all(worker.stdout.readline() == "ready\n" for worker in running)
        yield replace
    finally:
        for worker in running:
            stop(worker)


def test_five_thousand_levels_each_happen_once(world):
    chance = random.Random(20261121)
    deadline = time.monotonic() + PATIENCE_SECONDS
    with workers() as kill:
        for wave in range(LEVELS // WAVE):
            release(wave * WAVE + 1)
            time.sleep(chance.uniform(0.05, 0.4))
            if wave < KILLS:
                kill(chance.randrange(WORKERS))
        while left() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert left() == 0
    told = list(Entry.objects.filter(kind="proposal.escalated").values_list("subject", "data__level"))
    assert len(told) == len(set(told)) == 5_000
    assert not Timer.objects.filter(level=LEVELS + 1, fired_at__isnull=False).exists(), "early, by the wrong clock"
    assert all(len(roles) == LEVELS + 1 for roles in Proposal.objects.values_list("deciding_roles", flat=True))
    assert_invariants_hold()
    assert escalation.fire_due() == 0
