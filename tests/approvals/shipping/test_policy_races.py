"""A policy is published at the very moment somebody decides, claims, retries or undoes: nothing slips through."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from approvals.errors import StateConflict
from approvals.lifecycle import reevaluation, review
from approvals.models import Attempt, Proposal
from approvals.shipping import claims, dispatches, recovery
from policies.models import PolicyVersion
from tests import world as worlds
from tests.approvals.races import race
from tests.kept import kept
from tests.proofs import assert_invariants_hold
from tests.world import World, rule, seen

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]

ROUNDS, PARTS = 200, 5
EACH = ROUNDS // PARTS
in_parts = pytest.mark.parametrize("part", range(PARTS))
"""Two hundred rounds in tests that are short each."""


@pytest.fixture
@kept
def world() -> World:
    made = worlds.build()
    made.surface("email.now", "autopilot")
    return made


def claim(_round: int = 0):
    return claims.claim_next(worker="racer", kind="webhook")


def deny(world: World, number: int) -> PolicyVersion:
    """Put a version in force that denies what this round is about."""
    never = rule(decision="deny", actions=[f"round-{number}"], reason="Never.")
    return world.enforce(rules={"never": never}) if number % 4 else world.enforce(rules={})


def propose(world: World, surface: str) -> list[Proposal]:
    return [world.propose(surface, action=f"round-{number}") for number in range(EACH)]


def state_of(proposal: Proposal) -> str:
    return Proposal.objects.get(pk=proposal.pk).state


def claim_the_rest() -> int:
    taken = 0
    while claim() is not None:
        taken += 1
    return taken


def assert_nothing_denied_was_claimed(world: World) -> None:
    """Check that only what was claimed before its version came into force, or that no version denies, was."""
    assert_invariants_hold()
    for attempt in Attempt.objects.select_related("dispatch__proposal"):
        number = int(attempt.dispatch.proposal.action.removeprefix("round-"))
        rules = PolicyVersion.objects.get(number=attempt.policy_version).document["rules"]
        assert rules.get("never", {}).get("actions") != [f"round-{number}"]


@in_parts
def test_a_publication_and_an_approval(world, part):
    proposals = propose(world, "ads.budget")
    saw = [seen(proposal) for proposal in proposals]

    def approve(number: int):
        words = {"proposal_id": proposals[number].pk, "seen": saw[number], "by": world.owner}
        return review.decide(**words, verdict="approve")

    rounds = race(EACH, lambda number: deny(world, number), approve, claim)

    for proposal, (_, approval, _) in zip(proposals, rounds, strict=True):
        if isinstance(approval, StateConflict):
            assert state_of(proposal) == "blocked"
    assert_nothing_denied_was_claimed(world)


@in_parts
def test_a_publication_and_two_claims(world, part):
    proposals = propose(world, "email.now")

    race(EACH, lambda number: deny(world, number), claim, claim)
    claim_the_rest()

    ends = Counter(state_of(proposal) for proposal in proposals)
    assert set(ends) <= {"approved", "blocked"}
    assert Attempt.objects.count() == ends["approved"] > 0
    assert_nothing_denied_was_claimed(world)


@in_parts
def test_a_publication_and_a_retry(world, part):
    proposals = propose(world, "email.now")
    for _ in proposals:
        taken = claim()
        dispatches.postpone(dispatch_id=taken.dispatch.pk, fence=taken.fence, error="smtp 550", is_final=True)

    def retry(number: int):
        return recovery.retry(proposal_id=proposals[number].pk, by=world.owner)

    rounds = race(EACH, lambda number: deny(world, number), retry, claim)

    for number, (proposal, (_, retried, _)) in enumerate(zip(proposals, rounds, strict=True)):
        if isinstance(retried, StateConflict):
            assert (number % 4 > 0, state_of(proposal)) == (True, "failed")
    assert_nothing_denied_was_claimed(world)


@in_parts
def test_a_publication_and_an_undo(world, part):
    proposals = propose(world, "ads.budget")
    for proposal in proposals:
        world.approve(proposal)

    def undo(number: int):
        return review.undo(proposal_id=proposals[number].pk, by=world.other_owner)

    race(EACH, lambda number: deny(world, number), undo, claim)
    claim_the_rest()

    assert {state_of(proposal) for proposal in proposals} <= {"approved", "blocked", "pending"}
    assert_nothing_denied_was_claimed(world)


POLICIES = (
    {},
    {"never": rule(decision="deny", actions=["round-1"], reason="Never.")},
    {"signed": rule(tier="signature", actions=["round-2"], reason="Sign.")},
    {"looked-at": rule(tier="single", reason="Look.")},
    {"never": rule(decision="deny", actions=["round-3"], reason="Never.")},
)
THREADS = 32


def ship_or_fail(number: int):
    if (taken := claim()) is None:
        return None
    words = {"dispatch_id": taken.dispatch.pk, "fence": taken.fence}
    if number % 2:
        return dispatches.complete(**words, receipt={})
    return dispatches.postpone(**words, error="smtp 550", is_final=number % 4 == 0)


def acts_of(world: World, proposals: list[Proposal], lane: int) -> Callable[[int], Any]:
    """Return what one thread does in each round: approve, with or without a signature, claim, retry or undo."""
    by = (world.owner, world.other_owner)[lane % 2]
    signed = {"is_signed": True, "comment": "Read."} if lane % 5 else {}

    def act(number: int) -> Any:
        proposal = proposals[(number * 7 + lane * 3) % len(proposals)]
        match lane % 5:
            case 0 | 1:
                return world.approve(proposal, by=by, **signed)
            case 2:
                return ship_or_fail(number)
            case 3:
                return recovery.retry(proposal_id=proposal.pk, by=by)
            case _:
                return review.undo(proposal_id=proposal.pk, by=by)

    return act


@in_parts
def test_threads_that_decide_claim_retry_and_undo_while_a_policy_is_published(world, part):
    surfaces = ("ads.budget", "email.now")
    proposals = [world.propose(surfaces[number % 2], action=f"round-{number % 5}") for number in range(60)]

    def publish(number: int) -> PolicyVersion:
        return world.enforce(rules=POLICIES[(part + number) % len(POLICIES)])

    race(EACH, publish, *(acts_of(world, proposals, lane) for lane in range(THREADS - 1)))
    while reevaluation.reevaluate_open():
        pass
    claim_the_rest()

    assert len(set(Attempt.objects.values_list("policy_version", flat=True))) > 1
    assert_invariants_hold()
