"""Deadlines are compared with the database's clock, whether or not a sweep has been."""

from datetime import timedelta

import pytest
from django.db import connection

from approvals.errors import StateConflict
from approvals.evaluation.judgement import Content
from approvals.lifecycle import escalation, review, submission
from approvals.models import Proposal
from approvals.shipping import claims, dispatches
from audit.clock import database_now
from tests import world as worlds
from tests.proofs import assert_invariants_hold
from tests.world import World, seen

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return worlds.build()


def lapse(proposal: Proposal) -> None:
    Proposal.objects.filter(pk=proposal.pk).update(deadline_at=database_now() - timedelta(seconds=1))


def expire(proposal: Proposal) -> None:
    """Let the agent's own expiry pass: what was asked cannot be changed, so the rule steps aside."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL session_replication_role = replica")
        cursor.execute(
            "UPDATE approvals_proposal SET expires_at = now() - interval '1 s', deadline_at = now() - interval '1 s'"
            " WHERE id = %s",
            [proposal.pk],
        )
        cursor.execute("SET LOCAL session_replication_role = origin; SET CONSTRAINTS ALL DEFERRED")


def state_now(proposal: Proposal) -> str:
    return Proposal.objects.as_of_now().get(pk=proposal.pk).state_now


def test_past_the_deadline_nothing_can_be_decided_even_before_the_sweep(world):
    proposal = world.propose()
    lapse(proposal)
    assert state_now(proposal) == "expired"
    for verdict in ("approve", "take_over"):
        with pytest.raises(StateConflict, match="deadline"):
            world.decide(proposal, verdict)
    with pytest.raises(StateConflict):
        review.edit(proposal_id=proposal.pk, seen=seen(proposal), by=world.owner, payload={})
    with pytest.raises(StateConflict):
        submission.revise(agent=world.agent, proposal_id=proposal.pk, content=Content(payload={}))
    assert Proposal.objects.get().state == "pending"
    assert escalation.expire_overdue() == 1
    assert escalation.expire_overdue() == 0
    assert Proposal.objects.get().state == "expired"
    assert_invariants_hold()


@pytest.mark.parametrize("how", ["pending", "edited", "returned"])
def test_every_state_that_waits_expires(world, how):
    proposal = world.propose()
    if how == "edited":
        review.edit(proposal_id=proposal.pk, seen=seen(proposal), by=world.owner, payload={"amount": 1})
    if how == "returned":
        world.decide(proposal, "send_back", comment="Less.")
    lapse(proposal)
    assert escalation.expire_overdue() == 1
    assert Proposal.objects.get().state == "expired"


def test_what_is_in_time_is_left_alone(world):
    world.propose()
    world.approve(world.propose())
    assert escalation.expire_overdue() == 0


def test_an_approval_that_could_not_ship_in_time_expires(world):
    proposal = world.approve(world.propose(expires_at=database_now() + timedelta(hours=1)))
    expire(proposal)
    assert state_now(proposal) == "expired"
    assert claims.claim_next(worker="test", kind="webhook") is None
    assert escalation.expire_overdue() == 1
    assert Proposal.objects.get().state == "expired"
    assert_invariants_hold()


def test_what_is_on_its_way_does_not_expire(world):
    proposal = world.approve(world.propose(expires_at=database_now() + timedelta(hours=1)))
    claim = claims.claim_next(worker="test", kind="webhook")
    expire(proposal)
    assert state_now(proposal) == "approved"
    assert escalation.expire_overdue() == 0
    dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={})
    assert Proposal.objects.get().state == "shipped"


def test_what_is_on_its_way_does_not_hold_up_the_sweep(world):
    stuck = [world.approve(world.propose(expires_at=database_now() + timedelta(hours=1))) for _ in range(3)]
    for proposal in stuck:
        claims.claim_next(worker="test", kind="webhook")
        expire(proposal)
    late = world.propose()
    lapse(late)
    assert escalation.expire_overdue(most=1) == 1
    assert Proposal.objects.get(pk=late.pk).state == "expired"


def test_a_deadline_is_never_after_the_agents_own_expiry(world):
    soon = database_now() + timedelta(minutes=5)
    assert world.propose(expires_at=soon).deadline_at == soon


def test_a_rejection_cannot_be_undone_past_the_deadline(world):
    proposal = world.decide(world.propose(), "reject", reason_code="off_brand")
    lapse(proposal)
    with pytest.raises(StateConflict, match="stands"):
        review.undo(proposal_id=proposal.pk, by=world.owner)
