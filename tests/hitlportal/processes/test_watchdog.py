"""Tasks are bounded, and one that hangs is ended; its work is taken up again by lease."""

import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection

from approvals import tasks
from approvals.models import Dispatch, Proposal
from approvals.shipping import delivery
from audit.clock import database_now
from hitlportal import celery
from hitlportal.celery import app
from hitlportal.processes import watchdog
from hitlportal.processes.supervisor import leashed
from policies.models import Connector
from tests import world as worlds
from tests.approvals.far_side import Executor
from tests.approvals.outbox.servers import serving
from tests.proofs import assert_invariants_hold

pytestmark = pytest.mark.timeout(120)

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_SECONDS = 60

# A real Celery worker with the real pool, on the test's database, that wakes itself up once.
WORKER = """
import sys, threading, time
import django
django.setup()
from django.db import connection
connection.settings_dict["NAME"] = sys.argv[1]
from hitlportal.celery import app
from approvals.shipping import delivery
from approvals import tasks
from approvals.outbox import http
app.conf.broker_url = "memory://"
app.conf.broker_transport_options = {}
def say(word):  # past Celery, which takes what is printed into its log
    print(word, file=sys.__stdout__, flush=True)
def limits(soft, hard):
    tasks.ship_due.soft_time_limit, tasks.ship_due.time_limit = soft, hard
def wake():
    time.sleep(1)
    app.send_task("approvals.tasks.ship_due")
threading.Thread(target=wake, daemon=True).start()
def serve():
    app.Worker(pool="threads", concurrency=2, without_mingle=True, without_gossip=True, without_heartbeat=True).start()
"""
HANGS_FOR_EVER = (
    WORKER
    + """
def hang(*args, **kwargs):
    say("hangs")
    while True:
        time.sleep(1)
http.post = hang
limits(1, 3)
serve()
"""
)
HANGS_IN_THE_DATABASE = (
    WORKER
    + """
from django.db import DatabaseError
def hang(**kwargs):
    say("hangs")
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(600)")
    except DatabaseError as error:
        say("cancelled" if "canceling statement" in str(error) else str(error))
    return 0
delivery.ship_due = hang
limits(1, 60)
serve()
"""
)


def worker(program):
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    return subprocess.Popen(
        leashed([sys.executable, "-c", program, connection.settings_dict["NAME"]]),
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def wait_for(process, word):
    """Read past what Celery prints at its start."""
    for line in process.stdout:
        if line.strip() == word:
            return
    raise AssertionError(process.stderr.read())


def ended(process):
    process.kill()
    process.wait()
    process.stdout.close()
    process.stderr.close()


@pytest.mark.django_db(transaction=True)
def test_a_task_that_hangs_ends_its_worker_and_another_takes_its_work_up():
    world, far = worlds.build(), Executor()
    with serving(far) as port:
        Connector.objects.filter(slug="ads").update(url=f"http://127.0.0.1:{port}/hooks")
        world.approve(world.propose())
        process = worker(HANGS_FOR_EVER)
        try:
            wait_for(process, "hangs")
            assert process.wait(PATIENCE_SECONDS) == watchdog.EXIT_CODE
            said = process.stderr.read()
        finally:
            ended(process)
        assert "approvals.tasks.ship_due runs for more than 3 s" in said
        assert "in hang" in said, "the log says where it was"
        assert Dispatch.objects.get().status == "claimed"
        assert delivery.ship_due() == 0, "as long as the lease lasts nobody else ships it"
        Dispatch.objects.update(lease_until=database_now() - timedelta(seconds=1))
        delivery.ship_due()
    assert Proposal.objects.get().state == "shipped"
    assert far.executed == [{"amount": 4000}]
    assert_invariants_hold()


@pytest.mark.django_db(transaction=True)
def test_past_the_soft_limit_the_statement_is_cancelled_and_the_worker_lives():
    worlds.build()
    process = worker(HANGS_IN_THE_DATABASE)
    try:
        wait_for(process, "hangs")
        wait_for(process, "cancelled")
        time.sleep(2)
        assert process.poll() is None
    finally:
        ended(process)


def own_tasks():
    return {name: task for name, task in app.tasks.items() if not name.startswith("celery.")}


def test_every_task_is_acknowledged_late_and_has_both_limits():
    app.loader.import_default_modules()
    assert "approvals.tasks.ship_due" in own_tasks()
    for name, task in own_tasks().items():
        assert task.acks_late, name
        soft = task.soft_time_limit or app.conf.task_soft_time_limit
        hard = task.time_limit or app.conf.task_time_limit
        assert tasks.BOUND_SECONDS < soft < hard, name


def test_redis_hands_nothing_out_again_that_may_still_be_worked_on(settings):
    settings.REDIS_URL = "redis://localhost:6379/0"
    visible_again = celery._broker()["broker_transport_options"]["visibility_timeout"]
    assert all(visible_again > (task.time_limit or app.conf.task_time_limit) for task in own_tasks().values())


def test_every_beat_entry_names_a_task_and_runs_out():
    for name, entry in app.conf.beat_schedule.items():
        assert entry["task"] in own_tasks(), name
        assert entry["options"]["expires"] <= 3600, name


def test_a_task_stops_when_its_time_is_up(monkeypatch):
    monkeypatch.setattr(tasks, "BOUND_SECONDS", 0.2)
    batches = []

    def always_full():
        batches.append(1)
        time.sleep(0.05)
        return 10

    tasks._work(always_full, full=10)
    assert 2 <= len(batches) <= 6


def test_a_task_stops_when_nothing_is_left():
    rest = [10, 10, 3, 10]
    tasks._work(lambda: rest.pop(0), full=10)
    assert rest == [10]


def test_nothing_is_sent_for_later():
    """A message that waits in the broker is lost with it; what is due later is a row."""
    for app_folder in ("hitlportal", "approvals", "policies", "audit"):
        for path in (ROOT / app_folder).rglob("*.py"):
            text = path.read_text()
            assert "apply_async(" not in text, path
            assert "countdown=" not in text, path
            assert "eta=" not in text.replace("beta=", ""), path
