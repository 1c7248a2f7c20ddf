"""Acts of the review page return what became of them; each page answers in its way."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import RequestFactory

from approvals.admin.review import actions
from approvals.models import Proposal
from tests import world as worlds
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    cache.clear()
    return worlds.build()


def act(proposal: Proposal, *, by: User, verdict: str = "approve", **fields: Any) -> actions.Result:
    shown = {"revision": proposal.revision.number, "digest": proposal.revision.digest}
    request = RequestFactory().post("/", {"verdict": verdict, **shown, **fields})
    request.user = by
    return actions.decide(request, proposal.pk)


def test_a_decision_is_done_and_names_the_proposal_only_when_asked(world: World) -> None:
    result = act(world.propose(title="Move $4,000"), by=world.owner)
    assert isinstance(result, actions.Done)
    assert "Move $4,000" in result.sentence(is_named=True)
    assert "Move $4,000" not in result.sentence()


def test_a_revision_that_was_replaced_is_stale(world: World) -> None:
    result = act(world.propose(), by=world.owner, revision=7)
    assert result == actions.Stale(seen=7)


def test_a_decided_proposal_refuses_another_decision(world: World) -> None:
    proposal = world.propose()
    world.approve(proposal)
    result = act(proposal, by=world.other_owner)
    assert isinstance(result, actions.Refused)
    assert result.why.code == "state_conflict"


@pytest.mark.parametrize(
    ("verdict", "field"), [("reject", "reason_code"), ("send_back", "comment")], ids=["no-reason", "no-comment"]
)
def test_a_form_without_its_reason_is_invalid(world: World, verdict: str, field: str) -> None:
    result = act(world.propose(), by=world.owner, verdict=verdict)
    assert isinstance(result, actions.Invalid)
    assert list(result.form.errors) == [field]
