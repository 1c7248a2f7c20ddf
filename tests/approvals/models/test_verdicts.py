"""Every place that lists verdicts knows exactly those of the one table."""

import re

import pytest
from django.core.cache import cache
from django.test import Client

from approvals.admin.review import forms
from approvals.api.contract import answers, schemas
from approvals.invariants.history import STEPS
from approvals.messaging.slack import blocks
from approvals.models import Decision, Proposal, State
from approvals.models.states import EDGES, OPEN
from approvals.models.verdicts import BATCHES, CHOICES, ENDING, IN_MESSAGES, SETTLED, VERDICTS, VOTES
from tests import world as worlds
from tests.world import World

PEOPLES = ["approve", "reject", "send_back", "take_over"]
KEYS_OF_THE_SCRIPT = {"j", "k", "x", "u", "e", "/", "?"}


@pytest.fixture
def world() -> World:
    cache.clear()
    return worlds.build()


def page(world: World, address: str) -> str:
    client = Client()
    client.force_login(world.owner)
    return str(client.get(address).content.decode())


def test_every_verdict_has_its_row() -> None:
    assert list(VERDICTS) == list(Decision.Verdict)


def test_the_groups_of_the_table_are_what_they_were() -> None:
    assert [*map(str, CHOICES)] == PEOPLES
    assert [*map(str, IN_MESSAGES)] == ["approve", "reject", "send_back"]
    assert [*map(str, BATCHES)] == ["approve", "reject"]
    assert [*map(str, VOTES)] == ["approve", "reject"]
    assert [*map(str, ENDING)] == ["approve", "reject", "take_over"]


def test_the_contract_takes_the_choices_and_tells_of_all() -> None:
    assert schemas.DECISION["properties"]["verdict"]["enum"] == [*map(str, CHOICES)]
    assert answers.COMPONENTS["Decision"]["properties"]["verdict"]["enum"] == [*map(str, VERDICTS)]


def test_each_choice_has_a_form_that_asks_what_its_row_says() -> None:
    assert list(forms.DECISION_FORMS) == list(CHOICES)
    for verdict, choice in CHOICES.items():
        fields = forms.DECISION_FORMS[verdict].base_fields
        assert ("reason_code" in fields) == bool(choice.reason_missing)
        assert str(fields["comment"].label) == str(choice.comment)


def test_each_verdict_is_counted_or_has_a_transition() -> None:
    for verdict in CHOICES:
        kind = VERDICTS[verdict]
        assert kind.is_vote != bool(kind.transition)
        assert not kind.transition or callable(getattr(Proposal, kind.transition))


def test_what_settles_is_an_edge_and_a_step_of_the_ledger() -> None:
    reached = {kind.state for kind in VERDICTS.values() if kind.state}
    assert {(source, state) for source in OPEN for state in reached} <= set(EDGES)
    assert {target for _source, target in STEPS["proposal.decided"]} == {*map(str, reached), *map(str, OPEN)}
    assert {kind.entry for kind in VERDICTS.values()} <= STEPS.keys()
    assert SETTLED[State.SHIPPED] == Decision.Verdict.APPROVE


def test_no_two_things_share_a_key() -> None:
    keys = [choice.key for choice in CHOICES.values()]
    assert len({*keys} | KEYS_OF_THE_SCRIPT) == len(keys) + len(KEYS_OF_THE_SCRIPT)


def test_slack_offers_only_what_messages_may_decide() -> None:
    assert {blocks.APPROVE, blocks.REJECT} <= {*map(str, IN_MESSAGES)}


@pytest.mark.django_db
def test_the_desk_offers_each_choice_under_its_key(world: World) -> None:
    desk = page(world, f"/admin/desk/{world.propose().pk}/")
    assert set(re.findall(r'name="verdict" value="(\w+)"', desk)) == {*map(str, CHOICES)}
    assert set(re.findall(r'data-key="(.)"', desk)) == {choice.key for choice in CHOICES.values()} | {"e"}
    help_text = desk[desk.index('<dl class="keys">') :]
    assert all(f"<kbd>{choice.key.upper()}</kbd>" in help_text for choice in CHOICES.values())


@pytest.mark.django_db
def test_a_batch_offers_exactly_the_batch_verdicts(world: World) -> None:
    proposal = world.propose(world.surface("crm.segments", "batch").slug)
    batch = page(world, f"/admin/desk/batch/?id={proposal.pk}")
    assert set(re.findall(r'name="step" value="(\w+)"', batch)) == {*map(str, BATCHES), "update"}
