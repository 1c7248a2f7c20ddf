"""What an agent's confidence has been worth."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from approvals.figures import track_record
from approvals.figures.track_record import TrackRecord
from approvals.lifecycle import review
from approvals.models import Proposal, Sample
from approvals.shipping import claims, dispatches, recovery, sampling
from policies.models import Agent, Mandate, Tier
from tests import world as worlds
from tests.world import World, seen

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return worlds.build()


def propose(world: World, confidence: float | None = 0.95, surface: str = "ads.budget") -> Proposal:
    return world.propose(surface, content={"confidence": confidence, "rollback": {"amount": -4000}})


def ship() -> None:
    while claim := claims.claim_next(worker="test", kind="webhook"):
        dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={"done": True})


def record(confidence: float | None = 0.95, surface: str = "ads.budget", agent: str = "pacer") -> TrackRecord:
    return track_record.track_record(agent=agent, surface=surface, confidence=confidence)


def counted(**words) -> tuple[int, int]:
    found = record(**words)
    return found.decided, found.right


def reject(world: World, proposal: Proposal) -> None:
    world.decide(proposal, "reject", reason_code="too_risky")


def test_approved_is_right_and_rejected_is_wrong(world):
    for number in range(5):
        proposal = propose(world)
        world.approve(proposal) if number else reject(world, proposal)
    propose(world)
    assert counted() == (5, 4)


def test_only_a_similar_confidence_counts(world):
    for confidence in (0.89, 0.9, 0.999, 1.0, None):
        world.approve(propose(world, confidence), is_signed=True, comment="Agreed.")
    assert counted(confidence=0.93) == (3, 3)
    assert counted(confidence=0.8) == (1, 1)
    assert counted(confidence=None) == (1, 1)
    assert counted(confidence=0.0) == (0, 0)


def test_every_hundredth_is_in_the_tenth_it_begins_with():
    for hundredth in range(101):
        low, high = track_record.band(hundredth / 100)
        assert low == min(hundredth // 10, 9) / 10
        assert low <= hundredth / 100 < high


def test_another_surface_or_agent_does_not_count(world):
    world.surface("crm.segments", "single")
    world.approve(propose(world, surface="crm.segments"))
    world.approve(propose(world))
    other = Agent.objects.create(slug="other", name="Other", owner=world.agent.owner)
    Mandate.objects.create(agent=other, surface_id="ads.budget", tier_id="autopilot")
    assert counted() == (1, 1)
    assert counted(agent="other") == (0, 0)


def test_what_a_person_had_to_edit_was_not_right(world):
    proposal = propose(world)
    review.edit(proposal_id=proposal.pk, seen=seen(proposal), by=world.other_owner, payload={"amount": 1})
    world.approve(proposal)
    assert counted() == (1, 0)


def test_what_was_rolled_back_was_not_right(world):
    proposal = propose(world)
    world.approve(proposal)
    ship()
    assert counted() == (1, 1)
    recovery.roll_back(proposal_id=proposal.pk, by=world.owner)
    ship()
    assert counted() == (1, 0)


def test_what_nobody_looked_at_says_nothing_until_somebody_does(world):
    Tier.objects.filter(slug="autopilot").update(sample_rate=1.0)
    world.surface("crm.segments", "autopilot")
    right, changed, unseen = (propose(world, surface="crm.segments") for _ in range(3))
    ship()
    assert counted(surface="crm.segments") == (0, 0)
    for proposal, opinion in ((right, "right"), (changed, "needed_change")):
        sampling.judge(proposal_id=proposal.pk, by=world.owner, opinion=Sample.Opinion(opinion), note="Too many.")
    assert Proposal.objects.get(pk=unseen.pk).state == "shipped"
    assert counted(surface="crm.segments") == (2, 1)


@pytest.mark.parametrize("verdict", ["take_over", "send_back"])
def test_what_is_no_fault_of_the_agent_or_not_settled_does_not_count(world, verdict):
    world.decide(propose(world), verdict, comment="I do it.")
    assert counted() == (0, 0)


def test_only_the_newest_count(world, monkeypatch):
    monkeypatch.setattr(track_record, "LOOKS_BACK", 2)
    reject(world, propose(world))
    for _ in range(2):
        world.approve(propose(world))
    assert counted() == (2, 2)


@pytest.mark.parametrize(
    ("record", "says"),
    [
        (TrackRecord(0.93, 412, 334), "Says 93 %; right 81 % of 412 times"),
        (TrackRecord(0.93, 3, 3), "Too little history yet (3 decided)"),
        (TrackRecord(0.93, 9, 9), "Too little history yet (9 decided)"),
        (TrackRecord(0.93, 0, 0), "No history yet"),
        (TrackRecord(0.93, 10, 0), "Says 93 %; right 0 % of 10 times"),
        (TrackRecord(None, 20, 10), "Gives no confidence; right 50 % of 20 times"),
    ],
)
def test_it_says_so_in_words(record, says):
    assert record.sentence == says


def test_it_asks_once(world):
    world.approve(propose(world))
    with CaptureQueriesContext(connection) as captured:
        record()
    assert len(captured) == 1


def test_the_review_page_shows_it_beside_the_confidence(world):
    for _ in range(10):
        world.approve(propose(world))
    client = Client()
    client.force_login(world.owner)
    page = client.get(f"/admin/approvals/proposal/{propose(world).pk}/").content.decode()
    assert "Says 95 %; right 100 % of 10 times" in page
