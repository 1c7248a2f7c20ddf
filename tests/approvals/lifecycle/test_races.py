"""People, agents, workers and sweeps at the same moment, on real PostgreSQL: one wins, by the rules."""

import time
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F

from approvals.errors import StaleRevision, StateConflict
from approvals.lifecycle import escalation, review, submission
from approvals.models import Attempt, Decision, Dispatch, Proposal
from approvals.shipping import claims, dispatches
from audit.clock import database_now
from policies.models import EVERYWHERE, Connector
from policies.registry import kill_switches
from tests import world as worlds
from tests.approvals.api.conftest import agent_api, decision, person_api
from tests.approvals.races import race, winners
from tests.proofs import assert_invariants_hold
from tests.world import World, seen

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]

ROUNDS = 200


@pytest.fixture
def world() -> World:
    return worlds.build()


def claim(_round: int = 0):
    return claims.claim_next(worker="racer", kind="webhook")


def approve(world: World, proposals: list[Proposal], by=None):
    """Approve in each round the revision that the person saw when the race began."""
    saw = [seen(proposal) for proposal in proposals]
    return lambda number: review.decide(
        proposal_id=proposals[number].pk, seen=saw[number], by=by or world.owner, verdict="approve"
    )


def test_ten_people_decide_at_once_and_one_succeeds(world):
    proposals = [world.propose() for _ in range(ROUNDS)]
    people = [worlds.person(f"owner-{number}", worlds.OWNER) for number in range(10)]

    def decide(lane: int):
        verdict, code = ("approve", "") if lane % 2 else ("reject", "too_risky")
        return lambda number: review.decide(
            proposal_id=proposals[number].pk,
            seen=seen(proposals[number]),
            by=people[lane],
            verdict=verdict,
            reason_code=code,
        )

    rounds = race(ROUNDS, *map(decide, range(10)))

    for proposal, results in zip(proposals, rounds, strict=True):
        (winner,) = winners(results)
        assert all(isinstance(refused, StateConflict) for lane, refused in enumerate(results) if lane != winner)
        (decision,) = proposal.decisions.all()
        assert decision.by == people[winner]
        assert Dispatch.objects.filter(proposal=proposal).count() == (winner % 2)
    assert_invariants_hold()


def test_an_approval_and_an_edit(world):
    proposals = [world.propose() for _ in range(ROUNDS)]

    def edit(number: int):
        return review.edit(
            proposal_id=proposals[number].pk, seen=seen(proposals[number]), by=world.other_owner, payload={"amount": 1}
        )

    rounds = race(ROUNDS, approve(world, proposals), edit)

    for proposal, (approval, edited) in zip(proposals, rounds, strict=True):
        state = Proposal.objects.get(pk=proposal.pk).state
        if state == "approved":
            assert isinstance(edited, StateConflict)
        else:
            assert state == "edited"
            assert isinstance(approval, StaleRevision)
    assert all(len(winners(results)) == 1 for results in rounds)
    assert_invariants_hold()


def test_an_approval_and_a_revision_by_the_agent(world):
    proposals = [world.propose() for _ in range(ROUNDS)]
    fresh = worlds.Content(payload={"amount": 1}, confidence=0.95)

    rounds = race(
        ROUNDS,
        approve(world, proposals),
        lambda number: submission.revise(agent=world.agent, proposal_id=proposals[number].pk, content=fresh),
    )

    assert all(len(winners(results)) == 1 for results in rounds)
    assert_invariants_hold()


def test_undo_another_approval_and_the_worker(world):
    proposals = [world.propose() for _ in range(ROUNDS)]
    for proposal in proposals:
        world.approve(proposal)

    def undo(number: int):
        return review.undo(proposal_id=proposals[number].pk, by=world.other_owner)

    rounds = race(ROUNDS, undo, undo, approve(world, proposals), claim)

    for proposal in proposals:
        dispatch = Dispatch.objects.get(proposal=proposal)
        state = Proposal.objects.get(pk=proposal.pk).state
        assert (state, dispatch.status) in {("approved", "claimed"), ("approved", "waiting"), ("pending", "cancelled")}
        undone = proposal.decisions.filter(verdict="undo")
        for attempt in dispatch.attempts.all():
            assert not undone.filter(at__gte=attempt.started_at).exists()
    claims = [results[3].dispatch.pk for results in rounds if results[3] is not None]
    assert len(claims) == len(set(claims)) == Attempt.objects.count()
    assert claims
    assert Decision.objects.filter(verdict="undo").exists()
    assert_invariants_hold()


def test_an_approval_and_the_deadline(world):
    proposals = [world.propose() for _ in range(ROUNDS)]

    def lapse(number: int):
        """Let the deadline pass while the others look."""
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE approvals_proposal SET deadline_at = clock_timestamp() + interval '4 ms' WHERE id = %s"
                " AND state = 'pending'",
                [proposals[number].pk],
            )

    def approve_late(number: int):
        time.sleep(0.004 * (number % 3))
        return approve(world, proposals)(number)

    def sweep(_round: int):
        for _ in range(4):
            escalation.expire_overdue()
            time.sleep(0.002)

    rounds = race(ROUNDS, approve_late, lapse, sweep)
    time.sleep(0.01)
    escalation.expire_overdue()

    ends = set()
    for proposal, (approval, *_) in zip(proposals, rounds, strict=True):
        stored = Proposal.objects.get(pk=proposal.pk)
        ends.add(stored.state)
        assert stored.state == ("expired" if isinstance(approval, StateConflict) else "approved")
        assert not proposal.decisions.filter(at__gte=stored.deadline_at).exists()
    assert ends == {"approved", "expired"}
    assert_invariants_hold()


def test_a_claim_and_the_agents_own_expiry(world):
    world.surface("email.now", "autopilot")

    def propose(number: int):
        soon = timedelta(milliseconds=(10, 30, 1000)[number % 3])
        return world.propose("email.now", expires_at=database_now() + soon)

    def work(_round: int):
        return claim(), claim()

    def sweep(_round: int):
        time.sleep(0.02)
        return escalation.expire_overdue()

    race(ROUNDS, propose, work, sweep)
    time.sleep(1)
    escalation.expire_overdue()
    assert escalation.expire_overdue() == 0

    ends = set(Dispatch.objects.values_list("status", "proposal__state"))
    assert ends == {("claimed", "approved"), ("cancelled", "expired")}
    assert not Attempt.objects.filter(started_at__gte=F("dispatch__proposal__expires_at")).exists()
    assert_invariants_hold()


def test_an_approval_a_withdrawal_and_the_worker(world):
    proposals = [world.propose() for _ in range(ROUNDS)]

    def withdraw(number: int):
        time.sleep(0.003 * (number % 3))
        return submission.withdraw(agent=world.agent, proposal_id=proposals[number].pk)

    rounds = race(ROUNDS, approve(world, proposals), withdraw, claim)

    for proposal, (_, withdrawn, _) in zip(proposals, rounds, strict=True):
        stored = Proposal.objects.get(pk=proposal.pk)
        attempts = Attempt.objects.filter(dispatch__proposal=proposal).count()
        if isinstance(withdrawn, StateConflict):
            assert (stored.state, attempts) == ("approved", 1)
        else:
            assert (stored.state, attempts) == ("withdrawn", 0)
    assert_invariants_hold()


def test_nothing_is_claimed_once_a_kill_switch_is_engaged(world):
    world.surface("email.now", "autopilot")
    for _ in range(ROUNDS):
        world.propose("email.now")
    scopes = [EVERYWHERE, "surface:email.now", "agent:pacer"]
    claimed_behind = []

    def pull(number: int):
        time.sleep(0.004 * (number % 3))
        kill_switches.engage(scope=scopes[number % 3], by=world.owner, reason="Stop.")
        before = Attempt.objects.count()
        time.sleep(0.002)
        claimed_behind.append(Attempt.objects.count() - before)
        worlds.release(scopes[number % 3])

    def work(_round: int):
        if (claimed := claim()) is not None:
            dispatches.complete(dispatch_id=claimed.dispatch.pk, fence=claimed.fence, receipt={"status": 200})

    race(ROUNDS, pull, work, work)

    assert set(claimed_behind) == {0}
    assert Attempt.objects.count() > ROUNDS // 10
    assert_invariants_hold()


def test_workers_share_the_work_and_no_dispatch_twice(world):
    world.surface("email.now", "autopilot")
    Connector.objects.update(timeout_seconds=60)  # a slow machine must not let the leases run out
    for _ in range(ROUNDS):
        world.propose("email.now")

    rounds = race(ROUNDS // 2, *[claim] * 4)

    claims = [result.dispatch.pk for results in rounds for result in results if result is not None]
    assert len(claims) == len(set(claims)) == ROUNDS
    assert_invariants_hold()


def test_a_lease_that_ran_out_goes_to_one_other_worker(world):
    world.surface("email.now", "autopilot")
    slow = []
    for _ in range(50):
        world.propose("email.now")
        slow.append(claim())
    Dispatch.objects.update(lease_until=database_now() - timedelta(seconds=1))

    def finish_late(number: int):
        late = slow[number]
        return dispatches.complete(dispatch_id=late.dispatch.pk, fence=late.fence, receipt={"status": 200})

    race(50, finish_late, claim, claim)

    assert Attempt.objects.filter(fence__gt=2).count() == 0
    for dispatch in Dispatch.objects.all():
        assert dispatch.status == ("delivered" if dispatch.fence == 1 else dispatch.status)
        assert dispatch.attempts.count() == dispatch.fence
    assert_invariants_hold()


def test_ten_people_decide_at_once_over_http(world):
    rounds = 20
    agent = agent_api(world.agent)
    shown = [agent.propose() for _ in range(rounds)]
    people = [person_api(worlds.person(f"owner-{number}", worlds.OWNER)) for number in range(10)]

    def decide(lane: int):
        return lambda number: people[lane].post(f"proposals/{shown[number]['id']}/decisions/", decision(shown[number]))

    answered = race(rounds, *map(decide, range(10)))

    for answers in answered:
        assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9
        refused = [answer.json()["code"] for answer in answers if answer.status_code == 409]
        assert set(refused) == {"state_conflict"}
    assert Dispatch.objects.count() == rounds
    assert_invariants_hold()
