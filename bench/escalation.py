"""100,000 proposals that wait, with their timers: a sweep that finds nothing, and 10,000 that are due at once."""

import subprocess
import sys
import time
from typing import Any, Final

from django.contrib.auth.models import Group, User
from django.db import connection

from approvals.lifecycle import escalation, review
from approvals.lifecycle.review import SeenRevision
from approvals.lifecycle.submission import submit
from approvals.models import Decision, Proposal, Timer
from audit.models import Entry
from bench import data
from bench.environment import CHECKOUT
from bench.fill import fill
from bench.load import percentile
from policies.models import Agent

PENDING: Final = 100_000
DUE: Final = 10_000
WORKERS: Final = 2
IDLE_SWEEPS: Final = 50
LONGEST_SECONDS: Final = 600.0

# A worker as Celery would run it: it starts when it is told to, and ends when nothing is due any more.
_WORKER: Final = """
import sys, django
django.setup()
from django.db import connection
connection.ensure_connection()
from approvals.lifecycle import escalation
print("ready", flush=True)
sys.stdin.readline()
while escalation.fire_due():
    pass
"""

_WAIT: Final = """
UPDATE approvals_proposal
   SET state = 'pending', release_at = NULL, approved_digest = '', deadline_at = now() + interval '1 day';
INSERT INTO approvals_timer (proposal_id, kind, level, role, widens, share, due_at)
SELECT proposal.id, step.kind, step.level, step.role, step.level > 0, step.share, now() + step.share * interval '1 day'
  FROM approvals_proposal AS proposal,
       (VALUES ('remind_50', 0, '', 0.5), ('remind_80', 0, '', 0.8), ('level', 1, 'Executive', 0.6))
         AS step (kind, level, role, share)
    ON CONFLICT DO NOTHING"""
_DUE: Final = """
UPDATE approvals_timer SET due_at = now() - interval '1 s'
 WHERE id IN (SELECT id FROM approvals_timer WHERE kind = 'level' AND fired_at IS NULL ORDER BY id LIMIT %s)"""


def measure() -> dict[str, Any]:
    """Return `idle_ms` of a sweep, `due_10k_s` with two workers, and `decide_p95_ms` meanwhile."""
    data.fresh_portal()
    submit(agent=Agent.objects.get(), draft=data.draft())
    fill(PENDING)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(_WAIT)
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE approvals_proposal, approvals_timer")
    idle = [_idle() for _ in range(IDLE_SWEEPS)]
    seconds, decisions = _all_at_once()
    return {
        "idle_ms": round(percentile(idle, 0.95) * 1000, 2),
        "due_10k_s": round(seconds, 1),
        "decide_p95_ms": round(percentile(decisions, 0.95) * 1000, 1),
        "decided_meanwhile": len(decisions),
        "pending": PENDING,
    }


def _idle() -> float:
    begun = time.perf_counter()
    found = escalation.fire_due()
    took = time.perf_counter() - begun
    if found:
        raise RuntimeError("Something was due already.")
    return took


def _all_at_once() -> tuple[float, list[float]]:
    """Return how long two workers took for all that was due, and how long each decision took meanwhile."""
    before = Entry.objects.filter(kind=escalation.KIND).count()
    person = _person()
    # From the other end of what waits: people do not decide on what a worker holds, nor on what is due.
    waiting = list(
        Proposal.objects.filter(surface=data.SURFACE, state="pending", revision__number=1)
        .select_related("revision")
        .order_by("-id")[:2_000]
    )
    workers = [_worker() for _ in range(WORKERS)]
    with connection.cursor() as cursor:
        cursor.execute(_DUE, [DUE])
    begun = time.perf_counter()
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    took: list[float] = []
    while any(worker.poll() is None for worker in workers):
        if time.perf_counter() - begun > LONGEST_SECONDS:
            raise RuntimeError("The workers do not come to an end.")
        if waiting:
            took.append(_decide(waiting.pop(), person))
        time.sleep(0.02)
    seconds = time.perf_counter() - begun
    done = Entry.objects.filter(kind=escalation.KIND).count() - before
    if done != DUE or Timer.objects.filter(kind="level", fired_at__isnull=False).count() != DUE:
        raise RuntimeError(f"{done} of {DUE} happened.")
    return seconds, took


def _worker() -> "subprocess.Popen[str]":
    worker = subprocess.Popen(
        [sys.executable, "-c", _WORKER], cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert worker.stdout is not None
    if worker.stdout.readline() != "ready\n":
        raise RuntimeError("A worker did not start.")
    return worker


def _person() -> User:
    person = User.objects.create_user("reviewer", is_staff=True)
    person.groups.set(Group.objects.all())
    return person


def _decide(proposal: Proposal, person: User) -> float:
    seen = SeenRevision(proposal.revision.number, proposal.revision.digest)
    ticked = [item["slug"] for item in proposal.checklist]
    begun = time.perf_counter()
    review.decide(
        proposal_id=proposal.pk, seen=seen, by=person, verdict=Decision.Verdict.APPROVE, ticked=ticked,
        is_signed=True, comment="Agreed.",
    )  # fmt: skip
    return time.perf_counter() - begun
