"""Of what ships by itself, some is looked at afterwards."""

import pytest

from approvals.errors import NotEligible, ProposalError, ReasonRequired, StateConflict
from approvals.lifecycle import review
from approvals.models import Proposal, Sample
from approvals.shipping import claims, dispatches, sampling
from audit.models import Entry
from policies.models import Tier
from tests import world as worlds
from tests.approvals.races import race, winners
from tests.proofs import assert_invariants_hold
from tests.world import World

pytestmark = pytest.mark.django_db


def build(rate: float) -> World:
    world = worlds.build()
    Tier.objects.filter(slug="autopilot").update(sample_rate=rate)
    world.surface("crm.segments", "autopilot")
    return world


@pytest.fixture
def world() -> World:
    return build(1.0)


def ship() -> list[Proposal]:
    shipped = []
    while claim := claims.claim_next(worker="test", kind="webhook"):
        done = dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={"done": True})
        # A receipt that comes twice draws no second time.
        dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={"done": True})
        shipped.append(done.proposal)
    return shipped


@pytest.fixture
def sampled(world: World) -> Proposal:
    world.propose("crm.segments")
    return ship()[0]


def judge(proposal: Proposal, by, opinion: str = "right", note: str = "") -> Sample:
    return sampling.judge(proposal_id=proposal.pk, by=by, opinion=Sample.Opinion(opinion), note=note)


def test_what_is_picked_is_told_to_the_ledger(sampled):
    sample = Sample.objects.get()
    assert sample.proposal == sampled
    assert sample.opinion == ""
    entry = Entry.objects.get(kind="proposal.sampled")
    assert entry.subject == f"proposal:{sampled.pk}"
    assert entry.data["rate"] == "1.0"
    assert entry.actor == "system"
    assert_invariants_hold()


def test_a_rate_of_nought_picks_nothing():
    build(0.0).propose("crm.segments")
    assert len(ship()) == 1
    assert not Sample.objects.exists()


def test_about_as_many_as_the_rate_says_are_picked():
    world = build(0.5)
    for number in range(60):
        world.propose("crm.segments", title=str(number))
    ship()
    # Fewer than 8 or more than 52 of 60 would happen once in a hundred million runs.
    assert 8 <= Sample.objects.count() <= 52


def test_nothing_is_picked_before_it_has_shipped(world):
    world.propose("crm.segments")
    claims.claim_next(worker="test", kind="webhook")
    assert not Sample.objects.exists()


def test_the_published_rate_counts_and_not_the_draft(world):
    Tier.objects.filter(slug="autopilot").update(sample_rate=0.0)
    world.propose("crm.segments")
    ship()
    assert Sample.objects.count() == 1


def test_what_people_approved_is_not_picked(world):
    proposal = world.propose("crm.segments")
    review.undo(proposal_id=proposal.pk, by=world.owner)
    world.approve(proposal)
    assert len(ship()) == 1
    assert not Sample.objects.exists()


@pytest.mark.parametrize(("opinion", "note"), [("right", ""), ("needed_change", "Too long."), ("wrong", "Not them.")])
def test_somebody_says_how_it_was(world, sampled, opinion, note):
    sample = judge(sampled, world.owner, opinion, note)
    assert (sample.opinion, sample.by, sample.note) == (opinion, world.owner, note)
    entry = Entry.objects.get(kind="sample.judged")
    assert (entry.actor, entry.data["opinion"]) == (f"user:{world.owner.pk}", opinion)
    assert Proposal.objects.get().state == "shipped"
    assert_invariants_hold()


@pytest.mark.parametrize("opinion", ["needed_change", "wrong"])
def test_what_was_not_right_wants_a_note(world, sampled, opinion):
    with pytest.raises(ReasonRequired):
        judge(sampled, world.owner, opinion, "  ")
    assert Sample.objects.get().opinion == ""


def test_the_second_one_is_told_who_was_faster(world, sampled):
    judge(sampled, world.owner)
    with pytest.raises(StateConflict, match="channel-owner was faster and has said: was right"):
        judge(sampled, world.other_owner, "wrong", "No.")
    assert Sample.objects.get().opinion == "right"
    assert Entry.objects.filter(kind="sample.judged").count() == 1


def test_the_owner_of_the_agent_never_judges_it(world, sampled):
    world.surfaces["crm.segments"].agent_owner_may_decide = True
    world.surfaces["crm.segments"].save()
    worlds.publish()
    for person in (world.agent.owner, worlds.person("lawyer", "Legal")):
        with pytest.raises(NotEligible):
            judge(sampled, person)
    assert Sample.objects.get().opinion == ""


def test_what_was_not_picked_cannot_be_judged(world):
    with pytest.raises(Sample.DoesNotExist):
        judge(world.propose("ads.budget"), world.owner)


@pytest.mark.django_db(transaction=True)
def test_of_two_at_the_same_moment_one_is_faster():
    world = build(1.0)
    people = (world.owner, world.other_owner)
    rounds = 5
    for number in range(rounds):
        world.propose("crm.segments", title=str(number))
    proposals = ship()

    def as_(person):
        return lambda number: judge(proposals[number], person, "wrong", "No.")

    results = race(rounds, *map(as_, people))
    assert all(len(winners(each)) == 1 for each in results)
    assert all(isinstance(refused, Sample | ProposalError) for each in results for refused in each)
    assert Entry.objects.filter(kind="sample.judged").count() == rounds
