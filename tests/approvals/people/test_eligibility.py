"""Eligibility: people who may see a proposal, and those who may decide on it."""

import pytest
from django.contrib.auth.models import User
from django.db import connection

from approvals.errors import NotEligible
from approvals.evaluation.judgement import Content
from approvals.lifecycle import review, submission
from approvals.models import Decision, Proposal
from approvals.people import eligibility, held_roles
from approvals.shipping import recovery
from policies.publishing.publish import active_policy
from tests import world as worlds
from tests.proofs import assert_invariants_hold, breaches
from tests.world import OWNER, World, person, seen

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return worlds.build()


def may(world: World, proposal: Proposal, who, *, approving: bool = False) -> bool:
    surface = active_policy().surfaces[proposal.surface_id]
    try:
        return bool(eligibility.require(who, proposal, surface, approving=approving))
    except NotEligible:
        return False


def test_people_of_the_owner_role_and_nobody_else(world):
    proposal = world.propose()
    assert may(world, proposal, world.owner)
    assert not may(world, proposal, person("lawyer", "Legal"))
    assert not may(world, proposal, person("nobody"))
    assert not may(world, proposal, person("reader", permissions=("view_all_proposals", "view_proposal")))
    assert not may(world, proposal, world.agent.owner)


def test_somebody_who_left_may_not(world):
    proposal = world.propose()
    world.owner.is_active = False
    world.owner.save()
    assert not may(world, proposal, world.owner)
    assert not eligibility.visible(world.owner).exists()


def test_even_a_superuser_needs_the_role(world):
    chief = person("chief")
    chief.is_superuser = True
    chief.save()
    proposal = world.propose()
    assert not may(world, proposal, chief)
    assert eligibility.visible(chief).filter(pk=proposal.pk).exists()


def test_an_editor_may_reject_but_not_approve_their_own_edit(world):
    proposal = world.propose()
    edited = review.edit(proposal_id=proposal.pk, seen=seen(proposal), by=world.owner, payload={"amount": 1})
    assert may(world, edited, world.owner)
    assert not may(world, edited, world.owner, approving=True)
    assert may(world, edited, world.other_owner, approving=True)


def test_the_surface_may_say_so(world):
    world.surface("crm.segments", "single", agent_owner_may_decide=True, editor_may_approve=True)
    proposal = world.propose("crm.segments")
    assert may(world, proposal, world.agent.owner)
    edited = review.edit(proposal_id=proposal.pk, seen=seen(proposal), by=world.owner, payload={"amount": 1})
    assert may(world, edited, world.owner, approving=True)


@pytest.mark.parametrize("act", ["edit", "undo", "retry", "roll_back"])
def test_every_act_asks(world, act):
    proposal = world.propose()
    stranger = person("stranger", "Legal")
    acts = {
        "edit": lambda: review.edit(proposal_id=proposal.pk, seen=seen(proposal), by=stranger, payload={}),
        "undo": lambda: review.undo(proposal_id=proposal.pk, by=stranger),
        "retry": lambda: recovery.retry(proposal_id=proposal.pk, by=stranger),
        "roll_back": lambda: recovery.roll_back(proposal_id=proposal.pk, by=stranger),
    }
    with pytest.raises(NotEligible):
        acts[act]()
    assert not Decision.objects.exists()


def test_visible_is_what_the_role_owns(world):
    world.propose()
    legal = person("lawyer", "Legal")
    compliance = person("auditor", permissions=("view_all_proposals",))
    assert eligibility.visible(world.owner).count() == 1
    assert eligibility.visible(compliance).count() == 1
    assert not eligibility.visible(legal).exists()
    assert OWNER not in held_roles.own(legal)


@pytest.mark.parametrize("again", ["a person", "the agent"])
def test_an_editor_does_not_approve_their_edit_when_another_sends_it_again(world, again):
    proposal, mine = world.propose(), {"amount": 1}
    edited = review.edit(proposal_id=proposal.pk, seen=seen(proposal), by=world.owner, payload=mine)
    if again == "a person":
        same = review.edit(proposal_id=proposal.pk, seen=seen(edited), by=world.other_owner, payload=mine, note="Yes.")
    else:
        world.decide(edited, "send_back", by=world.owner, comment="Send exactly this.")
        content = Content(payload=mine, confidence=0.95)
        same = submission.revise(agent=world.agent, proposal_id=proposal.pk, content=content)
    assert not may(world, same, world.owner, approving=True)
    assert may(world, same, person("third", OWNER), approving=True)
    with pytest.raises(NotEligible, match="You wrote this revision"):
        world.approve(same, by=world.owner)
    world.approve(same, by=User.objects.get(username="third"))
    assert_invariants_hold()
    raw = "UPDATE approvals_decision SET by_id = %s WHERE verdict = 'approve'"
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(raw, [world.owner.pk])
    assert "that they wrote themselves" in breaches()["I7"]
