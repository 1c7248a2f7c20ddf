"""Four workers, two sweeps in each, killed at random, one with its clock an hour off: each level happens once."""

import os
import random
import subprocess
import sys
import time
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
PROPOSALS, LEVELS, WORKERS = 500, 10, 4
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
        escalation.fire_due(most=50)

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


def left() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM approvals_timer WHERE kind = 'level' AND level <= 10 AND fired_at IS NULL")
        return cursor.fetchone()[0]


@pytest.fixture
def due() -> int:
    """Return how many levels are due; one more of each proposal is due in half an hour by the right clock."""
    world = worlds.build()
    for number in range(1, LEVELS + 2):
        worlds.person(f"called-{number}", f"Role {number}")
    rows = [
        {"surface": "ads.budget", "level": number, "role": f"Role {number}", "after": 60.0 * number, "widens": True}
        for number in range(1, LEVELS + 2)
    ]
    world.enforce(escalations=rows)
    for _ in range(PROPOSALS):
        world.propose()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE approvals_timer SET due_at = due_at - interval '1 h' WHERE kind = 'level' AND level <= 10"
        )
        cursor.execute("UPDATE approvals_timer SET due_at = now() + interval '30 min' WHERE level = 11")
    return PROPOSALS * LEVELS


def test_five_thousand_levels_each_happen_once(due):
    chance = random.Random(20261121)
    workers = [start(hours_off=number == 0) for number in range(WORKERS)]
    try:
        assert all(worker.stdout.readline() == "ready\n" for worker in workers)
        deadline = time.monotonic() + PATIENCE_SECONDS
        kills = 0
        while left() and time.monotonic() < deadline:
            time.sleep(chance.uniform(0.3, 1.2))
            if kills < 8:
                victim = chance.randrange(WORKERS)
                workers[victim].kill()
                workers[victim].wait()
                workers[victim].stdout.close()
                workers[victim] = start(hours_off=victim == 0)
                kills += 1
        assert kills >= 3, "nobody was killed while there was work"
        assert left() == 0
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
            worker.stdout.close()
    told = Entry.objects.filter(kind="proposal.escalated")
    assert told.count() == due == 5_000
    assert len({(entry.subject, entry.data["level"]) for entry in told}) == due
    assert not Timer.objects.filter(level=11, fired_at__isnull=False).exists(), "an hour early by the wrong clock"
    assert all(len(roles) == LEVELS + 1 for roles in Proposal.objects.values_list("deciding_roles", flat=True))
    assert_invariants_hold()
    assert escalation.fire_due() == 0
