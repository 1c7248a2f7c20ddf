"""Trust: one decision's recalculation, everything counted anew, and the board."""

import resource
import time
from typing import Any, Final

from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client

from approvals.lifecycle import review
from approvals.lifecycle.review import SeenRevision
from approvals.lifecycle.submission import submit
from approvals.models import Decision, TrustCase
from approvals.trust import counts, figures, recalculation
from approvals.trust.counts import Pair
from bench import data
from bench.environment import BEHIND_PROXY
from bench.fill import fill
from bench.load import percentile
from policies.models import Agent, Mandate, Surface

PROPOSALS: Final = 1_000_000
DECISIONS: Final = 50
PAGES: Final = 50
SEES: Final = ("view_all_proposals", "view_mandate", "view_proposal")

_DECIDE: Final = """
INSERT INTO approvals_decision
       (id, proposal_id, revision_id, revision_number, digest, verdict, by_id, by_name, roles, at, reason_code, comment,
        ticked, is_signed)
SELECT gen_random_uuid(), id, revision_id, 1, payload_digest,
       CASE WHEN state = 'rejected' THEN 'reject' ELSE 'approve' END, %s, 'reviewer', '{}', created_at,
       CASE WHEN state = 'rejected' THEN 'too_risky' ELSE '' END, '', '{}', false
  FROM approvals_proposal WHERE state IN ('shipped', 'rejected')"""


def measure() -> dict[str, Any]:
    """Return the pass over everything, one decision's recalculation after it, and the board of all that."""
    data.fresh_portal()
    agent = Agent.objects.get()
    for number in range(10):
        other = Agent.objects.create(slug=f"agent-{number}", name=f"Agent {number}", owner=agent.owner)
        for surface in Surface.objects.all():
            Mandate.objects.create(agent=other, surface=surface, tier_id="batch")
    submit(agent=agent, draft=data.draft())
    fill(PROPOSALS)
    person = _reviewer()
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(_DECIDE, [person.pk])
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("ANALYZE")
    counted, first = _timed(counts.recount)
    again, second = _timed(recalculation.recount)
    if again.differences or counted.proposals <= PROPOSALS:
        raise RuntimeError(f"Counted {counted.proposals}, and differently the second time in {again.differences} sums.")
    recalculation.recalculate()
    took = [_one_decision(agent, person, number) for number in range(1, DECISIONS + 1)]
    return {
        "first_pass_s": round(first, 1),
        "full_pass_s": round(second, 1),
        "memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "proposals": TrustCase.objects.count(),
        "one_decision_p50_ms": round(percentile([one for one, _all in took], 0.5) * 1000, 1),
        "one_decision_p95_ms": round(percentile([one for one, _all in took], 0.95) * 1000, 1),
        "figures_p50_ms": round(percentile([every for _one, every in took], 0.5) * 1000, 1),
        **_board(person),
    }


def _timed(act: Any) -> tuple[Any, float]:
    begun = time.perf_counter()
    found = act()
    return found, time.perf_counter() - begun


def _reviewer() -> User:
    person = User.objects.create_user("reviewer", is_staff=True, is_superuser=True)
    person.user_permissions.set(Permission.objects.filter(codename__in=SEES))
    return person


def _one_decision(agent: Agent, person: User, number: int) -> tuple[float, float]:
    """Return how long one more decision takes to be counted, and how long the figures of its pair take."""
    proposal = submit(agent=agent, draft=data.draft(number))
    person.groups.add(proposal.owner)
    review.decide(
        proposal_id=proposal.pk, seen=SeenRevision(1, proposal.revision.digest), by=person,
        verdict=Decision.Verdict.REJECT, reason_code="too_risky",
    )  # fmt: skip
    entry = 2**40 + number
    _found, counting = _timed(lambda: counts.count([(proposal.pk, entry)]))
    _none, computing = _timed(lambda: figures.refresh([Pair(agent.pk, data.SURFACE)]))
    return counting, computing


def _board(person: User) -> dict[str, float]:
    client = Client(headers=BEHIND_PROXY)
    client.force_login(person)
    took = []
    for _ in range(PAGES):
        answer, seconds = _timed(lambda: client.get("/admin/trust/"))
        if answer.status_code != 200 or b"Agent 3" not in answer.content:
            raise RuntimeError(f"The board answered {answer.status_code}.")
        took.append(seconds)
    pair = [_timed(lambda: client.get(f"/admin/trust/agent-3/{data.SURFACE}/"))[1] for _ in range(PAGES)]
    return {
        "board_p95_ms": round(percentile(took, 0.95) * 1000, 1),
        "pair_page_p95_ms": round(percentile(pair, 0.95) * 1000, 1),
        "board_rows": Mandate.objects.count(),
    }
