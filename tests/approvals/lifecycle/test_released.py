"""What was proposed during a kill switch is judged again once the switch is released."""

from datetime import timedelta

import pytest

from approvals.lifecycle import reevaluation, review
from approvals.models import Dispatch, Proposal
from approvals.shipping import claims
from audit.models import Entry
from policies.models import EVERYWHERE, Rule, Surface
from policies.registry import agents, kill_switches
from tests import world as worlds
from tests.kept import kept
from tests.proofs import assert_invariants_hold
from tests.world import World, seen

pytestmark = pytest.mark.django_db
SCOPES = [EVERYWHERE, "surface:email.now", "agent:pacer"]


@pytest.fixture
@kept
def world() -> World:
    made = worlds.build()
    made.surface("email.now", "autopilot")
    return made


@pytest.fixture(autouse=True)
def _proved(world):
    yield
    assert_invariants_hold()


def proposed_during(world: World, surface: str = "email.now", scope: str = EVERYWHERE, **fields) -> Proposal:
    kill_switches.engage(scope=scope, by=world.owner, reason="Stop.")
    return world.propose(surface, **fields)


def released(proposal: Proposal, scope: str = EVERYWHERE) -> Proposal:
    worlds.release(scope)
    reevaluation.judge_released()
    assert reevaluation.judge_released() == 0
    return Proposal.objects.select_related("verdict").get(pk=proposal.pk)


def sources(proposal: Proposal) -> set[str]:
    return {reason["source"] for reason in proposal.verdict.reasons}


@pytest.mark.parametrize("scope", SCOPES)
def test_what_the_policy_alone_passes_ships_after_a_hold(world, scope):
    proposal = proposed_during(world, scope=scope)
    assert (proposal.state, proposal.tier_id) == ("pending", "single")
    proposal = released(proposal, scope)
    assert (proposal.state, proposal.tier_id, "kill_switch" in sources(proposal)) == ("approved", "autopilot", False)
    # Autopilot has no hold of its own: the longest of those that ship by themselves is monitored's.
    assert proposal.release_at - proposal.verdict.at == timedelta(minutes=30)
    assert claims.claim_next(worker="test", kind="webhook") is None
    Proposal.objects.filter(pk=proposal.pk).update(release_at=proposal.verdict.at)
    Dispatch.objects.update(next_attempt_at=proposal.verdict.at)
    assert claims.claim_next(worker="test", kind="webhook").dispatch.proposal_id == proposal.pk


def test_nothing_of_what_has_piled_up_ships_in_a_burst(world):
    piled = [proposed_during(world), *(world.propose("email.now") for _ in range(4))]
    for proposal in piled:
        assert proposal.state == "pending"
    released(piled[0])
    assert set(Proposal.objects.values_list("state", flat=True)) == {"approved"}
    assert claims.claim_next(worker="test", kind="webhook") is None
    undone = review.undo(proposal_id=piled[0].pk, by=world.owner)
    assert (undone.state, reevaluation.judge_released()) == ("pending", 0)


def test_while_another_switch_covers_it_nothing_changes(world):
    proposal = proposed_during(world, scope="surface:email.now")
    kill_switches.engage(scope=EVERYWHERE, by=world.owner, reason="Stop.")
    proposal = released(proposal, "surface:email.now")
    assert (proposal.state, "kill_switch" in sources(proposal)) == ("pending", True)
    assert released(proposal).state == "approved"


def test_what_people_are_asked_about_anyway_loses_the_reason_only(world):
    proposal = released(proposed_during(world, "ads.budget"))
    assert (proposal.state, proposal.tier_id, "kill_switch" in sources(proposal)) == ("pending", "single", False)
    assert Entry.objects.filter(kind="proposal.switch_released", subject=f"proposal:{proposal.pk}").count() == 1
    assert world.approve(proposal).state == "approved"


def test_what_a_stricter_policy_says_by_then_binds(world):
    proposal = proposed_during(world)
    Surface.objects.filter(slug="email.now").update(tier_id="signature")
    worlds.publish()
    assert (released(proposal).state, released_tier(proposal)) == ("pending", "signature")


def test_what_a_looser_policy_says_by_then_does_not(world):
    Rule.objects.create(slug="sign", decision="require_approval", tier_id="signature", surfaces=["email.now"])
    worlds.publish()
    proposal = proposed_during(world)
    Rule.objects.all().delete()
    worlds.publish()
    proposal = released(proposal)
    assert (proposal.state, proposal.tier_id, "kill_switch" in sources(proposal)) == ("pending", "signature", False)


def test_what_is_denied_by_then_is_blocked(world):
    proposal = proposed_during(world)
    Rule.objects.create(slug="never", decision="deny", surfaces=["email.now"])
    worlds.publish()
    assert released(proposal).state == "blocked"


def test_what_a_suspended_agent_has_waiting_stays_with_people(world):
    proposal = proposed_during(world)
    agents.suspend(agent=world.agent, by=world.owner)
    proposal = released(proposal)
    assert (proposal.state, proposal.tier_id, "kill_switch" in sources(proposal)) == ("pending", "single", False)


def test_what_a_person_has_edited_stays_with_people(world):
    proposal = proposed_during(world)
    review.edit(proposal_id=proposal.pk, seen=seen(proposal), by=world.owner, payload={"amount": 1})
    proposal = released(proposal)
    assert (proposal.state, proposal.tier_id, "kill_switch" in sources(proposal)) == ("edited", "single", False)


def released_tier(proposal: Proposal) -> str | None:
    return Proposal.objects.get(pk=proposal.pk).tier_id
