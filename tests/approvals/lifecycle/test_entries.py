"""Every transition of a proposal, carried out through its use case, leaves exactly its ledger entry."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Self

import pytest
from django_fsm.signals import post_transition

from approvals.evaluation.judgement import Content
from approvals.lifecycle import escalation, reevaluation, review, submission
from approvals.models import Proposal
from approvals.models.states import EDGES, State
from approvals.shipping import claims, dispatches, recovery
from audit.clock import database_now
from audit.models import Entry
from tests import world as worlds
from tests.proofs import assert_invariants_hold
from tests.world import World, seen

pytestmark = pytest.mark.django_db
Act = Callable[[World, Proposal], object]
LIFE = timedelta(seconds=3)


@pytest.fixture
def world() -> World:
    return worlds.build()


def current(proposal: Proposal) -> Proposal:
    return Proposal.objects.select_related("revision").get(pk=proposal.pk)


def edit(world: World, proposal: Proposal) -> None:
    payload = {"amount": 3000 + proposal.revision.number}
    review.edit(proposal_id=proposal.pk, seen=seen(current(proposal)), by=world.owner, payload=payload)


def by_another(verdict: str, **words: Any) -> Act:
    return lambda world, proposal: world.decide(proposal, verdict, by=world.other_owner, **words)


def claimed() -> claims.Claim:
    claim = claims.claim_next(worker="test", kind="webhook")
    assert claim is not None
    return claim


def ship(world: World, proposal: Proposal) -> None:
    claim = claimed()
    dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={"done": True})


def fail(world: World, proposal: Proposal) -> None:
    claim = claimed()
    dispatches.postpone(dispatch_id=claim.dispatch.pk, fence=claim.fence, error="Gone.", is_final=True)


def revise(world: World, proposal: Proposal) -> None:
    submission.revise(agent=world.agent, proposal_id=proposal.pk, content=Content(payload={"amount": 7}))


def withdraw(world: World, proposal: Proposal) -> None:
    submission.withdraw(agent=world.agent, proposal_id=proposal.pk)


def undo(world: World, proposal: Proposal) -> None:
    review.undo(proposal_id=proposal.pk, by=world.other_owner)


def expire(world: World, proposal: Proposal) -> None:
    while database_now() < proposal.expires_at:
        time.sleep(0.05)
    assert escalation.expire_overdue() == 1


def deny(world: World, proposal: Proposal) -> None:
    world.enforce(rules={"law": worlds.rule(decision="deny", reason="Never.")})
    assert reevaluation.reevaluate_open() == 1


def ask_for_more(world: World, proposal: Proposal) -> None:
    world.enforce(surfaces={"ads.budget": {"tier": "signature"}})
    assert reevaluation.reevaluate_open() == 1


def retry(world: World, proposal: Proposal) -> None:
    recovery.retry(proposal_id=proposal.pk, by=world.owner)


def order_roll_back(world: World, proposal: Proposal) -> None:
    recovery.roll_back(proposal_id=proposal.pk, by=world.owner, comment="Back.")


# How a proposal gets into each state from which something follows.
REACH: dict[State, tuple[Act, ...]] = {
    State.PENDING: (),
    State.EDITED: (edit,),
    State.RETURNED: (by_another("send_back", comment="Smaller."),),
    State.APPROVED: (by_another("approve"),),
    State.REJECTED: (by_another("reject", reason_code="other", comment="No."),),
    State.FAILED: (by_another("approve"), fail),
    State.SHIPPED: (by_another("approve"), ship),
}
# What leads on, and the kind of its entry; by the transition's name, and by the state where there are several ways.
STEPS: dict[str, tuple[Act, str]] = {
    "edit": (edit, "proposal.edited"),
    "revise": (revise, "proposal.revised"),
    "block": (deny, "proposal.reevaluated"),
    "approve": (by_another("approve"), "proposal.decided"),
    "reject": (by_another("reject", reason_code="other", comment="No."), "proposal.decided"),
    "send_back": (by_another("send_back", comment="Smaller."), "proposal.decided"),
    "take_over": (by_another("take_over", comment="I do it."), "proposal.decided"),
    "undo": (undo, "proposal.undone"),
    "hold_back approved": (ask_for_more, "proposal.reevaluated"),
    "hold_back failed": (retry, "proposal.retried"),
    "withdraw": (withdraw, "proposal.withdrawn"),
    "expire": (expire, "proposal.expired"),
    "ship": (ship, "proposal.shipped"),
    "fail": (fail, "proposal.failed"),
    "retry": (retry, "proposal.retried"),
    "roll_back": (ship, "proposal.rolled_back"),
}
# What has to happen just before, with an entry of its own.
FIRST = {"hold_back failed": ask_for_more, "roll_back shipped": order_roll_back}
TRANSITIONS = sorted({(one.name, str(one.source), str(one.target)) for one in Proposal().get_all_state_transitions()})
BESIDE = {"dispatch.claimed"}
"""Entries of what comes before a step and is none: somebody takes the dispatch."""


def test_the_transitions_are_the_edges() -> None:
    moves = {(source, target) for _name, source, target in TRANSITIONS if source != target}
    assert moves == {(str(source), str(target)) for source, target in EDGES}


@pytest.mark.parametrize(("name", "source", "target"), TRANSITIONS, ids=[f"{one[0]}-{one[1]}" for one in TRANSITIONS])
def test_a_transition_leaves_exactly_its_entry(world: World, name: str, source: str, target: str) -> None:
    step, kind = STEPS.get(name) or STEPS[f"{name} {source}"]
    expires = {"expires_at": database_now() + LIFE} if name == "expire" else {}
    proposal = world.propose(content={"rollback": {"amount": -4000}}, **expires)
    for act in REACH[State(source)]:
        act(world, proposal)
    proposal = current(proposal)
    assert proposal.state == source
    if (first := FIRST.get(f"{name} {source}")) is not None:
        first(world, proposal)
    before = _entries(proposal)

    with _Transitions() as made:
        step(world, proposal)

    assert made == [(name, source, target)]
    assert current(proposal).state == target
    told = _entries(proposal)[len(before) :]
    assert [(one.kind, one.data["from"], one.data["to"]) for one in told if one.kind not in BESIDE] == [
        (kind, source, target)
    ]
    assert_invariants_hold()


def _entries(proposal: Proposal) -> list[Entry]:
    return [*Entry.objects.filter(subject=f"proposal:{proposal.pk}").order_by("id")]


class _Transitions(list[tuple[str, str, str]]):
    """The transitions that are carried out within a block."""

    def __enter__(self) -> Self:
        post_transition.connect(self._keep, sender=Proposal)
        return self

    def __exit__(self, *_error: object) -> None:
        post_transition.disconnect(self._keep, sender=Proposal)

    def _keep(self, name: str, source: str, target: str, **_facts: Any) -> None:
        self.append((name, str(source), str(target)))
