"""Many decisions in one go: each stands for itself."""

from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals.errors import NotInBatch
from approvals.lifecycle import batches, review
from approvals.lifecycle.batches import BatchResult
from approvals.lifecycle.review import SeenRevision
from approvals.models import Conflict, Decision, Dispatch, Proposal
from approvals.shipping import claims
from audit.models import Entry
from policies.models import Guardrail
from tests import world as worlds
from tests.costs import Stopwatch
from tests.kept import kept
from tests.proofs import assert_invariants_hold
from tests.world import World, limit, seen

pytestmark = pytest.mark.django_db


@pytest.fixture
@kept
def world() -> World:
    made = worlds.build()
    made.surface("crm.segments", "batch")
    return made


def propose(world: World, number: int = 3, **fields) -> list[Proposal]:
    return [world.propose("crm.segments", title=f"Segment {each}", **fields) for each in range(number)]


def decide(world: World, proposals: list[Proposal], verdict: str = "approve", **words) -> BatchResult:
    items = [(proposal.pk, seen(proposal)) for proposal in proposals]
    return batches.decide_all(items=items, by=words.pop("by", world.owner), verdict=Decision.Verdict(verdict), **words)


def states(proposals: list[Proposal]) -> list[str]:
    now = dict(Proposal.objects.values_list("pk", "state"))
    return [now[proposal.pk] for proposal in proposals]


def test_every_one_is_decided_and_told_of_by_itself(world):
    proposals = propose(world)
    result = decide(world, proposals, comment="As agreed.")
    assert [item.state for item in result.items] == ["approved"] * 3
    assert states(proposals) == ["approved"] * 3
    decisions = Decision.objects.all()
    assert {decision.batch for decision in decisions} == {result.batch}
    assert {decision.comment for decision in decisions} == {"As agreed."}
    entries = Entry.objects.filter(kind="proposal.decided")
    assert {entry.subject for entry in entries} == {f"proposal:{proposal.pk}" for proposal in proposals}
    assert {entry.data["batch"] for entry in entries} == {str(result.batch)}
    assert Dispatch.objects.count() == 3
    assert_invariants_hold()


def test_a_decision_by_itself_is_of_no_batch(world):
    world.approve(propose(world, 1)[0])
    assert Decision.objects.get().batch is None
    assert "batch" not in Entry.objects.get(kind="proposal.decided").data


def test_one_that_fails_stops_no_other(world):
    _first, second, _third = proposals = propose(world)
    world.decide(second, "take_over", by=world.other_owner)
    result = decide(world, proposals)
    assert [item.is_done for item in result.items] == [True, False, True]
    assert "nothing to decide" in result.refused[0].why_not
    assert result.refused[0].code == "state_conflict"
    assert states(proposals) == ["approved", "taken_over", "approved"]
    assert_invariants_hold()


def test_what_was_replaced_meanwhile_is_not_decided(world):
    proposals = propose(world)
    review.edit(proposal_id=proposals[1].pk, seen=seen(proposals[1]), by=world.other_owner, payload={"amount": 1})
    result = decide(world, proposals)
    assert [item.code for item in result.items] == ["", "stale_revision", ""]
    assert states(proposals) == ["approved", "edited", "approved"]


def test_a_rejection_wants_its_reason_from_every_one(world):
    proposals = propose(world)
    assert {item.code for item in decide(world, proposals, "reject").items} == {"reason_required"}
    assert not Decision.objects.exists()
    result = decide(world, proposals, "reject", reason_code="bad_timing", comment="After the holidays.")
    assert states(proposals) == ["rejected"] * 3
    assert len(result.done) == 3
    assert_invariants_hold()


@pytest.mark.parametrize("tier", ["single", "signature", "human_only", "monitored"])
def test_what_is_decided_one_by_one_is_in_no_batch(world, tier):
    """`monitored` would ship by itself; it waits because somebody stopped it."""
    world.surface("crm.journeys", tier)
    proposal = world.propose("crm.journeys")
    if tier == "monitored":
        review.undo(proposal_id=proposal.pk, by=world.owner)
    result = decide(world, [*propose(world, 1), proposal])
    assert [item.code for item in result.items] == ["", "not_in_batch"]
    assert tier in result.refused[0].why_not
    assert states([proposal]) == ["pending"]


def test_what_has_to_be_approved_alone_may_be_rejected_with_others(world):
    proposals = [*propose(world, 1), world.propose("ads.budget")]
    assert not decide(world, proposals, "reject", reason_code="bad_timing").refused
    assert states(proposals) == ["rejected", "rejected"]


def test_what_a_guardrail_flagged_is_in_no_batch(world):
    Guardrail.objects.create(
        slug="words", kind="forbidden_phrases", effect="flag", config={"phrases": ["risk-free"]}, text="Legal says no."
    )
    worlds.publish()
    flagged = propose(world, 1, content={"payload": {"text": "A risk-free offer"}})[0]
    assert flagged.tier_id == "batch"
    result = decide(world, [*propose(world, 1), flagged])
    assert [item.code for item in result.items] == ["", "not_in_batch"]
    assert "flagged" in result.refused[0].why_not


def test_what_a_limit_warned_of_is_in_no_batch(world):
    world.enforce(limits={"most": limit(limit=100, warning=1)})
    _first, second = proposals = propose(world, 2)
    assert second.tier_id == "batch"
    assert [item.code for item in decide(world, proposals).items] == ["", "not_in_batch"]


def test_what_is_in_conflict_is_in_no_batch_whichever_came_first(world):
    older = propose(world, 1, targets=("list:all",))[0]
    newer = propose(world, 1, targets=("list:all",))[0]
    assert Conflict.objects.count() == 1
    assert older.tier_id == "batch"
    assert [item.code for item in decide(world, [older, newer]).items] == ["not_in_batch"] * 2
    world.decide(newer, "reject", reason_code="duplicate")
    assert not decide(world, [older]).refused


def test_what_has_a_checklist_is_in_no_batch(world):
    Guardrail.objects.create(slug="legal", kind="checklist", effect="flag", text="Legal has seen it.")
    worlds.publish()
    with_list = propose(world, 1)[0]
    assert with_list.checklist
    result = decide(world, [with_list])
    assert "checklist" in result.refused[0].why_not


def test_nobody_decides_in_a_batch_what_they_could_not_decide_alone(world):
    proposals = propose(world, 2)
    owner_of_the_agent = world.agent.owner
    result = decide(world, proposals, by=owner_of_the_agent)
    assert {item.code for item in result.items} == {"not_eligible"}
    assert "You own the agent" in result.items[0].why_not
    assert states(proposals) == ["pending"] * 2


def test_what_one_may_not_see_is_not_there(world):
    stranger = worlds.person("lawyer", "Legal")
    result = decide(world, propose(world, 1), by=stranger)
    nothing = batches.decide_all(
        items=[(uuid4(), SeenRevision(1, "sha256:0"))], by=stranger, verdict=Decision.Verdict.APPROVE
    )
    assert result.items[0].why_not == nothing.items[0].why_not == "There is no such proposal."
    assert not Decision.objects.exists()


def test_one_vote_of_two_leaves_it_open(world):
    worlds.requirement("crm.segments", worlds.OWNER, approvals=2)
    worlds.publish()
    proposals = propose(world, 2)
    assert [item.state for item in decide(world, proposals).items] == ["pending"] * 2
    assert [item.state for item in decide(world, proposals, by=world.other_owner).items] == ["approved"] * 2
    assert_invariants_hold()


def test_more_than_two_hundred_are_refused_whole(world):
    items = [(UUID(int=number), SeenRevision(1, "sha256:0")) for number in range(batches.MOST + 1)]
    with pytest.raises(NotInBatch):
        batches.decide_all(items=items, by=world.owner, verdict=Decision.Verdict.APPROVE)


def test_the_same_one_named_twice_is_decided_once(world):
    proposal = propose(world, 1)[0]
    assert len(decide(world, [proposal, proposal]).items) == 1
    assert Decision.objects.count() == 1


@pytest.mark.parametrize("verdict", ["approve", "reject"])
def test_a_batch_can_be_undone_as_a_whole(world, verdict):
    proposals = propose(world)
    batch = decide(world, proposals, verdict, reason_code="other", comment="Too early.").batch
    result = batches.undo_batch(batch=batch, by=world.owner)
    assert len(result.done) == 3
    assert result.batch == batch
    assert states(proposals) == ["pending"] * 3
    told = Entry.objects.filter(kind="proposal.undone")
    assert {entry.data["batch"] for entry in told} == {str(batch)}
    assert not batches.undo_batch(batch=batch, by=world.owner).done
    assert_invariants_hold()


def test_an_undo_leaves_what_has_left_or_was_decided_since(world):
    shipped, decided_since, _still_here = proposals = propose(world)
    batch = decide(world, proposals).batch
    claim = claims.claim_next(worker="test", kind="webhook")
    assert claim.dispatch.proposal_id == shipped.pk
    review.undo(proposal_id=decided_since.pk, by=world.owner)
    world.approve(decided_since, by=world.other_owner)
    result = batches.undo_batch(batch=batch, by=world.owner)
    assert [item.is_done for item in result.items] == [False, False, True]
    assert "already shipping" in result.items[0].why_not
    assert "decided on it since" in result.items[1].why_not
    assert states(proposals) == ["approved", "approved", "pending"]
    assert_invariants_hold()


def test_undoing_needs_the_same_rights(world):
    batch = decide(world, propose(world, 1)).batch
    assert batches.undo_batch(batch=batch, by=world.agent.owner).items[0].code == "not_eligible"
    assert batches.undo_batch(batch=batch, by=worlds.person("lawyer", "Legal")).items[0].code == "not_found"


def test_two_hundred_take_seconds_and_not_minutes(world):
    proposals = propose(world, batches.MOST)
    watch = Stopwatch()
    with CaptureQueriesContext(connection) as queries:
        result = decide(world, proposals)
    assert len(result.done) == batches.MOST
    assert watch.seconds < 15
    assert len(queries) < 40 * batches.MOST
    assert_invariants_hold()


@pytest.mark.django_db(transaction=True)
def test_a_batch_wakes_the_workers_once(monkeypatch):
    world = worlds.build()
    world.surface("email.tests", "batch")
    sent = []
    monkeypatch.setattr("approvals.outbox.wakeups.current_app.send_task", lambda task, **_options: sent.append(task))
    proposals = [world.propose("email.tests") for _ in range(3)]
    sent.clear()
    decided = batches.decide_all(
        items=[(each.pk, seen(each)) for each in proposals], by=world.owner, verdict=Decision.Verdict.APPROVE
    )
    assert len(decided.done) == 3
    assert sent.count("approvals.tasks.ship_due") == 1
