"""Agents are told what became of their proposals."""

import json
from datetime import timedelta

import pytest
from standardwebhooks import Webhook

from approvals.errors import InvalidProposal
from approvals.lifecycle import review
from approvals.models import Callback, Proposal
from approvals.outbox import backoff, callbacks
from approvals.shipping import claims, delivery, dispatches
from audit.clock import database_now
from policies.models import Agent
from tests import world as worlds
from tests.approvals.far_side import CALLBACK_SECRET, FarSide, answering
from tests.approvals.outbox.servers import answer
from tests.world import World

pytestmark = pytest.mark.django_db

OK = answer(204)


@pytest.fixture
def world() -> World:
    made = worlds.build()
    Agent.objects.update(callback_hosts=["127.0.0.1"])
    made.agent.refresh_from_db()
    return made


def decided(world: World, far: FarSide) -> Proposal:
    return world.decide(world.propose(callback_url=far.url), "reject", reason_code="off_brand")


def let_time_pass() -> None:
    Callback.objects.filter(status="waiting").update(next_attempt_at=database_now())


def test_each_change_of_state_is_told_signed_with_the_agents_secret(world):
    with answering(OK) as far:
        proposal = world.propose(callback_url=far.url)
        world.approve(proposal)
        review.undo(proposal_id=proposal.pk, by=world.owner)
        assert delivery.deliver_callbacks() == 2
        assert delivery.deliver_callbacks() == 0
    told = [Webhook(CALLBACK_SECRET).verify(message.body, message.headers) for message in far.seen]
    assert [message["type"] for message in told] == ["proposal.approved", "proposal.pending"]
    assert told[0]["data"]["id"] == str(proposal.pk)
    assert told[0]["data"]["revision"] == {"number": 1, "digest": proposal.revision.digest}
    assert told[0]["data"]["release_at"]
    assert "hitl-grant" not in far.seen[0].headers


def test_shipping_and_failing_are_told(world):
    with answering(OK) as far:
        for ending in ("shipped", "failed"):
            world.approve(world.propose(callback_url=far.url))
            claim = claims.claim_next(worker="test", kind="webhook")
            if ending == "shipped":
                dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={})
            else:
                dispatches.postpone(dispatch_id=claim.dispatch.pk, fence=claim.fence, error="Gone.", is_final=True)
        delivery.deliver_callbacks()
    kinds = [json.loads(message.body)["type"] for message in far.seen]
    assert sorted(kinds) == ["proposal.approved"] * 2 + ["proposal.failed", "proposal.shipped"]


def test_a_failure_is_tried_again_with_the_same_id_and_bytes(world):
    with answering(answer(503), OK) as far:
        decided(world, far)
        delivery.deliver_callbacks()
        assert Callback.objects.get().status == "waiting"
        let_time_pass()
        delivery.deliver_callbacks()
    assert (far.seen[0].id, far.seen[0].body) == (far.seen[1].id, far.seen[1].body)
    assert Callback.objects.get().status == "delivered"


def test_gone_is_final(world):
    with answering(answer(410)) as far:
        decided(world, far)
        delivery.deliver_callbacks()
        let_time_pass()
        delivery.deliver_callbacks()
        assert len(far.seen) == 1
    assert (Callback.objects.get().status, Callback.objects.get().last_error) == ("failed", "The agent answered 410.")


def test_it_gives_up_in_the_end(world):
    with answering(answer(500)) as far:
        decided(world, far)
        for _ in range(backoff.MAX_ATTEMPTS + 2):
            let_time_pass()
            delivery.deliver_callbacks()
        assert len(far.seen) == backoff.MAX_ATTEMPTS
    assert Callback.objects.get().status == "failed"


def test_a_lost_lease_goes_to_the_next_worker(world):
    with answering(OK) as far:
        decided(world, far)
        stale = delivery.callbacks.claim_next()
        assert delivery.deliver_callbacks() == 0
        Callback.objects.update(lease_until=database_now() - timedelta(seconds=1))
        assert delivery.deliver_callbacks() == 1
        delivery.callbacks.settle(stale, error="Too late.", is_final=True)
    assert Callback.objects.get().status == "delivered"


def test_without_a_secret_it_fails_visibly(world):
    Agent.objects.update(callback_secret="")
    with answering(OK) as far:
        decided(world, far)
        assert delivery.deliver_callbacks() == 1
        assert far.seen == []
    assert (Callback.objects.get().status, Callback.objects.get().last_error) == ("failed", "No webhook secret is set.")


def test_only_to_hosts_on_the_agents_list(world):
    with pytest.raises(InvalidProposal, match="callback_url"):
        world.propose(callback_url="http://127.0.0.2/hooks")


def test_a_submission_is_answered_and_not_called_back(world):
    world.propose(callback_url="http://127.0.0.1:9/hooks")
    assert not Callback.objects.exists()


def test_a_callback_that_no_worker_survives_ends(world):
    world.approve(world.propose(callback_url="https://127.0.0.1/hooks"))
    for _ in range(backoff.MAX_ATTEMPTS):
        assert callbacks.claim_next() is not None
        Callback.objects.update(lease_until=database_now() - timedelta(seconds=1))
    assert callbacks.claim_next() is None
    ended = Callback.objects.get()
    assert (ended.status, ended.lease_until) == ("failed", None)
    assert "10 attempts" in ended.last_error
