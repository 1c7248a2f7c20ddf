"""The cards on the review page, the preview of e-mails, and how large a proposal may be."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.core.cache import cache
from django.test import Client

from approvals.cards import registry
from approvals.lifecycle import review
from approvals.models import Proposal
from audit.models import Entry
from policies import card_kinds
from policies.models import Surface
from policies.publishing import publish
from tests import world as worlds
from tests.world import World, seen, signed_in

pytestmark = pytest.mark.django_db

LIST = "/admin/approvals/proposal/"
HTML = (
    '<h1 onclick="x()">Hello {{ first_name }}</h1><img src="https://pictures.example/p.gif" alt="Logo">'
    '<p>Buy now <a href="https://shop.example/unsubscribe">Unsubscribe</a></p><script>alert(1)</script>'
)
CONDITION = {"field": "page", "operator": "contains", "value": "/pricing"}
PAYLOADS: dict[str, tuple[Any, Any, str]] = {
    "budget": (
        {"from": "search", "to": "social", "amount": 4000},
        {"search": 9000, "social": 100},
        '<table class="bars"',
    ),
    "email": ({"subject": "Hello", "html": HTML}, {"subject": "Bye", "html": "<p>Old</p>"}, "<iframe"),
    "enrichment": ({"lead": "7", "fields": {"country": "DE"}}, {"country": ""}, 'class="counts"'),
    "fields": ({"amount": 2}, {"amount": 1}, '<table class="fields"'),
    "journey": ({"journey": "welcome", "change": "pause", "steps": ["one", "two"]}, None, '<ol class="steps'),
    "price": ({"sku": "A", "price": 24, "cost": 30}, {"sku": "A", "price": 29}, "below the cost"),
    "scoring": ({"weights": {"visits": 3}}, {"weights": {"visits": 2}}, "<svg"),
    "segment": ({"segment": "priced", "conditions": [CONDITION]}, None, "page contains"),
}


@pytest.fixture
def world() -> World:
    cache.clear()
    return worlds.build()


@pytest.fixture
def client(world: World) -> Client:
    return signed_in(world.owner)


def drawn(world: World, card: str, payload: Any, before: Any = None, **fields: Any) -> Proposal:
    """Propose on `ads.budget`, whose card is `card`."""
    Surface.objects.filter(pk="ads.budget").update(card=card)
    return world.propose(content={"payload": payload, "before": before}, **fields)


def address(proposal: Proposal, below: str = "") -> str:
    return f"{LIST}{proposal.pk}/{below}"


def page(client: Client, proposal: Proposal, below: str = "") -> str:
    answer = client.get(address(proposal, below))
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_every_kind_is_tried_here() -> None:
    assert set(PAYLOADS) == set(registry.kinds())


def test_the_stylesheet_of_every_card_is_served_and_linked(world: World, client: Client) -> None:
    own = [f"approvals/cards/{path.parents[1].name}/card.css" for path in registry.FOLDER.glob("*/static/card.css")]
    assert own
    assert sorted(registry.stylesheets()) == sorted(["approvals/cards.css", *own])
    found = page(client, drawn(world, "budget", PAYLOADS["budget"][0]))
    links = re.findall(r'<link rel="stylesheet" href="/static/(approvals/cards[^"]*)">', found)
    assert links == [*registry.stylesheets()]
    for path in links:
        assert finders.find(path), path
    assert finders.find("approvals/cards/budget/presenter.py") is None


@pytest.mark.parametrize("card", sorted(PAYLOADS))
def test_each_card_with_the_field_table_below_it_and_the_raw_payload_one_click_away(
    world: World, client: Client, card: str
) -> None:
    payload, before, shown = PAYLOADS[card]
    proposal = drawn(world, card, payload, before)
    found = page(client, proposal)
    assert shown in found
    assert 'class="fields"' in found
    assert ('<details class="every-field">' in found) == (card != "fields")
    assert "style=" not in found
    raw = re.search(r'href="([^"]*payload\.json)"', found)
    assert raw is not None
    assert client.get(raw[1]).json() == payload


@pytest.mark.parametrize("card", sorted({*PAYLOADS, "no-such-kind"}))
@pytest.mark.parametrize("payload", [{}, {"other": [{"deep": [1, None]}]}], ids=["empty", "something else"])
def test_what_a_card_cannot_read_is_in_the_field_table(world: World, client: Client, card: str, payload: Any) -> None:
    found = page(client, drawn(world, card, payload))
    assert '<details class="every-field">' not in found
    assert "If approved, “shift_budget” runs on" in found


def test_a_card_that_breaks_keeps_nobody_from_deciding(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: Any, **kwargs: Any) -> None:
        raise KeyError("never thought of")

    for name in ("present", "effect"):
        monkeypatch.setattr(f"approvals.cards.budget.presenter.{name}", broken)
    found = page(client, drawn(world, "budget", PAYLOADS["budget"][0]))
    assert 'value="approve"' in found
    assert "cannot draw proposal" in caplog.text


def test_the_sentence_of_effect_says_when(world: World, client: Client) -> None:
    world.enforce(surfaces={"ads.budget": {"undo_window": 10}})
    proposal = drawn(world, "budget", PAYLOADS["budget"][0], currency="USD")
    assert "If approved, $4,000.00 moves from Search to Social in 10 seconds. This can’t be" in page(client, proposal)
    world.approve(proposal)
    assert "$4,000.00 moves" not in page(client, proposal)


def test_a_finding_is_marked_in_the_card(world: World, client: Client) -> None:
    guardrail = {
        "kind": "forbidden_phrases", "surfaces": [], "paths": [], "config": {"phrases": ["miracle"]}, "effect": "flag",
        "tier": None, "text": "",
    }  # fmt: skip
    world.enforce(guardrails={"claims": guardrail})
    proposal = drawn(world, "email", {"subject": "A miracle", "html": "<p>This <i>miracle</i> works</p>"})
    assert "A <mark>miracle</mark>" in page(client, proposal)
    assert '<mark class="hitl-finding">miracle</mark>' in page(client, proposal, "preview/")


def test_a_finding_in_a_link_stands_beside_the_preview(world: World, client: Client) -> None:
    guardrail = {
        "kind": "link_domains", "surfaces": [], "paths": [], "config": {"allowed": ["shop.example"]}, "effect": "flag",
        "tier": None, "text": "",
    }  # fmt: skip
    world.enforce(guardrails={"links": guardrail})
    html = (
        '<p>Our <a href="https://shop-example.co/?a=1&amp;b=2">shop</a> and <a href="https://shop.example/">all</a></p>'
    )
    found = page(client, drawn(world, "email", {"subject": "Hello", "html": html}))
    told = found[found.index("Found where the preview does not show it") :].partition("</div>")[0]
    assert "Link “shop” leads to" in told
    assert "<mark>https://shop-example.co/?a=1&amp;amp;b=2</mark>" in told
    assert told.count("<dt>") == 1
    quiet = page(client, drawn(world, "email", {"subject": "Hello", "html": '<a href="https://shop.example/">all</a>'}))
    assert "Found where" not in quiet


def test_a_segment_names_other_live_proposals_on_it_as_far_as_one_may_see_them(world: World, client: Client) -> None:
    target = ("segment:priced",)
    mine = drawn(world, "segment", PAYLOADS["segment"][0], targets=target)
    world.propose(title="Also on it", targets=target)
    world.propose(title="On another", targets=("segment:other",))
    world.decide(world.propose(title="Given up", targets=target), "reject", reason_code="too_risky")
    worlds.person("lawyer", "Legal")
    Surface.objects.filter(pk="pricing").update(owner="Legal")
    worlds.publish()
    world.propose("pricing", title="Not for their eyes", targets=target)
    found = page(client, mine)
    listed = found[found.index("Also waiting or about to ship") : found.index("Every field")]
    assert "Also on it" in listed
    for title in ("On another", "Given up", "Not for their eyes"):
        assert title not in listed


# The preview ----------------------------------------------------------------------------------------


def test_the_preview_has_a_policy_of_its_own(world: World, client: Client) -> None:
    answer = client.get(address(drawn(world, "email", PAYLOADS["email"][0]), "preview/"))
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "img-src data:;" in policy
    assert "frame-ancestors 'self'" in policy
    assert policy.endswith("sandbox")
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    body = answer.content.decode()
    assert '<mark class="hitl-tag">{{ first_name }}</mark>' in body
    assert not re.search("onclick|<script|pictures.example|alert", body)


def test_no_other_page_may_be_framed(world: World, client: Client) -> None:
    answer = client.get(address(drawn(world, "email", PAYLOADS["email"][0])))
    assert answer["X-Frame-Options"] == "DENY"
    assert "default-src 'self'" in answer["Content-Security-Policy"]
    assert "unsafe" not in answer["Content-Security-Policy"]


def test_remote_pictures_come_when_asked_for(world: World, client: Client) -> None:
    proposal = drawn(world, "email", PAYLOADS["email"][0])
    link = re.search(r'href="([^"]*images=1)" target="mail-preview"', page(client, proposal))
    assert link is not None
    answer = client.get(link[1].replace("&amp;", "&"))
    assert "img-src data: https:;" in answer["Content-Security-Policy"]
    assert 'src="https://pictures.example/p.gif"' in answer.content.decode()


def test_the_version_before_has_its_own_preview(world: World, client: Client) -> None:
    proposal = drawn(world, "email", *PAYLOADS["email"][:2])
    assert "side=before" in page(client, proposal)
    assert "<p>Old</p>" in page(client, proposal, "preview/?side=before")


def test_the_preview_stays_on_the_revision_that_the_page_showed(world: World, client: Client) -> None:
    proposal = drawn(world, "email", {"subject": "One", "html": "<p>First</p>"})
    edited = {"subject": "One", "html": "<p>Second</p>"}
    review.edit(proposal_id=proposal.pk, seen=seen(proposal), by=world.owner, payload=edited, note="Better.")
    assert "First" in page(client, proposal, "preview/?revision=1")
    assert "Second" in page(client, proposal, "preview/?revision=2")
    assert "Second" in page(client, proposal, "preview/")
    assert client.get(address(proposal, "preview/?revision=3")).status_code == 404


def test_where_there_is_no_html_there_is_no_preview(world: World, client: Client) -> None:
    for payload in ({"subject": "Hello", "text": "Plain"}, {}):
        assert client.get(address(drawn(world, "email", payload), "preview/")).status_code == 404


def test_who_may_not_see_the_proposal_finds_no_preview(world: World) -> None:
    proposal = drawn(world, "email", PAYLOADS["email"][0])
    stranger = signed_in(worlds.person("lawyer", "Legal"))
    assert stranger.get(address(proposal, "preview/")).status_code == 404
    assert Client().get(address(proposal, "preview/")).status_code == 302


def test_a_preview_is_only_read(world: World, client: Client) -> None:
    proposal = drawn(world, "email", PAYLOADS["email"][0])
    before = Entry.objects.count()
    assert client.head(address(proposal, "preview/")).status_code == 200
    assert client.post(address(proposal, "preview/")).status_code == 405
    assert Entry.objects.count() == before


# The choice on the surface ----------------------------------------------------------------------------


def test_people_choose_the_card_of_a_surface_and_it_acts_at_once(world: World) -> None:
    world.owner.is_superuser = True
    world.owner.save()
    client = signed_in(world.owner)
    proposal = drawn(world, "fields", PAYLOADS["budget"][0])
    form = client.get("/admin/policies/surface/ads.budget/change/").context["adminform"].form
    assert [kind for kind, _ in form.fields["card"].choices] == list(registry.kinds())
    sent = {name: value for name in form.fields if (value := form[name].value()) not in (None, False)}
    sent = {name: json.dumps(value) if isinstance(value, dict | list) else value for name, value in sent.items()}
    sent |= {name: str(value) for name, value in sent.items() if isinstance(value, timedelta)}
    for card, shown in (("budget", True), ("no-such-kind", False), ("fields", False)):
        client.post("/admin/policies/surface/ads.budget/change/", {**sent, "card": card})
        kept = Surface.objects.get(pk="ads.budget").card
        assert kept == ("budget" if card == "no-such-kind" else card)
        assert ('class="card card-budget"' in page(client, proposal)) == (kept == "budget"), (card, shown)
        assert publish.pending().is_the_same


def test_kinds_are_handed_over_once() -> None:
    kinds = card_kinds.cards()
    card_kinds.offer(registry.choices)
    assert card_kinds.cards() == kinds
