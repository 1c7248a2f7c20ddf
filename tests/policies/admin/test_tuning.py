"""What somebody whose role tunes ads.budget, and nothing else, sees and changes in the admin."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from audit.models import Entry
from policies.accounts import tuning
from policies.models import Escalation, Limit, Loosening, Requirement, Rule, Surface, Tuning
from policies.publishing import publish
from policies.registry import agreement
from tests import world as worlds
from tests.policies.admin.test_tables import complaints, form_of
from tests.world import OWNER, World, signed_in

pytestmark = pytest.mark.django_db
ADMIN = "/admin/policies/"
SURFACE = f"{ADMIN}surface/ads.budget/change/"
PUBLISH = f"{ADMIN}publish/"
CREW = "Budget crew"
LIMIT: dict[str, Any] = {"measure": "count", "per": "surface", "window": "day", "limit": 20, "effect": "deny"}


@pytest.fixture
def world() -> World:
    return worlds.build()


@pytest.fixture
def client(world: World) -> Client:
    """Signed in as somebody whose role tunes ads.budget."""
    crew = Group.objects.create(name=CREW)
    person = worlds.person("tuner")
    person.groups.add(crew)
    first, second = worlds.publishers()
    row = Surface.objects.get(pk="ads.budget")
    asked = tuning.ask(role=crew, surface=row, by=first, note="They know it best.")
    agreement.agree(loosening_id=asked.pk, by=second)
    return signed_in(person)


def crew_page() -> str:
    return f"/admin/auth/group/{Group.objects.get(name=CREW).pk}/change/"


def rows_of(surface: str) -> tuple[Requirement, Escalation, Limit]:
    role = Group.objects.get(name=OWNER)
    return (
        Requirement.objects.create(surface_id=surface, name="Money", role=role),
        Escalation.objects.create(surface_id=surface, level=1, role=role, after="01:00:00"),
        Limit.objects.create(slug=f"{surface}.a-day", surfaces=[surface], **LIMIT),
    )


def test_they_see_their_surface_and_no_other(client):
    page = client.get(f"{ADMIN}surface/")
    assert [row.slug for row in page.context["cl"].result_list] == ["ads.budget"]
    assert client.get(SURFACE).status_code == 200
    for what in ("change", "history", "delete"):
        assert client.get(f"{ADMIN}surface/pricing/{what}/").status_code in {403, 404}
    assert client.post(f"{ADMIN}surface/pricing/change/", {"tier": "batch"}).status_code in {403, 404}
    assert client.get(f"{ADMIN}surface/add/").status_code == 403
    assert "pricing" not in client.get("/admin/").content.decode()


def test_whoever_may_view_surfaces_still_changes_none_but_theirs(client):
    User.objects.get(username="tuner").user_permissions.add(Permission.objects.get(codename="view_surface"))
    assert len(client.get(f"{ADMIN}surface/").context["cl"].result_list) == Surface.objects.count() > 1
    other = client.get(f"{ADMIN}surface/pricing/change/")
    assert other.status_code == 200
    assert not other.context["has_change_permission"]
    assert client.post(f"{ADMIN}surface/pricing/change/", {"tier": "batch"}).status_code == 403
    assert client.post(SURFACE, form_of(client, SURFACE) | {"tier": "signature", "floor": "single"}).status_code == 302
    assert Surface.objects.get(pk="ads.budget").floor_id == "autopilot"


def test_they_turn_the_dials(client):
    dials = {"tier": "signature", "owner": CREW, "confidence_high": "0.97", "deadline": "02:00:00"}
    assert client.post(SURFACE, form_of(client, SURFACE) | dials).status_code == 302
    row = Surface.objects.get(pk="ads.budget")
    assert (row.tier_id, row.owner_id, row.confidence_high) == ("signature", CREW, 0.97)
    assert row.deadline.total_seconds() == 7200
    assert Entry.objects.filter(kind="surface.changed").count() == 1


def test_their_surface_leads_to_no_page_that_is_closed_to_them(client):
    page = client.get(SURFACE).content.decode()
    row = Surface.objects.get(pk="ads.budget")
    assert str(row.floor) in page
    assert str(row.connector) in page
    links = {address for address in re.findall(r'href="(/admin/[^"?]*)"', page) if "/jsi18n" not in address}
    refused = {address for address in links if client.get(address, follow=True).status_code != 200}
    assert refused == set()


def test_they_set_the_figures_that_rules_read(client):
    over_a_tenth = {"condition": "amount > 0.1 * params.weekly_budget", "decision": "require_approval"}
    Rule.objects.create(slug="over-a-tenth", surfaces=["ads.*"], **over_a_tenth)
    sent = form_of(client, SURFACE) | {"figure_weekly_budget": "40000"}
    assert client.post(SURFACE, sent).status_code == 302
    assert Surface.objects.get(pk="ads.budget").params == {"weekly_budget": 40000}


def test_what_is_no_dial_stays_whatever_is_posted(client):
    before = Surface.objects.filter(pk="ads.budget").values().get()
    forbidden = {
        "slug": "ads.other", "name": "Other", "floor": "signature", "connector": "", "payload_schema": '{"a": 1}',
        "derived_tags": '[{"tag": "x", "if": {}}]', "amount_pointer": "/x", "currency": "EUR", "is_enabled": "",
        "agent_owner_may_decide": "on", "editor_may_approve": "on", "distinct_people": "on", "retention": "1 00:00:00",
        "card": "email", "spends_money": "on", "time_zone": "Asia/Tokyo",
    }  # fmt: skip
    offered = client.get(SURFACE).context["adminform"].form.fields
    assert not {*forbidden} & {*offered}
    assert client.post(SURFACE, form_of(client, SURFACE) | forbidden).status_code == 302
    assert Surface.objects.filter(pk="ads.budget").values().get() == before


def test_a_tier_below_the_floor_is_refused_though_the_floor_is_not_theirs(client):
    Surface.objects.filter(pk="ads.budget").update(floor_id="single")
    answer = client.post(SURFACE, form_of(client, SURFACE) | {"tier": "batch"})
    assert "Looser than the floor" in str(complaints(answer))


def test_requirements_limits_and_escalations_of_other_surfaces_are_not_there(client):
    for mine, other in zip(rows_of("ads.budget"), rows_of("pricing"), strict=True):
        table = f"{ADMIN}{mine._meta.model_name}/"
        page = client.get(table)
        assert [row.pk for row in page.context["cl"].result_list] == [mine.pk]
        assert "pricing" not in page.content.decode()
        assert client.get(f"{table}{mine.pk}/change/").status_code == 200
        for what in ("change", "delete", "history"):
            assert client.get(f"{table}{other.pk}/{what}/").status_code in {403, 404}
            assert client.post(f"{table}{other.pk}/{what}/", {"post": "yes"}).status_code in {403, 404, 405}
        chosen = {"action": "delete_selected", "_selected_action": [other.pk], "post": "yes"}
        client.post(table, chosen)
        other.refresh_from_db()
        assert client.post(f"{table}{mine.pk}/delete/", {"post": "yes"}).status_code == 302
        assert not type(mine).objects.filter(pk=mine.pk).exists()


def test_a_row_is_neither_made_for_nor_moved_to_another_surface(client, world):
    worlds.person("clerk", OWNER)
    page = f"{ADMIN}requirement/add/"
    new = {"surface": "pricing", "stage": 1, "name": "Money", "role": OWNER, "approvals": 1, "denials": 1}
    assert "surface" in complaints(client.post(page, new))
    assert client.post(page, new | {"surface": "ads.budget"}).status_code == 302
    row = Requirement.objects.get()
    address = f"{ADMIN}requirement/{row.pk}/change/"
    assert "surface" in complaints(client.post(address, form_of(client, address) | {"surface": "pricing"}))
    page = f"{ADMIN}limit/add/"
    limit = {"slug": "a-day", "is_enabled": "on", "warning_effect": "flag", "time_zone": "UTC", "length": "0", **LIMIT}
    for surfaces in ("", "*", "ads.*", "pricing", "ads.budget, pricing"):
        assert "Name one or more of your surfaces" in str(complaints(client.post(page, limit | {"surfaces": surfaces})))
    assert client.post(page, limit | {"surfaces": "ads.budget"}).status_code == 302


def test_tables_of_the_whole_policy_stay_closed(client):
    for table in ("tier", "rule", "guardrail", "mandate", "connector", "agent", "calendar", "policytest", "tuning"):
        assert client.get(f"{ADMIN}{table}/").status_code == 403
        assert client.get(f"{ADMIN}{table}/add/").status_code == 403
    for table in ("user", "user/add", "group/add"):
        assert client.get(f"/admin/auth/{table}/").status_code == 403


def test_the_publish_page_shows_and_publishes_only_what_is_theirs(client):
    Surface.objects.filter(pk="pricing").update(confidence_low=0.8)
    client.post(SURFACE, form_of(client, SURFACE) | {"tier": "signature"})
    page = client.get(PUBLISH)
    shown = page.content.decode()
    assert "tier single → signature" in shown
    assert "confidence low" not in shown
    assert "Put back in force" not in shown
    sent = {"do": "publish", "seen": page.context["draft"].digest, "only": page.context["only"]}
    client.post(PUBLISH, sent)
    policy = publish.active_policy()
    assert policy.surfaces["ads.budget"].tier.slug == "signature"
    assert policy.surfaces["pricing"].confidence_low == 0.5
    assert "No unpublished changes." in client.get(PUBLISH).content.decode()


def test_a_foreign_change_is_refused_on_the_publish_page_with_its_name(client):
    Surface.objects.filter(pk="pricing").update(confidence_low=0.8)
    client.post(SURFACE, form_of(client, SURFACE) | {"tier": "signature"})
    before = publish.active_version()
    answer = client.post(PUBLISH, {"do": "publish", "note": "All."}, follow=True).content.decode()
    assert "You may publish what tunes ads.budget. This does not: `pricing`: confidence low 0.5 → 0.8" in answer
    assert publish.active_version() == before


def test_what_loosens_is_asked_for_and_shown_to_its_author(client):
    client.post(SURFACE, form_of(client, SURFACE) | {"owner": CREW})
    page = client.get(PUBLISH)
    assert "less oversight" in page.content.decode()
    sent = {"do": "publish", "seen": page.context["draft"].digest, "only": page.context["only"], "note": "We know it."}
    client.post(PUBLISH, sent)
    assert Loosening.objects.get(kind="publish").status == "waiting"
    assert "You asked for this, so someone else has to agree." in client.get(PUBLISH).content.decode()
    assert publish.active_policy().surfaces["ads.budget"].owner == OWNER


def test_a_person_added_to_the_role_waits_for_a_second_person(client):
    newcomer, leaver = worlds.person("newcomer"), worlds.person("leaver", CREW)
    tuner = User.objects.get(username="tuner")
    sent = {"people": [tuner.pk], "joining": newcomer.pk, "name": "Portal admin", "permissions": [1]}
    assert "Say why" in client.post(crew_page(), sent, follow=True).content.decode()
    assert leaver.groups.count() == 1
    shown = client.post(crew_page(), sent | {"note": "She knows budgets."}, follow=True).content.decode()
    assert "Asked. It stays as it was until a second person has agreed." in shown
    assert leaver.groups.count() == 0
    assert newcomer.groups.count() == 0
    agreement.agree(loosening_id=Loosening.objects.get(kind="person").pk, by=worlds.publishers()[1])
    assert [role.name for role in newcomer.groups.all()] == [CREW]


def test_other_roles_are_not_there(client):
    other = Group.objects.get(name=OWNER)
    rows = client.get("/admin/auth/group/").context["cl"].result_list
    assert [row.name for row in rows] == [CREW]
    assert client.get(f"/admin/auth/group/{other.pk}/change/").status_code == 404
    assert client.post(f"/admin/auth/group/{other.pk}/change/", {"people": []}).status_code in {403, 404}
    assert client.get(crew_page().replace("change", "delete")).status_code == 403


def test_a_tuning_right_is_asked_for_and_taken_away_by_form(client):
    root = signed_in(User.objects.create_superuser("root"))
    page = f"{ADMIN}tuning/add/"
    sent = {"role": CREW, "surface": "pricing"}
    assert "Say why" in root.post(page, sent, follow=True).content.decode()
    answer = root.post(page, sent | {"note": "They know prices too."}, follow=True)
    assert "Asked. Budget crew tunes pricing once a second person has agreed." in answer.content.decode()
    assert Tuning.objects.count() == 1
    assert "Budget crew tunes pricing" in root.get(PUBLISH).content.decode()
    agreement.agree(loosening_id=Loosening.objects.get(status="waiting").pk, by=worlds.publishers()[1])
    assert [row.slug for row in client.get(f"{ADMIN}surface/").context["cl"].result_list] == ["ads.budget", "pricing"]
    for row in Tuning.objects.all():
        root.post(f"{ADMIN}tuning/{row.pk}/delete/", {"post": "yes"})
    assert client.get(f"{ADMIN}surface/").status_code == 403
    assert client.get(PUBLISH).status_code == 403
    assert client.get(crew_page()).status_code == 404
