"""The policy's tables, keys, secrets and switches in the admin."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from audit.models import Entry
from policies.models import Agent, Connector, KillSwitch, Loosening, Mandate, PolicyVersion, Surface
from policies.publishing import publish
from policies.registry import agents
from tests import world as worlds
from tests.world import World

pytestmark = pytest.mark.django_db
SURFACE = "/admin/policies/surface/ads.budget/change/"


@pytest.fixture
def world() -> World:
    return worlds.build()


@pytest.fixture
def root(world: World) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def form_of(client: Client, address: str) -> dict[str, Any]:
    """What the form at this address would send if nothing was changed."""
    context = client.get(address).context
    sent: dict[str, Any] = {}
    for form in (context["adminform"].form, *(inline.formset for inline in context["inline_admin_formsets"])):
        parts = [form] if not hasattr(form, "management_form") else [form.management_form, *form.forms]
        for part in parts:
            sent |= {part.add_prefix(name): part[name].value() for name in part.fields}
    return {name: value for name, value in sent.items() if value is not None and value is not False}


def complaints(answer: Any) -> dict[str, Any]:
    return dict(answer.context["adminform"].form.errors)


def test_the_page_of_a_surface_behind_a_gate_says_that_this_is_weaker(root: Client, world: World) -> None:
    assert "This surface is a gate" not in root.get(SURFACE).content.decode()
    Surface.objects.filter(pk="ads.budget").update(connector=Connector.objects.create(slug="own", kind="gate"))
    assert "This surface is a gate" in root.get(SURFACE).content.decode()


def test_the_history_of_a_row_is_that_of_its_fields(root: Client, world: World) -> None:
    root.post(SURFACE, form_of(root, SURFACE) | {"tier": "signature"})
    answer = root.get(SURFACE.replace("change", "history"), follow=True)
    assert answer.redirect_chain[-1][0] == "/admin/policies/historicalsurface/?q=ads.budget"
    rows = list(answer.context["cl"].result_list)
    assert {row.slug for row in rows} == {"ads.budget"}
    assert rows[0].history_user.username == "root"
    assert root.get("/admin/policies/surface/nothing/history/").status_code == 302
    own = worlds.person("own", permissions=("view_surface",))
    client = Client()
    client.force_login(own)
    assert client.get(SURFACE.replace("change", "history")).status_code == 200


def test_a_saved_surface_is_a_draft_until_it_is_published(root: Client, world: World) -> None:
    before = PolicyVersion.objects.count()
    answer = root.post(SURFACE, form_of(root, SURFACE) | {"tier": "signature"}, follow=True)
    assert "1 policy change isn’t published yet." in answer.content.decode()
    assert PolicyVersion.objects.count() == before
    assert publish.active_policy().surfaces["ads.budget"].tier.slug == "single"
    assert Entry.objects.latest("id").kind == "surface.changed"
    page = root.get("/admin/policies/publish/")
    assert "tier single → signature: more oversight" in page.content.decode()
    root.post("/admin/policies/publish/", {"do": "publish", "seen": page.context["draft"].digest})
    assert publish.active_policy().surfaces["ads.budget"].tier.slug == "signature"
    assert "waits to be published" not in root.get("/admin/").content.decode()


@pytest.mark.parametrize(
    ("field", "typed", "complaint"),
    [
        ("payload_schema", '{"type": "strange"}', "strange"),
        ("payload_schema", "[]", "must be an object"),
        ("payload_schema", '{"a": 1, "a": 2}', "appears twice"),
        ("payload_schema", '{"maximum": NaN}', "NaN"),
        ("payload_schema", '{"$ref": "https://example.com/schema"}', "own parts"),
        ("derived_tags", "{}", "must be a list"),
        ("derived_tags", '[{"tag": "vip"}]', "Row 1"),
        ("derived_tags", '[{"tag": "Very Important", "if": {}}]', "small letters"),
        ("derived_tags", '[{"tag": "vip", "if": {"type": "strange"}}]', "Row 1"),
        ("amount_pointer", "amount", "begins with a slash"),
        ("floor", "signature", "Looser than the floor"),
        ("senior_tier", "monitored", "people decide"),
        ("confidence_low", "0.95", "Low confidence"),
        ("deadline", "0", "longer than nothing"),
    ],
)
def test_a_wrong_surface_is_refused_and_not_published(root: Client, field: str, typed: str, complaint: str) -> None:
    before = PolicyVersion.objects.count()
    answer = root.post(SURFACE, form_of(root, SURFACE) | {field: typed})
    assert answer.status_code == 200
    assert complaint in str(complaints(answer))
    assert PolicyVersion.objects.count() == before


def test_the_sample_surfaces_pass_their_own_form(root: Client) -> None:

    worlds.bootstrap()
    before = PolicyVersion.objects.count()
    for slug in Surface.objects.values_list("slug", flat=True):
        address = f"/admin/policies/surface/{slug}/change/"
        answer = root.post(address, form_of(root, address))
        assert answer.status_code == 302, (slug, complaints(answer))
    assert PolicyVersion.objects.count() == before


def test_a_key_is_issued_shown_once_and_revoked(root: Client, world: World) -> None:
    Agent.objects.filter(pk="pacer").update(owner=User.objects.get(username="root"))
    assert "Issue a key" in root.get("/admin/policies/agent/pacer/keys/new/").content.decode()
    assert not world.agent.keys.exists()
    page = root.post("/admin/policies/agent/pacer/keys/new/")
    text = page.context["secret"]
    assert "no-store" in page.headers["Cache-Control"]
    assert agents.authenticate(text).agent == world.agent
    assert text not in root.get("/admin/policies/agent/pacer/change/").content.decode()

    root.post("/admin/policies/agent/pacer/keys/new/")
    refused = root.post("/admin/policies/agent/pacer/keys/new/", follow=True)
    assert "two live keys" in refused.content.decode()

    address = f"/admin/policies/agent/pacer/keys/{agents.authenticate(text).pk}/revoke/"
    root.get(address)
    assert agents.authenticate(text) is not None
    root.post(address)
    assert agents.authenticate(text) is None


def test_an_agent_is_suspended_and_works_again(root: Client) -> None:
    page = "/admin/policies/agent/pacer/status/"
    root.get(page)
    root.post(page)
    assert Agent.objects.get().status == "suspended"
    root.get(page)
    root.post(page, {"note": "It was a mistake."})
    assert Agent.objects.get().status == "suspended"
    asked = Loosening.objects.get(kind="agent")
    second = Client()
    second.force_login(worlds.publishers()[1])
    second.post("/admin/policies/publish/", {"do": "agree", "loosening": asked.pk})
    assert Agent.objects.get().status == "active"


def test_an_agent_and_its_mandate_by_form(root: Client, world: World) -> None:
    page = "/admin/policies/agent/add/"
    new = {"slug": "writer", "name": "Writer", "owner": world.owner.pk, "callback_hosts": "hooks.example.com"}
    new["callback_when"] = "settled"
    assert "no host name" in str(complaints(root.post(page, new | {"callback_hosts": "https://a.example/x"})))
    assert root.post(page, new).status_code == 302
    mandate = {"agent": "writer", "surface": "pricing", "tier": "single"}
    assert root.post("/admin/policies/mandate/add/", mandate).status_code == 302
    given = Mandate.objects.get(agent="writer")
    assert (given.surface_id, given.tier_id) == ("pricing", "single")
    assert "pricing" in root.get("/admin/policies/agent/writer/change/").content.decode()
    assert Entry.objects.filter(subject="agent:writer").count() == 2
    address = f"/admin/policies/mandate/{given.pk}/change/"
    root.post(address, {"tier": "monitored", "note": "It has earned it."})
    assert Mandate.objects.get(agent="writer").tier_id == "single"
    assert Loosening.objects.get(kind="mandate").change["to"] == "monitored"
    root.post(address, {"tier": "signature"})
    assert Mandate.objects.get(agent="writer").tier_id == "signature"


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("ftp://hooks.example.com/", "whole web address"),
        ("https://me:secret@hooks.example.com/", "name and password"),
        ("https://hooks.example.com/#here", "#"),
        ("", "needs an address"),
    ],
)
def test_an_address_that_no_webhook_has_is_refused(root: Client, url: str, complaint: str) -> None:
    page = "/admin/policies/connector/ads/change/"
    assert complaint in str(complaints(root.post(page, form_of(root, page) | {"url": url})))


def test_a_secret_goes_in_and_never_comes_out_again(root: Client, world: World) -> None:
    old = world.connector.secret
    assert old not in root.get("/admin/policies/connector/ads/change/").content.decode()
    root.get("/admin/policies/connector/ads/secret/")
    assert Connector.objects.get().secret == old
    new = root.post("/admin/policies/connector/ads/secret/").context["secret"]
    assert Connector.objects.get().secret == f"{new} {old}"
    refused = root.post("/admin/policies/connector/ads/secret/", {"secret": "whsec_short"})
    assert "at least 24 bytes" in refused.content.decode()
    assert "whsec_short" not in refused.content.decode()
    mine = "whsec_" + "C" * 43 + "="
    root.post("/admin/policies/connector/ads/secret/", {"secret": mine})
    assert Connector.objects.get().secret == f"{mine} {new}"
    root.post("/admin/policies/agent/pacer/callback-secret/", {"secret": mine})
    assert Agent.objects.get().callback_secret.split()[0] == mine
    for page in ("connector/ads/change/", "historicalconnector/", "connector/"):
        assert new not in root.get(f"/admin/policies/{page}").content.decode()


def test_switches_need_their_permission_and_a_reason(world: World) -> None:
    client = Client()
    client.force_login(world.owner)
    assert client.get("/admin/switches/engage/").status_code == 403
    assert client.post("/admin/switches/engage/", {"scope": "everywhere", "reason": "x"}).status_code == 403

    client.force_login(worlds.person("boss", worlds.OWNER, permissions=("engage_killswitch", "release_killswitch")))
    client.post("/admin/switches/engage/", {"scope": "everywhere", "reason": "  "})
    client.post("/admin/switches/engage/", {"scope": "surface:nowhere", "reason": "x"})
    client.get("/admin/switches/engage/?scope=everywhere")
    assert not KillSwitch.objects.filter(is_engaged=True).exists()

    client.post("/admin/switches/engage/", {"scope": "surface:pricing", "reason": "Wrong prices."})
    page = client.get("/admin/").content.decode()
    assert "Shipping on pricing is stopped." in page
    assert "Wrong prices." in page
    held, free = world.propose("pricing"), world.propose("ads.budget")
    assert "wait until it is released" in client.get(f"/admin/approvals/proposal/{held.pk}/").content.decode()
    assert "wait until it is released" not in client.get(f"/admin/approvals/proposal/{free.pk}/").content.decode()
    client.get("/admin/switches/release/surface:pricing/")
    assert KillSwitch.objects.filter(is_engaged=True).count() == 1
    client.post("/admin/switches/release/surface:pricing/", {"note": "The prices are right again."})
    assert KillSwitch.objects.filter(is_engaged=True).count() == 1
    client.force_login(worlds.publishers()[1])
    client.post("/admin/policies/publish/", {"do": "agree", "loosening": Loosening.objects.get().pk})
    assert not KillSwitch.objects.filter(is_engaged=True).exists()


def test_history_says_who_changed_what(root: Client, world: World) -> None:
    root.post(SURFACE, form_of(root, SURFACE) | {"name": "Budget"})
    row = Surface.history.filter(slug="ads.budget").latest("history_id")
    page = root.get(f"/admin/policies/historicalsurface/{row.pk}/change/").content.decode()
    assert "name: ads.budget → <strong>Budget</strong>" in page
    listed = root.get("/admin/policies/historicalsurface/?q=ads.budget&history_type__exact=~").content.decode()
    assert "root" in listed


def test_compliance_finds_entries_by_subject_actor_and_kind(root: Client, world: World) -> None:
    proposal = world.propose()
    world.approve(proposal)
    subject = f"proposal:{proposal.pk}"
    found = root.get(f"/admin/audit/entry/?q={subject}").content.decode()
    assert "proposal.submitted" in found
    assert "proposal.decided" in found
    for query in (
        f"?q=user:{world.owner.pk}",
        "?q=channel-owner",
        "?kind=proposal.decided",
        f"?at__gte={timezone.now():%Y-%m-%d}T00:00Z",
    ):
        assert subject in root.get(f"/admin/audit/entry/{query}").content.decode(), query
    assert subject not in root.get("/admin/audit/entry/?kind=proposal.shipped").content.decode()


def test_the_ledger_shows_all_decisions_of_a_model(root: Client, world: World) -> None:
    ours = world.propose(model={"name": "pacer", "version": "2026-11-01"})
    other = world.propose(model={"name": "pacer", "version": "2026-10-01"})
    for proposal in (ours, other):
        world.approve(proposal)
    page = root.get("/admin/audit/entry/")
    assert 'href="?model=pacer+2026-11-01"' in page.content.decode()
    for query in ("?model=pacer+2026-11-01", "?q=pacer+2026-11-01"):
        kinds = {(row.kind, row.subject) for row in root.get(f"/admin/audit/entry/{query}").context["cl"].result_list}
        assert kinds == {(f"proposal.{act}", f"proposal:{ours.pk}") for act in ("submitted", "decided")}, query
    decided = root.get("/admin/audit/entry/?model=pacer&kind=proposal.decided").context["cl"].result_list
    assert {row.subject for row in decided} == {f"proposal:{ours.pk}", f"proposal:{other.pk}"}
    assert not root.get("/admin/audit/entry/?model=pacer+2026").context["cl"].result_list


def test_the_page_of_an_agent_shows_what_connects_it_and_only_the_start_of_its_key(root: Client, world: World) -> None:
    key = agents.issue_key(agent=world.agent, by=None)
    page = root.get("/admin/policies/agent/pacer/change/").content.decode()
    assert "pip install hitl-portal" in page and "@portal.governed(surface=&quot;ads.budget&quot;" in page
    assert f"HITL_PORTAL_KEY=hitl_{key.text.split('_')[1][:4]}" in page and key.text not in page
