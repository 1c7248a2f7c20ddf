"""What one key decides from a line is checked under the lock that decides, not when the line was drawn."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from approvals.errors import NotInBatch
from approvals.evaluation import conflicts
from approvals.lifecycle import review
from approvals.models import Decision, Proposal
from policies.models import Surface
from tests import world as worlds
from tests.approvals.races import race, winners
from tests.proofs import assert_invariants_hold
from tests.world import World, seen

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(60)]
ROUNDS = 25


@pytest.fixture
def world() -> World:
    made = worlds.build()
    made.surface("crm.leads")
    return made


def quick(world: World, proposal: Proposal) -> Proposal:
    return review.decide(
        proposal_id=proposal.pk, seen=seen(proposal), by=world.owner, verdict=Decision.Verdict.APPROVE, from_line=True
    )


def contradict(world: World) -> None:
    world.propose("crm.leads", targets=["lead:1"])


def spend_money(world: World) -> None:
    Surface.objects.filter(pk="crm.leads").update(spends_money=True)


@pytest.mark.parametrize(("change", "why"), [(contradict, "same target"), (spend_money, "Not low risk")])
def test_what_came_while_a_key_waited_for_the_lock_is_seen(
    world: World, change: Callable[[World], None], why: str
) -> None:
    proposal = world.propose("crm.leads", targets=["lead:1"])

    def press() -> Proposal:
        try:
            return quick(world, proposal)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Proposal.objects.select_for_update().get(pk=proposal.pk)
            pressed = pool.submit(press)
            _until_somebody_waits()
            change(world)
        with pytest.raises(NotInBatch, match=why):
            pressed.result(timeout=30)
    assert Proposal.objects.get(pk=proposal.pk).state == "pending"


def _until_somebody_waits() -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
        threading.Event().wait(0.02)
    raise AssertionError("nobody waits for the lock")


def test_a_key_and_a_proposal_that_contradicts_it(world: World) -> None:
    """The key wins, and the newcomer sees what was approved; or it is refused. Never is a known conflict approved."""
    proposals = [world.propose("crm.leads", targets=[f"lead:{number}"]) for number in range(ROUNDS)]

    rounds = race(
        ROUNDS,
        lambda number: quick(world, proposals[number]),
        lambda number: world.propose("crm.leads", targets=[f"lead:{number}"]),
    )

    for proposal, results in zip(proposals, rounds, strict=True):
        assert 1 in winners(results), "a proposal is never refused for the other one"
        assert conflicts.of(proposal).exists(), "both know of each other, no matter which was first"
        if 0 not in winners(results):
            assert isinstance(results[0], NotInBatch)
            assert Proposal.objects.get(pk=proposal.pk).state == "pending"
    assert_invariants_hold()
