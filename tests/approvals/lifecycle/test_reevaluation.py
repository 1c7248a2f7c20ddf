"""A new policy and what is open: stricter applies, looser does not."""

from datetime import timedelta

import pytest

from approvals.lifecycle import reevaluation
from approvals.models import Proposal, Reevaluation, Verdict
from approvals.shipping import claims
from audit.models import Entry
from policies.models import Guardrail, Requirement, Rule, Surface, Tier
from tests import world as worlds
from tests.proofs import assert_invariants_hold
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return worlds.build()


def publish_and_judge(**surface_fields) -> None:
    if surface_fields:
        Surface.objects.filter(slug="ads.budget").update(**surface_fields)
    worlds.publish()
    while reevaluation.reevaluate_open():
        pass


def now(proposal: Proposal) -> Proposal:
    return Proposal.objects.get(pk=proposal.pk)


def test_a_stricter_tier_applies_to_what_waits(world):
    proposal = world.propose()
    publish_and_judge(tier_id="signature")
    proposal = now(proposal)
    assert (proposal.state, proposal.tier_id, proposal.verdict.tier_id) == ("pending", "signature", "signature")
    entry = Entry.objects.get(kind="proposal.reevaluated")
    assert (entry.data["from"], entry.data["to"], entry.data["tier"]) == ("pending", "pending", "signature")
    assert_invariants_hold()


def test_a_looser_one_does_not(world):
    proposal = world.propose()
    publish_and_judge(tier_id="batch")
    assert (now(proposal).tier_id, Verdict.objects.count()) == ("single", 1)
    assert Reevaluation.objects.count() == 1
    assert reevaluation.reevaluate_open() == 0


def test_what_the_new_policy_denies_is_blocked(world):
    proposal = world.propose()
    Rule.objects.create(slug="never", decision="deny", actions=["shift_budget"], reason="No more.")
    publish_and_judge()
    assert now(proposal).state == "blocked"
    assert_invariants_hold()


def test_what_the_policy_alone_had_approved_waits_for_people(world):
    proposal = world.propose("email.lifecycle")
    assert proposal.state == "approved"
    Surface.objects.filter(slug="email.lifecycle").update(tier_id="single")
    publish_and_judge()
    proposal = now(proposal)
    assert (proposal.state, proposal.tier_id, proposal.release_at) == ("pending", "single", None)
    assert claims.claim_next(worker="test", kind="webhook") is None
    world.approve(proposal)
    assert now(proposal).state == "approved"
    assert_invariants_hold()


def test_what_the_policy_alone_had_approved_and_now_denies_is_blocked(world):
    proposal = world.propose("email.lifecycle")
    Rule.objects.create(slug="never", decision="deny", surfaces=["email.*"])
    publish_and_judge()
    assert now(proposal).state == "blocked"
    assert_invariants_hold()


def test_a_longer_hold_holds_longer(world):
    proposal = world.propose("email.lifecycle")
    Tier.objects.filter(slug="monitored").update(hold=timedelta(hours=2))
    publish_and_judge()
    later = now(proposal)
    assert later.release_at - proposal.release_at == timedelta(minutes=90)
    assert later.dispatches.get().next_attempt_at == later.release_at
    assert_invariants_hold()


def test_what_people_approved_stays_approved_where_that_is_enough(world):
    proposal = world.approve(world.propose())
    publish_and_judge(tier_id="batch")
    assert now(proposal).state == "approved"
    assert [(row.outcome, row.tier_id, row.is_met) for row in Reevaluation.objects.all()] == [
        ("require_approval", "batch", True)
    ]
    assert_invariants_hold()


def test_what_people_approved_waits_for_them_again_where_it_is_not(world):
    proposal = world.approve(world.propose())
    publish_and_judge(tier_id="human_only")
    proposal = now(proposal)
    assert (proposal.state, proposal.tier_id, proposal.release_at) == ("pending", "human_only", None)
    assert proposal.dispatches.get().status == "cancelled"
    assert_invariants_hold()


def test_what_is_on_its_way_is_left_alone(world):
    proposal = world.propose("email.lifecycle")
    Proposal.objects.filter(pk=proposal.pk).update(release_at=proposal.created_at)
    proposal.dispatches.update(next_attempt_at=proposal.created_at)
    assert claims.claim_next(worker="test", kind="webhook") is not None
    Surface.objects.filter(slug="email.lifecycle").update(tier_id="single")
    publish_and_judge()
    assert now(proposal).state == "approved"


def test_requirements_are_added_and_never_taken_away(world):
    worlds.person("lawyer", "Legal")
    proposal = world.propose()
    Requirement.objects.create(surface_id="ads.budget", name="law", role_id="Legal")
    publish_and_judge()
    assert {row["role"] for row in now(proposal).requirements} == {worlds.OWNER, "Legal"}
    Requirement.objects.all().delete()
    publish_and_judge()
    assert {row["role"] for row in now(proposal).requirements} == {worlds.OWNER, "Legal"}


def test_an_approval_under_a_milder_verdict_is_asked_for_again(world):
    worlds.person("lawyer", "Legal")
    for role in (worlds.OWNER, "Legal"):
        Requirement.objects.create(surface_id="ads.budget", name=role, role_id=role)
    worlds.publish()
    proposal = world.approve(world.propose())
    assert proposal.state == "pending"
    publish_and_judge(tier_id="signature")
    lawyer = worlds.User.objects.get(username="lawyer")
    world.approve(proposal, by=lawyer, is_signed=True, comment="Lawful.")
    assert now(proposal).state == "pending"
    world.approve(proposal, is_signed=True, comment="Again, signed.")
    assert now(proposal).state == "approved"
    assert_invariants_hold()


def test_new_guardrails_read_what_waits(world):
    proposal = world.propose(content={"payload": {"text": "Free for ever!"}})
    Guardrail.objects.create(
        slug="hype",
        kind="forbidden_phrases",
        config={"phrases": ["free"]},
        effect="tier",
        tier_id="signature",
        text="No.",
    )
    publish_and_judge()
    assert now(proposal).tier_id == "signature"


def test_what_breaks_the_new_schema_is_judged_as_it_was_read(world):
    proposal = world.propose()
    publish_and_judge(payload_schema={"required": ["campaign"]}, tier_id="signature")
    assert now(proposal).tier_id == "signature"


def test_each_is_judged_once_however_often_the_sweep_comes(world):
    world.propose()
    Surface.objects.filter(slug="ads.budget").update(tier_id="signature")
    worlds.publish()
    assert [reevaluation.reevaluate_open() for _ in range(3)] == [1, 0, 0]
    assert Verdict.objects.count() == 2


def test_an_activation_wakes_it(world, django_capture_on_commit_callbacks, monkeypatch):
    woken = []
    monkeypatch.setattr(reevaluation, "wake", woken.append)
    Surface.objects.filter(slug="ads.budget").update(tier_id="signature")
    with django_capture_on_commit_callbacks(execute=True):
        worlds.publish()
    assert woken == [reevaluation.TASK]
