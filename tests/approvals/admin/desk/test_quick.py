"""The quick list: what is in it, what is not and why, and what one button does."""

import re

import pytest
from django.test import Client

from approvals.models import Assignment, Decision, Notice, Proposal
from audit.models import Entry
from policies.models import Rule, Surface
from tests import world as worlds
from tests.approvals.uploads import bulk
from tests.kept import kept
from tests.world import World

pytestmark = pytest.mark.django_db
PAGE = "/admin/desk/quick/"


@pytest.fixture
@kept
def world() -> World:
    made = worlds.build()
    made.surface("crm.leads")
    return made


@pytest.fixture
def client(world: World) -> Client:
    client = Client()
    client.force_login(world.owner)
    return client


def page(client: Client, query: str = "") -> str:
    return client.get(f"{PAGE}{query}").content.decode()


def press(client: Client, act: str, proposal: Proposal, **more: object):
    revision = Proposal.objects.select_related("revision").get(pk=proposal.pk).revision
    sent = {"step": f"{act}:{proposal.pk}", f"seen:{proposal.pk}": f"{revision.number}:{revision.digest}", **more}
    return client.post(PAGE, sent, follow=True)


def state(proposal: Proposal) -> str:
    return str(Proposal.objects.get(pk=proposal.pk).state)


def test_a_line_shows_what_it_does_and_how_sure_the_agent_is(world, client):
    world.propose("crm.leads", title="Route Ada", content={"confidence": 0.71, "before": {"amount": 1}})
    shown = page(client)
    assert "Route Ada" in shown
    assert "If approved, “shift_budget” runs on crm.leads" in shown
    assert "71 %" in shown


def test_a_line_names_the_required_fields_first_and_says_why_it_waits(world, client):
    schema = {
        "type": "object",
        "required": ["to", "fits"],
        "properties": {"to": {"title": "To"}, "fits": {"title": "Owners that fit"}, "a": {}, "b": {}, "c": {}, "d": {}},
    }
    Surface.objects.filter(pk="crm.leads").update(payload_schema=schema)
    Rule.objects.create(slug="odd", condition="payload.fits != 1", decision="require_approval", reason="Two fit.")
    worlds.publish()
    world.propose("crm.leads", content={"payload": {"a": 1, "b": 2, "c": 3, "d": 4, "fits": 2, "to": "Ana"}})
    shown = page(client)
    names = re.findall(r'<span class="k">(.*?)</span>', shown)
    assert names == ["To", "Owners that fit", "a", "b", "c"]
    assert "and 1 more" in shown
    assert '<p class="why">Two fit.</p>' in shown


def test_a_button_decides_that_one_with_what_was_seen(world, client):
    one, other = world.propose("crm.leads"), world.propose("crm.leads")
    told = press(client, "approve", one).content.decode()
    assert (state(one), state(other)) == ("approved", "pending")
    decision = Decision.objects.get()
    assert (decision.proposal_id, decision.revision_number, decision.digest, decision.batch) == (
        one.pk, 1, one.revision.digest, None,
    )  # fmt: skip
    assert Entry.objects.get(kind="proposal.decided").data["via"] == "quick list"
    assert "Approved." in told
    press(client, "undo", one)
    assert state(one) == "pending"


def test_a_rejection_needs_its_reason(world, client):
    one = world.propose("crm.leads")
    assert "Nothing was changed." in press(client, "reject", one).content.decode()
    press(client, "reject", one, **{f"reason:{one.pk}": "bad_timing"})
    assert (state(one), Decision.objects.get().reason_code) == ("rejected", "bad_timing")


def test_a_line_is_assigned_to_who_is_chosen(world, client):
    one = world.propose("crm.leads")
    assert "Choose above" in press(client, "assign", one).content.decode()
    press(client, "assign", one, to=world.other_owner.pk)
    assert Assignment.objects.get().to == world.other_owner
    assert not Notice.objects.exists()


def test_a_revision_that_was_not_seen_is_not_decided(world, client):
    one = world.propose("crm.leads")
    sent = {f"seen:{one.pk}": f"1:sha256:{'0' * 64}"}
    assert "Nothing was changed." in press(client, "approve", one, **sent).content.decode()
    assert state(one) == "pending"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("is_customer_facing", "Not low risk"),
        ("spends_money", "Not low risk"),
        ("has_legal_effect", "Not low risk"),
        ("is_irreversible", "Not low risk"),
    ],
)
def test_a_surface_that_is_not_low_risk_is_left_out(world, client, name, why):
    one = world.propose("crm.leads", title="Route Ada")
    Surface.objects.filter(pk="crm.leads").update(**{name: True})
    shown = page(client)
    assert "Route Ada" not in shown
    assert why in shown
    press(client, "approve", one)
    assert state(one) == "pending"


def test_a_surface_with_personal_data_is_low_risk_as_long_as_it_can_be_undone(world, client):
    Surface.objects.filter(pk="crm.leads").update(has_personal_data=True, writes_to_production=True)
    world.propose("crm.leads", title="Route Ada")
    assert "Route Ada" in page(client)


def test_what_needs_a_signature_is_left_out(world, client):
    one = world.propose("pricing", title="Dear")
    assert "Dear" not in page(client)
    assert "Signature required" in page(client)
    press(client, "approve", one)
    assert state(one) == "pending"


def test_a_checklist_is_left_out(world, client):
    one = world.propose("crm.leads", title="Route Ada")
    Proposal.objects.filter(pk=one.pk).update(checklist=[{"slug": "x", "text": "Look."}])
    assert "It has a checklist to tick." in page(client)
    press(client, "approve", one)
    assert state(one) == "pending"


def test_what_contradicts_another_is_left_out(world, client):
    for _ in range(2):
        world.propose("crm.leads", targets=["lead:1"])
    assert "Another proposal names the same target" in page(client)


def test_uploaded_rows_are_left_out(world, client):
    bulk.surface(world)
    one = bulk.propose(world, bulk.upload(world, 30))
    assert "It names uploaded rows: look at them first." in page(client)
    press(client, "approve", one)
    assert state(one) == "pending"


def test_a_filter_of_the_desk_narrows_it(world, client):
    world.surface("crm.hygiene")
    world.propose("crm.leads", title="Route Ada")
    world.propose("crm.hygiene", title="Merge Bob")
    shown = page(client, "?surface=crm.leads")
    assert ("Route Ada" in shown, "Merge Bob" in shown) == (True, False)


def test_what_is_not_seen_is_not_there(world):
    one = world.propose("crm.leads")
    stranger = Client()
    stranger.force_login(worlds.person("stranger", "Legal"))
    assert press(stranger, "approve", one).status_code == 404
    assert stranger.post(PAGE, {"step": "approve:nothing"}).status_code == 404
    assert stranger.post(PAGE, {"step": f"forget:{one.pk}"}).status_code == 404


def test_its_queries_do_not_grow_with_its_lines(world, client, django_assert_max_num_queries):
    for _ in range(40):
        world.propose("crm.leads", content={"before": {"amount": 1}})
    with django_assert_max_num_queries(30):
        page(client)


def test_the_desk_leads_to_it(world, client):
    world.propose("crm.leads")
    assert f'href="{PAGE}' in client.get("/admin/desk/").content.decode()
