"""The life of a proposal, through its use cases."""

import pytest
from django.contrib.auth.models import User

from approvals.errors import (
    InvalidProposal,
    NotEligible,
    ReasonRequired,
    SignatureRequired,
    StaleRevision,
    StateConflict,
)
from approvals.evaluation.judgement import Content
from approvals.lifecycle import review, submission
from approvals.models import Dispatch, Proposal
from approvals.shipping import claims, dispatches, recovery
from audit.models import Entry
from policies.registry import agents
from tests import world as worlds
from tests.world import World, seen

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return worlds.build()


def ship(world: World) -> Dispatch:
    claim = claims.claim_next(worker="test", kind="webhook")
    assert claim is not None
    return dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={"status": 200})


def test_a_proposal_that_needs_approval_waits_and_ships_once_approved(world: World) -> None:
    proposal = world.propose()
    assert (proposal.state, proposal.tier_id, proposal.release_at) == ("pending", "single", None)

    approved = world.approve(proposal)
    assert (approved.state, approved.approved_digest) == ("approved", proposal.revision.digest)
    ship(world)

    assert Proposal.objects.get().state == "shipped"
    assert list(
        Entry.objects.order_by("id").filter(subject=f"proposal:{proposal.pk}").values_list("kind", flat=True)
    ) == [
        "proposal.submitted",
        "proposal.decided",
        "dispatch.claimed",
        "proposal.shipped",
    ]


def test_an_allowed_proposal_is_approved_by_policy_and_held(world: World) -> None:
    proposal = world.propose("email.lifecycle")
    assert proposal.state == "approved"
    assert proposal.release_at > proposal.created_at
    assert claims.claim_next(worker="test", kind="webhook") is None


def test_low_confidence_takes_an_automatic_tier_away(world: World) -> None:
    assert world.propose("email.lifecycle", content={"confidence": 0.8}).tier_id == "single"
    assert world.propose("email.lifecycle", content={"confidence": None}).tier_id == "signature"


def test_a_suspended_agent_is_blocked(world: World) -> None:
    agents.suspend(agent=world.agent, by=world.owner)
    blocked = world.propose()
    assert (blocked.state, blocked.tier_id) == ("blocked", None)
    assert blocked.verdict.reasons[0]["text"] == "The agent pacer is suspended."


def test_an_unknown_surface_is_refused_and_nothing_is_kept(world: World) -> None:
    with pytest.raises(InvalidProposal, match="/surface"):
        world.propose("ads.nowhere")
    assert not Proposal.objects.exists()


@pytest.mark.parametrize(
    ("verdict", "words", "state"),
    [
        ("reject", {"reason_code": "too_risky"}, "rejected"),
        ("send_back", {"comment": "Half of it, please."}, "returned"),
        ("take_over", {}, "taken_over"),
    ],
)
def test_people_say_otherwise(world: World, verdict: str, words: dict[str, str], state: str) -> None:
    assert world.decide(world.propose(), verdict, **words).state == state


@pytest.mark.parametrize(
    ("verdict", "words", "field"),
    [
        ("reject", {}, "reason_code"),
        ("reject", {"reason_code": "whim"}, "reason_code"),
        ("reject", {"reason_code": "other"}, "comment"),
        ("send_back", {}, "comment"),
    ],
)
def test_a_refusal_needs_its_reason(world: World, verdict: str, words: dict[str, str], field: str) -> None:
    proposal = world.propose()
    with pytest.raises(ReasonRequired) as refused:
        world.decide(proposal, verdict, **words)
    assert refused.value.field == field
    assert Proposal.objects.get().state == "pending"


def test_a_signature_needs_the_password_and_a_reason(world: World) -> None:
    proposal = world.propose("pricing")
    with pytest.raises(SignatureRequired):
        world.approve(proposal)
    with pytest.raises(ReasonRequired):
        world.approve(proposal, is_signed=True)
    assert world.approve(proposal, is_signed=True, comment="Agreed with Finance.").state == "approved"


def test_nobody_approves_what_only_people_may_do(world: World) -> None:
    world.surface("legal.terms", "human_only")
    proposal = world.propose("legal.terms")
    with pytest.raises(StateConflict):
        world.approve(proposal, is_signed=True, comment="Please.")
    assert world.decide(proposal, "take_over").state == "taken_over"


def test_the_agents_owner_and_strangers_may_not_decide(world: World) -> None:
    proposal = world.propose()
    for who in (User.objects.get(username="agent-owner"), worlds.person("legal", "Legal")):
        with pytest.raises(NotEligible):
            world.approve(proposal, by=who)


def test_an_edit_makes_a_new_revision_that_its_author_may_not_approve(world: World) -> None:
    proposal = world.propose()
    edited = review.edit(proposal_id=proposal.pk, seen=seen(proposal), by=world.owner, payload={"amount": 1000})
    assert (edited.state, edited.revision.number, edited.revision.author) == ("edited", 2, world.owner)
    with pytest.raises(NotEligible):
        world.approve(proposal)
    assert world.approve(proposal, by=world.other_owner).approved_digest == edited.revision.digest


def test_a_decision_on_a_revision_that_was_replaced_is_refused(world: World) -> None:
    proposal = world.propose()
    old = seen(proposal)
    review.edit(proposal_id=proposal.pk, seen=old, by=world.owner, payload={"amount": 1000})
    with pytest.raises(StaleRevision):
        review.decide(proposal_id=proposal.pk, seen=old, by=world.other_owner, verdict="approve")


def test_edit_and_approve_where_the_surface_lets_one_person_do_both(world: World) -> None:
    world.surface("crm.segments", "single", editor_may_approve=True)
    proposal = world.propose("crm.segments")
    done = review.edit_and_approve(proposal_id=proposal.pk, seen=seen(proposal), by=world.owner, payload={"amount": 1})
    assert (done.state, done.revision.number) == ("approved", 2)


def test_edit_and_approve_elsewhere_leaves_nothing_behind(world: World) -> None:
    proposal = world.propose()
    with pytest.raises(NotEligible):
        review.edit_and_approve(proposal_id=proposal.pk, seen=seen(proposal), by=world.owner, payload={"amount": 1})
    assert Proposal.objects.get().revision.number == 1


def test_undo_before_the_claim_and_not_after(world: World) -> None:
    proposal = world.propose()
    world.approve(proposal)
    assert review.undo(proposal_id=proposal.pk, by=world.owner).state == "pending"
    assert claims.claim_next(worker="test", kind="webhook") is None

    world.approve(proposal)
    assert claims.claim_next(worker="test", kind="webhook") is not None
    with pytest.raises(StateConflict, match="already shipping"):
        review.undo(proposal_id=proposal.pk, by=world.owner)
    assert Dispatch.objects.count() == 1


def test_the_agent_revises_what_was_returned_and_it_never_passes_by_itself(world: World) -> None:
    proposal = world.propose("email.lifecycle", content={"confidence": 0.8})
    world.decide(proposal, "send_back", comment="Shorter.")
    revised = submission.revise(
        agent=world.agent, proposal_id=proposal.pk, content=Content(payload={"amount": 1}, confidence=0.99)
    )
    assert (revised.state, revised.revision.number, revised.tier_id) == ("pending", 2, "single")


def test_withdraw_before_the_claim_and_not_after(world: World) -> None:
    first, second = world.propose(), world.propose()
    world.approve(first)
    assert submission.withdraw(agent=world.agent, proposal_id=first.pk).state == "withdrawn"
    world.approve(second)
    assert claims.claim_next(worker="test", kind="webhook") is not None
    with pytest.raises(StateConflict):
        submission.withdraw(agent=world.agent, proposal_id=second.pk)


def test_what_ran_out_of_time_can_no_longer_be_withdrawn(world: World) -> None:
    proposal = world.propose()
    Proposal.objects.update(deadline_at=proposal.created_at)
    with pytest.raises(StateConflict, match="expired"):
        submission.withdraw(agent=world.agent, proposal_id=proposal.pk)


def test_roll_back_is_a_dispatch_of_its_own(world: World) -> None:
    proposal = world.propose(content={"rollback": {"amount": -4000}})
    world.approve(proposal)
    executed = ship(world)
    ordered = recovery.roll_back(proposal_id=proposal.pk, by=world.owner)
    assert ordered.state == "shipped"
    rolled_back = ship(world)
    assert rolled_back.pk != executed.pk
    assert rolled_back.body == b'{"amount":-4000}'
    assert Proposal.objects.get().state == "rolled_back"
    with pytest.raises(StateConflict):
        recovery.roll_back(proposal_id=proposal.pk, by=world.owner)


def test_what_has_failed_can_be_tried_again(world: World) -> None:
    proposal = world.propose()
    world.approve(proposal)
    claim = claims.claim_next(worker="test", kind="webhook")
    dispatches.postpone(dispatch_id=claim.dispatch.pk, fence=claim.fence, error="Gone.", is_final=True)
    assert Proposal.objects.get().state == "failed"
    assert recovery.retry(proposal_id=proposal.pk, by=world.owner).state == "approved"
    assert ship(world).attempts.count() == 2
    assert Proposal.objects.get().state == "shipped"
