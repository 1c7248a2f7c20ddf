"""What a model says of the checklist is kept beside it; its no can raise the tier, and nothing else counts."""

import pytest
from django.test import override_settings

from approvals.lifecycle import assessment, review
from approvals.models import Assessment, Proposal, Verdict
from audit.models import Entry
from tests import world as worlds
from tests.approvals.evaluation.test_model_check import verdict
from tests.approvals.outbox.servers import answer, serving
from tests.kept import kept
from tests.proofs import assert_invariants_hold
from tests.world import World, seen

pytestmark = pytest.mark.django_db
TEXT = "Delivered by Friday, guaranteed"
CHECKLIST = {
    "kind": "checklist", "surfaces": [], "paths": [], "config": {}, "effect": "tier", "tier": "signature",
    "text": "Does not promise a delivery date.",
}  # fmt: skip


@pytest.fixture
@kept
def world() -> World:
    made = worlds.build()
    made.enforce(guardrails={"dates": CHECKLIST})
    return made


def propose(world: World, **fields) -> Proposal:
    with override_settings(LLM_BASE_URL="http://127.0.0.1:9/v1", LLM_MODEL="m"):
        return world.propose(content={"payload": {"text": TEXT}, **fields})


def assess(said: bytes, *, before=lambda: None) -> int:
    """Let a model that says `said` be asked about what waits; `before` happens while it thinks."""

    def respond(connection, request):
        before()
        connection.sendall(answer(200, said))

    with serving(respond) as port, override_settings(LLM_BASE_URL=f"http://127.0.0.1:{port}/v1", LLM_MODEL="m"):
        return assessment.assess_waiting()


def test_a_no_raises_the_tier_by_a_new_verdict_of_the_same_version(world):
    proposal = propose(world)
    assert (proposal.tier_id, proposal.is_to_be_assessed) == ("single", True)
    first = proposal.verdict
    assert assess(verdict("no", "by Friday, guaranteed")) == 1
    proposal = Proposal.objects.get()
    assert (proposal.state, proposal.tier_id, proposal.is_to_be_assessed) == ("pending", "signature", False)
    assert Verdict.objects.count() == 2
    assert proposal.verdict.policy_version_id == first.policy_version_id
    (found,) = proposal.verdict.facts["findings"]
    assert TEXT[found["start"] : found["end"]] == "by Friday, guaranteed"
    said = Assessment.objects.get()
    assert (said.item, said.answer, said.model_name, said.revision_id) == ("dates", "no", "m", proposal.revision_id)
    entry = Entry.objects.get(kind="proposal.assessed")
    assert entry.data["answers"] == {"dates": "no"}
    assert assess(verdict("no", "by Friday, guaranteed")) == 0
    assert_invariants_hold()


@pytest.mark.parametrize("said", [verdict("yes"), verdict("unsure"), b"nonsense", verdict("no", "never said")])
def test_nothing_else_changes_anything_but_what_is_shown(world, said):
    proposal = propose(world)
    assert assess(said) == 1
    after = Proposal.objects.get()
    assert (after.tier_id, after.verdict_id, after.is_to_be_assessed) == ("single", proposal.verdict_id, False)
    assert Assessment.objects.get().answer in {"yes", "unsure", "not_answered"}
    assert world.approve(proposal, ticked=("dates",)).state == "approved"
    assert_invariants_hold()


def test_without_a_model_nobody_is_asked(world):
    assert not world.propose().is_to_be_assessed
    propose(world)
    assert assessment.assess_waiting() == 0


def test_what_needs_no_people_or_has_no_checklist_is_not_asked_about(world):
    world.enforce(guardrails={"dates": CHECKLIST | {"surfaces": ["pricing"]}})
    assert not propose(world).is_to_be_assessed


def test_what_was_decided_meanwhile_stays_decided(world):
    proposal = propose(world)
    world.approve(proposal, ticked=("dates",))
    assert assess(verdict("no", "by Friday, guaranteed")) == 1
    after = Proposal.objects.get()
    assert (after.state, after.tier_id, after.is_to_be_assessed) == ("approved", "single", False)
    assert_invariants_hold()


def test_a_new_revision_is_asked_about_afresh(world):
    proposal = propose(world)
    assert assess(verdict("yes")) == 1
    with override_settings(LLM_BASE_URL="http://127.0.0.1:9/v1", LLM_MODEL="m"):
        review.edit(proposal_id=proposal.pk, seen=seen(proposal), by=world.owner, payload={"text": TEXT + "!"})
    assert assess(verdict("no", "by Friday, guaranteed")) == 1
    assert Proposal.objects.get().tier_id == "signature"
    assert Assessment.objects.count() == 2
