"""How many round trips to the database a shipping takes: nothing is read twice, and it commits twice."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals.models import Proposal, Sample
from approvals.shipping import claims, dispatches
from policies.publishing.publish import document
from policies.registry import kill_switches
from tests import world as worlds
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> World:
    return worlds.build()


def sent(act: Callable[[], Any]) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        act()
    return [query["sql"] for query in captured.captured_queries]


def ship() -> None:
    """Ship what is due longest."""
    claim = claims.claim_next(worker="test", kind="webhook")
    assert claim is not None
    dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={"number": 1}, http_status=200)


@pytest.mark.parametrize("targets", [pytest.param((), id="no-target"), pytest.param(("a", "b"), id="two-targets")])
def test_a_shipping(world, targets):
    proposal = world.propose(targets=targets)
    world.approve(proposal)
    asked = sent(ship)
    assert len(asked) <= 10, asked
    assert asked.count("COMMIT") == 2
    for table in ("approvals_proposal", "approvals_dispatch", "approvals_revision"):
        # Once by each of the two transactions, and never again.
        assert sum(f'FROM "{table}"' in each.partition(" WHERE ")[0] for each in asked) <= 2, table
    assert Proposal.objects.get().state == "shipped"


def test_a_shipping_that_is_sampled_takes_no_more(world):
    world.surface("ads.auto", tier="autopilot")
    world.enforce(tiers=always_sampled())
    world.propose("ads.auto")
    asked = sent(ship)
    assert len(asked) <= 10, asked
    assert Sample.objects.count() == 1


def always_sampled() -> dict[str, Any]:
    tiers = document()["tiers"]
    tiers["autopilot"]["sample_rate"] = 1.0
    return dict(tiers)


def test_what_a_switch_stops_is_left_out_at_once(world):
    for _ in range(3):
        world.approve(world.propose())
    kill_switches.engage(scope="surface:ads.budget", by=world.owner, reason="Stop.")
    asked = sent(lambda: claims.claim_next(worker="test", kind="webhook"))
    assert sum('FROM "approvals_dispatch"' in each for each in asked) == 2, asked
