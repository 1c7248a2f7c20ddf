"""The pull connector: the executor fetches its work."""

from datetime import timedelta

import jwt
import pytest
from django.conf import settings

from approvals.errors import LeaseLost
from approvals.models import Dispatch, Proposal
from approvals.shipping import claims, dispatches, grants
from audit.clock import database_now
from policies.models import Agent, Connector
from tests import world as worlds
from tests.proofs import assert_invariants_hold
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    made = worlds.build()
    made.agent.executor = Agent.objects.create(slug="runner", name="Runner", owner=made.owner)
    made.connector = Connector.objects.create(slug="crm", kind="pull", executor=made.agent.executor)
    made.surface("crm.segments", "single")
    return made


def claim(world: World, executor: Agent | None = None):
    return claims.claim_next(worker="runner", kind="pull", executor=executor or world.agent.executor)


def test_the_executor_gets_the_bytes_with_a_grant_of_its_own(world):
    proposal = world.approve(world.propose("crm.segments"))
    claimed = claim(world)
    assert claimed.body == b'{"amount":4000}'
    key = jwt.PyJWK(grants.public_keys()["keys"][0], algorithm="EdDSA")
    said = jwt.decode(claimed.grant, key, algorithms=["EdDSA"], audience="crm", issuer=settings.SITE_URL)
    assert (said["jti"], said["sub"]) == (str(claimed.dispatch.pk), str(proposal.pk))
    assert said["digest"] == proposal.revision.digest
    dispatches.complete(dispatch_id=claimed.dispatch.pk, fence=claimed.fence, receipt={"segment": 7})
    assert Proposal.objects.get().state == "shipped"
    assert_invariants_hold()


def test_nobody_else_gets_it_and_the_portal_does_not_post_it(world):
    world.approve(world.propose("crm.segments"))
    assert claim(world, world.agent) is None
    assert claims.claim_next(worker="test", kind="webhook") is None
    Connector.objects.filter(slug="crm").update(is_enabled=False)
    assert claim(world) is None


def test_a_webhooks_work_is_not_to_be_fetched(world):
    world.approve(world.propose("ads.budget"))
    assert claim(world) is None


def test_an_executor_that_went_away_loses_its_lease(world):
    world.approve(world.propose("crm.segments"))
    first = claim(world)
    assert claim(world) is None
    Dispatch.objects.update(lease_until=database_now() - timedelta(seconds=1))
    second = claim(world)
    assert (second.dispatch.pk, second.fence) == (first.dispatch.pk, 2)
    with pytest.raises(LeaseLost):
        dispatches.complete(dispatch_id=first.dispatch.pk, fence=first.fence, receipt={})
    dispatches.complete(dispatch_id=second.dispatch.pk, fence=second.fence, receipt={"by": "second"})
    again = dispatches.complete(dispatch_id=second.dispatch.pk, fence=second.fence, receipt={"by": "again"})
    assert again.receipt == {"by": "second"}
    with pytest.raises(LeaseLost):
        dispatches.postpone(dispatch_id=second.dispatch.pk, fence=second.fence, error="No.")
    assert_invariants_hold()


def test_a_lease_that_ran_out_still_counts_while_nobody_else_has_it(world):
    world.approve(world.propose("crm.segments"))
    late = claim(world)
    Dispatch.objects.update(lease_until=database_now() - timedelta(seconds=1))
    dispatches.complete(dispatch_id=late.dispatch.pk, fence=late.fence, receipt={})
    assert Proposal.objects.get().state == "shipped"
    assert claim(world) is None
