"""What is read of recorded proposals: the first revision, its first verdict, and what became of it."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals.evaluation import judgement
from approvals.evaluation.judgement import Content
from approvals.lifecycle import review, submission
from approvals.models import Proposal, Verdict
from approvals.models.ids import uuid7
from approvals.replays import recorded_cases
from approvals.replays.recorded_cases import Window
from approvals.shipping import claims, dispatches, recovery
from audit.clock import database_now
from policies.engine.simulation import Needs, Replay
from policies.engine.simulation_figures import Tally
from policies.facts import stored_facts
from policies.publishing import publish
from tests import world as worlds
from tests.world import World, seen

pytestmark = pytest.mark.django_db

NOTHING, PAYLOAD, BOTH = Needs(payload=False, before=False), Needs(payload=True, before=False), Needs(True, True)


@pytest.fixture
def world() -> World:
    return worlds.build()


def ship_next() -> None:
    claim = claims.claim_next(worker="test", kind="webhook")
    dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={})


def read(needs: Needs = NOTHING, **window):
    return list(recorded_cases.cases(Window(**window), needs))


def test_the_newest_come_first_and_no_more_than_asked_for(world, monkeypatch):
    monkeypatch.setattr(recorded_cases, "BATCH", 3)
    made = [str(world.propose().pk) for _ in range(8)]
    assert [case.proposal for case in read()] == made[::-1]
    assert [case.proposal for case in read(most=4)] == made[:3:-1]
    assert (recorded_cases.count(Window()), recorded_cases.count(Window(most=4))) == (8, 4)


def test_pages_go_on_where_one_ended(world, monkeypatch):
    monkeypatch.setattr(recorded_cases, "BATCH", 3)
    made = [str(world.propose().pk) for _ in range(5)]
    first = next(recorded_cases.pages(Window(), NOTHING))
    rest = [
        case.proposal
        for page in recorded_cases.pages(Window(), NOTHING, after=first.last, done=first.size)
        for case in page.cases
    ]
    assert [case.proposal for case in first.cases] + rest == made[::-1]


def test_only_what_was_made_since(world):
    world.propose()
    at = database_now()
    later = world.propose()
    assert [case.proposal for case in read(since=at)] == [str(later.pk)]
    assert recorded_cases.count(Window(since=at)) == 1
    assert read(since=at + timedelta(hours=1)) == []


def test_what_was_said_first_counts_and_not_what_followed(world):
    proposal = world.propose(content={"payload": {"amount": 1}, "confidence": 0.3})
    submission.revise(agent=world.agent, proposal_id=proposal.pk, content=Content(payload={"amount": 2}))
    first = Verdict.objects.get(revision__number=1)
    at = database_now()
    # As a stricter policy leaves it when it comes into force.
    Verdict.objects.create(
        id=uuid7(), revision=first.revision, outcome="deny", reasons=[], facts={}, policy_digest="", at=at
    )
    (case,) = read(PAYLOAD)
    assert (case.outcome, case.tier, case.at) == (first.outcome, first.tier_id, first.at)
    assert json.loads(case.facts) == first.facts
    assert json.loads(case.payload) == {"amount": 1}
    assert not case.is_edited


def test_what_became_of_it(world):
    rolled = world.propose(content={"rollback": {"amount": -4000}})
    world.approve(rolled)
    ship_next()
    recovery.roll_back(proposal_id=rolled.pk, by=world.owner)
    ship_next()
    approved, rejected, edited = (world.propose() for _ in range(3))
    world.approve(approved)
    world.decide(rejected, "reject", reason_code="too_risky")
    review.edit(proposal_id=edited.pk, seen=seen(edited), by=world.owner, payload={"amount": 1})
    found = {case.proposal: (case.is_rejected, case.is_edited, case.is_rolled_back) for case in read()}
    assert found[str(approved.pk)] == (False, False, False)
    assert found[str(rejected.pk)] == (True, False, False)
    assert found[str(edited.pk)] == (False, True, False)
    assert found[str(rolled.pk)] == (False, False, True)


@pytest.mark.parametrize(
    ("needs", "has_payload", "has_before"),
    [(NOTHING, False, False), (PAYLOAD, True, False), (Needs(False, True), False, True), (BOTH, True, True)],
)
@pytest.mark.parametrize("length", [10, recorded_cases.LARGE_BYTES + 10])
def test_contents_are_read_where_they_are_needed_however_large(world, needs, has_payload, has_before, length):
    payload, before = {"text": "ä" * length}, {"noise": [str(uuid7()) for _ in range(length // 8)]}
    world.propose(content={"payload": payload, "before": before})
    world.propose(content={"payload": {"amount": 1}})
    with CaptureQueriesContext(connection) as queries:
        second, first = read(needs)
    assert (first.payload is not None, first.before is not None) == (has_payload, has_before)
    assert json.loads(first.payload or "null") == (payload if has_payload else None)
    assert json.loads(first.before or "null") == (before if has_before else None)
    assert second.before is None
    alone = length > recorded_cases.LARGE_BYTES and (has_payload or has_before)
    assert len(queries) == 2 + alone


def test_review_minutes_are_the_median_to_the_first_decision_of_each_surface(world):
    for minutes in (1, 3, 50):
        proposal = world.propose()
        world.approve(proposal)
        review.undo(proposal_id=proposal.pk, by=world.owner)
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(
                "UPDATE approvals_proposal SET created_at = (SELECT min(at) FROM approvals_decision WHERE proposal_id"
                " = approvals_proposal.id) - %s * interval '1 minute' WHERE id = %s",
                [minutes, proposal.pk],
            )
            cursor.execute("SET LOCAL session_replication_role = DEFAULT")
    world.propose("pricing")
    assert recorded_cases.review_minutes(Window()) == {"ads.budget": pytest.approx(3)}
    assert recorded_cases.review_minutes(Window(since=database_now())) == {}


def test_the_policy_in_force_changes_nothing_of_what_it_said_itself(world):
    for confidence in (0.2, 0.7, 0.95):
        for surface in ("ads.budget", "email.lifecycle", "pricing"):
            world.propose(surface, content={"confidence": confidence})
    replay, tally = Replay(publish.active_policy()), Tally()
    replay.weigh(recorded_cases.cases(Window(), replay.needs), tally)
    assert tally.cases == Proposal.objects.count() == 9
    assert not any(tally.result({})["changes"].values())


def test_facts_come_back_as_they_were_stored(world):
    proposal = world.propose(
        targets=("campaign:1",), tags=("financial",), model={"name": "pacer"}, content={"before": {"a": 1}}
    )
    stored = proposal.verdict.facts
    facts = stored_facts.read(stored, payload=proposal.revision.payload, before={"a": 1})
    assert judgement.stored_facts(facts) == stored
