"""How many statements a decision and a claim take: votes, policy and clock are read once."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals.lifecycle import review
from approvals.models import Proposal
from approvals.shipping import claims
from tests import world as worlds
from tests.world import World, person, seen

pytestmark = pytest.mark.django_db

APPROVAL = {"surface": "ads.budget", "tier": None, "approvals": 1, "denials": 1}


@pytest.fixture
def world() -> World:
    return worlds.build()


def statements(act: Callable[[], Any]) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        assert act() is not None
    return [query["sql"] for query in captured.captured_queries if "SAVEPOINT" not in query["sql"]]


def approving(proposal: Proposal, by: User) -> list[str]:
    saw, fresh = seen(proposal), User.objects.get(pk=by.pk)
    return statements(lambda: review.decide(proposal_id=proposal.pk, seen=saw, by=fresh, verdict="approve"))


def reads_of_votes(sent: list[str]) -> int:
    return sum('FROM "approvals_decision"' in each for each in sent)


def test_a_decision_that_settles(world):
    sent = approving(world.propose(), world.owner)
    assert (len(sent), reads_of_votes(sent)) == (14, 1)


def test_a_decision_in_stages(world):
    second = APPROVAL | {"stage": 2, "name": "law", "role": "Legal"}
    world.enforce(requirements=[APPROVAL | {"stage": 1, "name": "owner", "role": worlds.OWNER}, second])
    lawyer, proposal = person("lawyer", "Legal"), world.propose()
    first = approving(proposal, world.owner)
    assert (len(first), reads_of_votes(first)) == (13, 1)
    assert reads_of_votes(approving(proposal, lawyer)) == 1
    assert Proposal.objects.get().state == "approved"


def test_a_claim_asks_for_the_policy_together_with_the_switches(world):
    world.approve(world.propose())
    sent = statements(lambda: claims.claim_next(worker="test", kind="webhook"))
    assert (len(sent), sum("policies_activation" in each for each in sent)) == (7, 1)
