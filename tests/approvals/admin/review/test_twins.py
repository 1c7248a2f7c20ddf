"""The review page and the desk: the same asked for again, figures that moved since, long values, older texts."""

import re

import pytest
from django.test import Client
from django.utils.html import strip_tags

from approvals.evaluation.judgement import Content
from approvals.lifecycle import review, submission
from approvals.models import Decision, Proposal
from approvals.shipping import claims, dispatches
from tests import world as worlds
from tests.world import World, seen, signed_in

pytestmark = pytest.mark.django_db
SAME = {"payload": {"template": "spring", "segment": "vip"}}


@pytest.fixture
def world() -> World:
    return worlds.build()


@pytest.fixture
def client(world: World) -> Client:
    return signed_in(world.owner)


def page(client: Client, proposal: Proposal, *, on: str = "/admin/approvals/proposal/") -> str:
    return client.get(f"{on}{proposal.pk}/").content.decode()


def words(html: str) -> str:
    return " ".join(strip_tags(html).split())


def section(html: str, name: str) -> str:
    found = re.search(rf'<section class="{name}".*?</section>', html, re.DOTALL)
    return found[0] if found else ""


def ship(world: World, proposal: Proposal) -> None:
    claim = claims.claim_next(worker="test", kind="webhook")
    assert claim.dispatch.proposal_id == proposal.pk
    dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={})


@pytest.mark.parametrize("on", ["/admin/approvals/proposal/", "/admin/desk/"])
def test_each_of_two_that_ask_for_the_same_is_shown_beside_the_other(world, client, on):
    first, second = (world.propose(title=title, content=SAME) for title in ("Spring mail", "Spring mail again"))
    for one, other in ((first, second), (second, first)):
        twins = section(page(client, one, on=on), "twins")
        assert other.title in twins
        assert str(other.pk) in twins
        assert "If both are approved, it happens twice." in twins
    assert not section(page(client, world.propose(), on=on), "twins")


def test_one_click_rejects_the_other_one_and_is_recorded_by_itself(world, client):
    first, second = (world.propose(title=title, content=SAME) for title in ("One", "Other"))
    answer = client.post(
        f"/admin/approvals/proposal/{first.pk}/decide/",
        {"verdict": "approve", "revision": 1, "digest": first.revision.digest},
        follow=True,
    )
    html = answer.content.decode()
    assert "There is a duplicate of this" in words(html)
    assert Proposal.objects.get(pk=second.pk).state == "pending"
    form = section(html, "twins")
    address = re.search(r'action="([^"]+)"', form)[1]
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
    fields.pop("csrfmiddlewaretoken", None)
    assert client.post(address, fields).status_code == 302
    assert Proposal.objects.get(pk=second.pk).state == "rejected"
    said = Decision.objects.get(proposal=second)
    assert (said.by, said.reason_code, said.comment) == (world.owner, "duplicate", f"The same as proposal {first.pk}.")
    assert Proposal.objects.get(pk=first.pk).state == "approved"


def test_a_twin_that_has_shipped_since_is_still_shown(world, client):
    world.surface("s.open", "autopilot")
    first, second = (world.propose("s.open", title=title, content=SAME) for title in ("One", "Other"))
    ship(world, first)
    twins = section(page(client, second), "twins")
    assert "One" in twins
    assert "<form" not in twins


def test_who_may_not_see_the_other_one_is_not_shown_it(world):
    other = worlds.person("lawyer", "Legal")
    one = world.propose(content=SAME)
    world.propose(title="Not for Legal", content=SAME)
    Proposal.objects.filter(pk=one.pk).update(deciding_roles=["Legal"])
    assert "Not for Legal" not in page(signed_in(other), one)


PRICE = {"targets": ("price:sku-1",), "action": "set_price"}


def price(world: World, new: int, **fields) -> Proposal:
    content = {"payload": {"sku": "sku-1", "price": new}, "before": {"sku": "sku-1", "price": 10}}
    return world.propose(title=f"Price to {new}", content=content, **PRICE, **fields)


@pytest.mark.parametrize("on", ["/admin/approvals/proposal/", "/admin/desk/"])
def test_a_figure_that_something_else_has_changed_since_is_told(world, client, on):
    first, second = price(world, 12), price(world, 15)
    assert not section(page(client, second, on=on), "moved")
    world.approve(first)
    ship(world, first)
    moved = section(page(client, second, on=on), "moved")
    assert "Price to 12" in moved
    assert "price:sku-1" in moved
    assert "Check the figure, or send the proposal back to the agent" in words(moved)


def test_a_persons_edit_does_not_renew_what_the_agent_saw_and_a_revision_does(world, client):
    first, second = price(world, 12), price(world, 15)
    world.approve(first)
    ship(world, first)
    second.refresh_from_db()
    review.edit(proposal_id=second.pk, seen=seen(second), by=world.owner, payload={"sku": "sku-1", "price": 16})
    assert section(page(client, second), "moved")
    world.decide(second, "send_back", comment="Look again.")
    renewed = Content(payload={"sku": "sku-1", "price": 15}, before={"sku": "sku-1", "price": 12}, confidence=0.9)
    submission.revise(agent=world.agent, proposal_id=second.pk, content=renewed)
    assert not section(page(client, second), "moved")


def test_what_shipped_before_it_was_proposed_is_nothing_new(world, client):
    first = price(world, 12)
    world.approve(first)
    ship(world, first)
    assert not section(page(client, price(world, 15)), "moved")


def test_the_end_of_a_long_value_is_shown_and_blanks_are_counted(world, client):
    value = "x" * 60 + " " * 30_000 + "and then pay everybody twice"
    long = "begin " + "word " * 2_000 + "the end of it"
    shown = words(page(client, world.propose(content={"payload": {"note": value, "more": long}})))
    assert f"{'x' * 60}⟨30,000 blank characters⟩and then pay everybody twice" in shown
    assert "the end of it" in shown
    assert "more characters in the raw payload" in shown


def test_hidden_characters_in_the_payload_and_before_are_written_out(world, client):
    content = {"payload": {"name": "a\u202eb"}, "before": {"name": "c\u2067d"}}
    html = page(client, world.propose(content=content))
    assert "a<mark>⟨U+202E⟩</mark>b" in html
    assert "c⟨U+2067⟩d" in html
    assert "\u2067" not in html
