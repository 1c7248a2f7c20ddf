"""A worker is killed (SIGKILL) wherever it hurts: nothing is lost, and the far side executes once."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction

from approvals.models import Attempt, Dispatch, Proposal
from approvals.shipping import delivery
from audit.clock import database_now
from hitlportal.processes.supervisor import leashed
from policies.models import Connector
from tests import world as worlds
from tests.approvals.far_side import Executor, Message
from tests.approvals.outbox.servers import serving
from tests.proofs import assert_invariants_hold
from tests.world import World

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_SECONDS = 40

# A worker as Celery would run it, on the test's database; it says when it is ready.
WORKER = """
import sys, time
import django
django.setup()
from django.db import connection
connection.settings_dict["NAME"] = sys.argv[1]
from approvals.shipping import claims, delivery
print("ready", flush=True)
"""
SHIP = WORKER + "delivery.ship_due()\n"
WAIT_THEN_SHIP = WORKER + "sys.stdin.readline()\ndelivery.ship_due()\n"
CLAIM_AND_WAIT = (
    WORKER
    + 'claim = claims.claim_next(worker="doomed", kind="webhook")\nprint("claimed", flush=True)\ntime.sleep(60)\n'
)


@contextmanager
def worker(program: str):
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    process = subprocess.Popen(
        leashed([sys.executable, "-c", program, connection.settings_dict["NAME"]]),
        cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stdin.close()


def kill(process: subprocess.Popen) -> None:
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait(PATIENCE_SECONDS) == -signal.SIGKILL


class Fatal(Executor):
    """An executor on which the first worker dies, before or after the action is done."""

    def __init__(self, *, after: bool) -> None:
        super().__init__()
        self.after = after
        self.victim: subprocess.Popen | None = None

    def handle(self, message: Message) -> bytes:
        victim, self.victim = self.victim, None
        if victim is None:
            return super().handle(message)
        if self.after:
            super().handle(message)
        kill(victim)
        return b""


@pytest.fixture
def world() -> World:
    return worlds.build()


def approve(world: World, port: int) -> Proposal:
    Connector.objects.filter(slug="ads").update(url=f"http://127.0.0.1:{port}/hooks")
    return world.approve(world.propose())


def lapse() -> None:
    """Let all leases run out now instead of in a minute."""
    Dispatch.objects.filter(status="claimed").update(lease_until=database_now() - timedelta(seconds=1))


def finish(far: Executor) -> None:
    """Let another worker do what is left, and see that it was done once."""
    lapse()
    delivery.ship_due()
    assert Proposal.objects.get().state == "shipped"
    assert far.executed == [{"amount": 4000}]
    assert delivery.ship_due() == 0
    assert_invariants_hold()


def wait_until(statement: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")  # or a transaction sees the same for ever
            cursor.execute(statement)
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)
    raise AssertionError(f"It never happened: {statement}")


BLOCKED = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    " AND pid <> pg_backend_pid()"
)


def test_killed_before_the_claim(world):
    far = Executor()
    with serving(far) as port:
        approve(world, port)
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("LOCK TABLE policies_killswitch IN ACCESS EXCLUSIVE MODE")
            with worker(SHIP) as doomed:
                wait_until(BLOCKED)
                kill(doomed)
        assert (far.seen, Attempt.objects.count()) == ([], 0)
        finish(far)
    assert Attempt.objects.count() == 1


def test_killed_after_the_claim(world):
    far = Executor()
    with serving(far) as port:
        approve(world, port)
        with worker(CLAIM_AND_WAIT) as doomed:
            assert doomed.stdout.readline() == "claimed\n"
            kill(doomed)
        assert Dispatch.objects.get().status == "claimed"
        assert delivery.ship_due() == 0, "the lease is respected"
        finish(far)
    assert [attempt.error for attempt in Attempt.objects.order_by("fence")] == [
        "The worker that held it went away.",
        "",
    ]


@pytest.mark.parametrize("after", [False, True], ids=["before-it-is-done", "after-it-is-done"])
def test_killed_during_the_post(world, after):
    far = Fatal(after=after)
    with serving(far) as port:
        with worker(WAIT_THEN_SHIP) as doomed:
            far.victim = doomed
            approve(world, port)
            doomed.stdin.write("go\n")
            doomed.stdin.flush()
            assert doomed.wait(PATIENCE_SECONDS) == -signal.SIGKILL
        assert len(far.seen) == 1
        assert len(far.executed) == int(after)
        finish(far)
    assert len(far.seen) == 2
    assert far.seen[0].id == far.seen[1].id
    assert far.seen[0].body == far.seen[1].body


def test_killed_after_the_answer(world):
    """The receipt waits for the proposal's lock, which somebody took while the far side worked."""
    locked, answered = threading.Event(), threading.Event()

    class Slow(Executor):
        def handle(self, message: Message) -> bytes:
            if not answered.is_set():
                locked.wait(PATIENCE_SECONDS)
            answered.set()
            return super().handle(message)

    far = Slow()
    with serving(far) as port:
        proposal = approve(world, port)
        with worker(SHIP) as doomed:
            wait_until("SELECT count(*) FROM approvals_dispatch WHERE status = 'claimed'")
            with transaction.atomic():
                Proposal.objects.select_for_update().get(pk=proposal.pk)
                locked.set()
                assert answered.wait(PATIENCE_SECONDS)
                wait_until(BLOCKED)
                kill(doomed)
        assert len(far.executed) == 1
        assert Proposal.objects.get().state == "approved"
        finish(far)
    assert len(far.seen) == 2
