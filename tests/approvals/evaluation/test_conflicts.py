"""Two proposals with one target: seen, linked, kept apart when shipping, and forgotten when one is given up."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals.evaluation import conflicts
from approvals.evaluation.judgement import Content
from approvals.lifecycle import escalation, review, submission
from approvals.models import Conflict, Dispatch, Proposal
from approvals.shipping import claims, dispatches
from tests import world as worlds
from tests.approvals.races import race
from tests.kept import kept
from tests.proofs import assert_invariants_hold
from tests.world import World, limit, rule, seen

pytestmark = pytest.mark.django_db
LEAD = ("lead:1",)


@pytest.fixture
@kept
def world() -> World:
    made = worlds.build()
    made.surface("email.now", "autopilot")
    return made


def against(proposal: Proposal) -> list[str]:
    """Return which proposals the verdict names as conflicts."""
    return [reason["id"] for reason in proposal.verdict.reasons if reason["source"] == "conflict"]


def linked(proposal: Proposal) -> set:
    return {row.newer_id if row.older_id == proposal.pk else row.older_id for row in conflicts.of(proposal)}


def ship() -> Dispatch | None:
    claim = claims.claim_next(worker="test", kind="webhook")
    return claim and dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={})


def test_the_second_of_two_waits_for_a_person_and_both_are_linked(world):
    first = world.propose("email.now", targets=("lead:0", *LEAD))
    second = world.propose("email.now", targets=LEAD)
    other = world.propose("email.now", targets=("lead:2",))
    assert (first.state, second.state, other.state) == ("approved", "pending", "approved")
    assert (against(second), second.tier_id) == ([str(first.pk)], "single")
    assert second.verdict.facts["conflicts"] == [str(first.pk)]
    assert linked(first) == {second.pk}
    assert linked(second) == {first.pk}
    assert not linked(other)


@pytest.mark.parametrize("state", ["pending", "edited", "returned", "approved"])
def test_what_is_live_holds_its_targets(world, state):
    first = world.propose(targets=LEAD)
    if state == "edited":
        review.edit(proposal_id=first.pk, seen=seen(first), by=world.owner, payload={"amount": 1})
    elif state != "pending":
        world.decide(first, {"returned": "send_back", "approved": "approve"}[state], comment="So.")
    assert against(world.propose("email.now", targets=LEAD)) == [str(first.pk)]


def test_what_was_given_up_holds_nothing_and_clears_the_others_mark(world):
    def reject(proposal):
        world.decide(proposal, "reject", reason_code="too_risky")

    def expire(proposal):
        Proposal.objects.filter(pk=proposal.pk).update(deadline_at=proposal.created_at)
        assert escalation.expire_overdue() == 1

    ways = [
        reject,
        expire,
        lambda proposal: submission.withdraw(agent=world.agent, proposal_id=proposal.pk),
        lambda proposal: world.decide(proposal, "take_over"),
    ]
    for number, give_up in enumerate(ways):
        targets = (f"lead:{number}",)
        first = world.propose(targets=targets)
        second = world.propose("email.now", targets=targets)
        assert linked(second) == {first.pk}
        give_up(first)
        assert not linked(second)
        second.refresh_from_db()
        assert (second.state, second.tier_id) == ("pending", "single")  # what the policy said stays
        submission.withdraw(agent=world.agent, proposal_id=second.pk)
        assert world.propose("email.now", targets=targets).state == "approved"
    assert Conflict.objects.exclude(resolved_at=None).count() == len(ways)
    assert_invariants_hold()


def test_an_undo_brings_the_conflict_back_and_finds_new_ones(world):
    first = world.propose(targets=LEAD)
    second = world.propose(targets=LEAD)
    world.decide(first, "reject", reason_code="too_risky")
    third = world.propose("email.now", targets=LEAD)
    assert (linked(first), linked(third)) == (set(), {second.pk})
    review.undo(proposal_id=first.pk, by=world.owner)
    assert linked(first) == {second.pk, third.pk}
    assert_invariants_hold()


def test_a_blocked_proposal_is_nobodys_conflict(world):
    world.enforce(rules={"no": rule("amount > 10", "deny", reason="Too much.")})
    first = world.propose(targets=LEAD, content={"amount": 5})
    blocked = world.propose(targets=LEAD, content={"amount": 11})
    assert (blocked.state, against(blocked)) == ("blocked", [str(first.pk)])
    assert not linked(first)
    assert not Conflict.objects.exists()


def test_a_target_cools_down(world):
    assert world.propose("email.now", targets=LEAD).state == "approved"
    ship()
    assert world.propose("email.now", targets=LEAD).state == "approved"
    ship()
    world.enforce(surfaces={"email.now": {"cool_down": 3600.0}})
    held = world.propose("email.now", targets=LEAD)
    assert held.state == "pending"
    last = Proposal.objects.filter(state="shipped").latest("id")
    assert against(held) == [str(last.pk)]
    assert linked(last) == {held.pk}
    with connection.cursor() as cursor:
        cursor.execute("UPDATE approvals_lastshipped SET at = at - interval '61 minutes'")
    submission.withdraw(agent=world.agent, proposal_id=held.pk)
    assert world.propose("email.now", targets=LEAD).state == "approved"


def test_a_revision_looks_again(world):
    first = world.propose(targets=LEAD)
    second = world.propose("email.now", targets=LEAD)
    edited = review.edit(proposal_id=first.pk, seen=seen(first), by=world.owner, payload={"amount": 1})
    assert against(edited) == [str(second.pk)]
    world.decide(second, "send_back", comment="Later.")
    revised = submission.revise(agent=world.agent, proposal_id=second.pk, content=Content(payload={}, confidence=1))
    assert against(revised) == [str(first.pk)]
    assert Conflict.objects.count() == 1


def test_one_proposal_per_target_is_claimed_at_a_time(world):
    first = world.propose(targets=LEAD)
    second = world.propose(targets=("lead:2", *LEAD))
    free = world.propose(targets=("lead:3",))
    for proposal in (first, second, free):
        world.approve(proposal)
    taken = [claims.claim_next(worker="test", kind="webhook") for _ in range(3)]
    assert [claim and claim.dispatch.proposal_id for claim in taken] == [first.pk, free.pk, None]
    assert_invariants_hold()
    dispatches.complete(dispatch_id=taken[0].dispatch.pk, fence=taken[0].fence, receipt={})
    assert claims.claim_next(worker="test", kind="webhook").dispatch.proposal_id == second.pk


def test_a_claim_whose_lease_ran_out_may_be_claimed_again_itself_only(world):
    first, second = world.propose(targets=LEAD), world.propose(targets=LEAD)
    for proposal in (first, second):
        world.approve(proposal)
    claims.claim_next(worker="gone", kind="webhook")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE approvals_dispatch SET lease_until = now() - interval '1 s' WHERE status = 'claimed'")
    again = claims.claim_next(worker="test", kind="webhook")
    assert (again.dispatch.proposal_id, again.fence) == (first.pk, 2)
    assert claims.claim_next(worker="test", kind="webhook") is None


def test_hundreds_of_targets_take_a_bounded_number_of_locks(world):
    many = tuple(f"lead:{number}" for number in range(200))
    assert len(conflicts.stripes(many)) <= 128
    assert conflicts.stripes(many) == sorted(conflicts.stripes(many[::-1]))
    world.propose("email.now", targets=many)
    assert world.propose("email.now", targets=many).state == "pending"


class TestRoundTrips:
    """Submitting goes to the database no oftener than it has to."""

    def cost(self, world, **fields) -> int:
        world.propose("email.now", **fields)
        with CaptureQueriesContext(connection) as queries:
            world.propose("email.now", **fields)
        return len(queries)

    def test_without_targets_and_limits_only_twins_are_asked_for(self, world):
        # A savepoint and its release, what holds, what asks for the same, and all rows together.
        assert self.cost(world, content={"confidence": 1}) == 5

    def test_targets_and_limits_cost_one_round_trip_together(self, world):
        world.enforce(limits={"a": limit(limit=100), "b": limit(limit=100, per="target", kind="week")})
        assert self.cost(world, targets=("lead:1", "lead:2")) == 5


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(180)
class TestAtOnce:
    """The same target at the same moment."""

    def test_two_never_pass_both_by_themselves(self, world):
        def propose(*extra: str):
            return lambda number: world.propose("email.now", targets=(*extra, f"lead:{number}"))

        rounds = race(50, propose("lead:a"), propose("lead:b"), propose())
        for proposals in rounds:
            assert [proposal.state for proposal in proposals].count("approved") <= 1
            later = max(proposals, key=lambda proposal: len(against(proposal)))
            assert len(linked(later)) >= 2
        assert_invariants_hold()

    def test_submitting_deciding_editing_and_withdrawing_do_not_deadlock(self, world):
        world.enforce(limits={"a": limit(limit=10**6), "t": limit(limit=10**6, per="target", measure="amount")})
        rounds = 40
        targets = [tuple(f"lead:{(n * 7 + k) % 9}" for k in range(3)) for n in range(rounds)]
        proposals = [world.propose(targets=targets[n], content={"amount": n}) for n in range(rounds)]

        def edit(number):
            proposal = proposals[number]
            return review.edit(
                proposal_id=proposal.pk, seen=seen(proposal), by=world.owner, payload={"amount": number + 1}
            )

        race(
            rounds,
            lambda n: world.propose("email.now", targets=targets[-n], content={"amount": n}),
            lambda n: world.propose(targets=targets[n][::-1], content={"amount": n}),
            lambda n: world.decide(proposals[n], "reject", reason_code="too_risky"),
            edit,
            lambda n: submission.withdraw(agent=world.agent, proposal_id=proposals[-n].pk),
            lambda _: claims.claim_next(worker="racer", kind="webhook"),
        )
        assert_invariants_hold()

    def test_workers_never_hold_one_target_twice(self, world):
        for number in range(60):
            world.approve(world.propose(targets=(f"lead:{number % 3}",)))

        def work(_round):
            claim = claims.claim_next(worker="racer", kind="webhook")
            if claim is not None:
                assert_one_each()
                dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={})

        def assert_one_each():
            held = list(Dispatch.objects.filter(status="claimed").values_list("proposal__targets", flat=True))
            assert len(held) == len({target for targets in held for target in targets})

        race(40, work, work, work)
        assert Dispatch.objects.filter(status="delivered").count() == 60
        assert_invariants_hold()
