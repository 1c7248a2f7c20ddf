"""Another owner, a key for somebody else's agent, a connector that goes elsewhere: each takes two people."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import IntegrityError, transaction

from audit.clock import database_now
from audit.kinds import registry
from audit.ledger import entries
from audit.ledger.entries import SYSTEM
from audit.models import Entry
from policies.models import Agent, ApiKey, Connector, Loosening
from policies.publishing import loosenings
from policies.publishing.loosenings import LooseningRefused, NotAllowed
from policies.registry import agents, agreement, connectors, registration, signing_secrets
from policies.registry.agents import KeyOfAnother
from policies.registry.registration import Application
from tests import world as worlds
from tests.proofs import assert_invariants_hold, breaches
from tests.world import OWNER, World, person, signed_in

pytestmark = pytest.mark.django_db
PUBLISH = "/admin/policies/publish/"


@pytest.fixture
def world() -> World:
    return worlds.build()


@pytest.fixture
def first(world: World) -> User:
    return worlds.publishers()[0]


@pytest.fixture
def second(world: World) -> User:
    return worlds.publishers()[1]


def chief(name: str) -> User:
    return User.objects.create_superuser(name, password="a long enough password")


def agree(asked: Loosening, second: User) -> str:
    return str(agreement.agree(loosening_id=asked.pk, by=second).status)


# Owners --------------------------------------------------------------------------------------------


def test_another_owner_takes_two_people(world, first, second):
    asked = agents.ask_owner(agent=world.agent, owner=world.owner, by=first, note="New team.")
    assert Agent.objects.get().owner != world.owner
    with pytest.raises(NotAllowed):
        agreement.agree(loosening_id=asked.pk, by=first)
    assert agree(asked, second) == "done"
    assert Agent.objects.get().owner == world.owner
    said = Entry.objects.get(kind="agent.owner_changed").data
    assert said == {"from": f"user:{world.agent.owner_id}", "to": f"user:{world.owner.pk}", "loosening": asked.pk}
    assert_invariants_hold()


@pytest.mark.parametrize("what", ["owner", "left"])
def test_what_has_changed_meanwhile_is_not_agreed_to(world, first, second, what):
    asked = agents.ask_owner(agent=world.agent, owner=world.owner, by=first, note="New team.")
    if what == "owner":
        Agent.objects.update(owner=world.other_owner)
    else:
        User.objects.filter(pk=world.owner.pk).update(is_active=False)
    assert agree(asked, second) == "outdated"
    assert Agent.objects.get().owner != world.owner


def test_what_makes_no_sense_is_refused(world, first):
    with pytest.raises(NotAllowed):
        agents.ask_owner(agent=world.agent, owner=world.owner, by=world.owner, note="Mine.")
    with pytest.raises(LooseningRefused, match="already"):
        agents.ask_owner(agent=world.agent, owner=world.agent.owner, by=first, note="The same.")
    with pytest.raises(LooseningRefused, match="Say why"):
        agents.ask_owner(agent=world.agent, owner=world.owner, by=first, note=" ")
    User.objects.filter(pk=world.owner.pk).update(is_active=False)
    world.owner.refresh_from_db()
    with pytest.raises(LooseningRefused, match="cannot sign in"):
        agents.ask_owner(agent=world.agent, owner=world.owner, by=first, note="Gone.")


def test_by_form_the_owner_stays_and_by_its_page_two_people_change_it(world, second):
    root = chief("root")
    client, page = signed_in(root), "/admin/policies/agent/pacer/"
    before = world.agent.owner_id
    client.post(f"{page}change/", {"name": "Pacer", "owner": root.pk, "keys-TOTAL_FORMS": 0, "keys-INITIAL_FORMS": 0})
    assert Agent.objects.get().owner_id == before
    assert "channel-owner" in client.get(f"{page}owner/").content.decode()
    client.post(f"{page}owner/", {"person": "x", "note": "?"})
    assert not Loosening.objects.exists()
    client.post(f"{page}owner/", {"person": world.owner.pk, "note": "New team."})
    client.post(PUBLISH, {"do": "agree", "loosening": Loosening.objects.get().pk})
    assert Agent.objects.get().owner_id == before
    other = signed_in(second)
    assert "owner agent-owner → channel-owner" in other.get(PUBLISH).content.decode()
    other.post(PUBLISH, {"do": "agree", "loosening": Loosening.objects.get().pk})
    assert Agent.objects.get().owner == world.owner


# Keys ----------------------------------------------------------------------------------------------


def test_the_owner_issues_keys_alone_and_nobody_else_does(world, first, second):
    assert agents.issue_key(agent=world.agent, by=world.agent.owner).key.created_by == world.agent.owner
    for other in (first, world.owner, chief("root")):
        with pytest.raises(KeyOfAnother):
            agents.issue_key(agent=world.agent, by=other)
    assert ApiKey.objects.count() == 1
    own = Agent.objects.create(slug="own", name="Own", owner=first)
    with pytest.raises(LooseningRefused, match="yourself"):
        agents.ask_key(agent=own, by=first, note="Mine.")


def test_once_agreed_one_key_is_issued_and_no_second(world, first, second):
    asked = agents.ask_key(agent=world.agent, by=first, note="To look into it.")
    with pytest.raises(KeyOfAnother):
        agents.issue_key(agent=world.agent, by=first)
    assert agree(asked, second) == "done"
    for other in (second, world.owner):
        with pytest.raises(KeyOfAnother):
            agents.issue_key(agent=world.agent, by=other)
    issued = agents.issue_key(agent=world.agent, by=first)
    assert (issued.key.created_by, issued.key.loosening) == (first, asked)
    with pytest.raises(KeyOfAnother):
        agents.issue_key(agent=world.agent, by=first)
    with pytest.raises(IntegrityError), transaction.atomic():
        ApiKey.objects.create(
            agent=world.agent, prefix="twice", secret_hash=b"", created_at=issued.key.created_at, loosening=asked
        )
    assert_invariants_hold()


@pytest.mark.parametrize("what", ["too_late", "other_owner"])
def test_an_agreement_is_for_a_day_and_for_the_owner_of_then(world, first, second, what):
    asked = agents.ask_key(agent=world.agent, by=first, note="To look into it.")
    agree(asked, second)
    if what == "too_late":
        Loosening.objects.filter(pk=asked.pk).update(answered_at=asked.asked_at - timedelta(days=1, seconds=1))
    else:
        Agent.objects.update(owner=world.owner)
    with pytest.raises(KeyOfAnother):
        agents.issue_key(agent=world.agent, by=first)


def test_by_its_page_a_key_of_another_is_asked_for_and_then_shown_to_who_asked(world, second):
    root, page = signed_in(chief("root")), "/admin/policies/agent/pacer/keys/new/"
    assert "Ask a second person" in root.get(page).content.decode()
    root.post(page, {"note": "To look into it."})
    assert not ApiKey.objects.exists()
    signed_in(second).post(PUBLISH, {"do": "agree", "loosening": Loosening.objects.get(kind="key").pk})
    assert not ApiKey.objects.exists()
    assert "Issue a key" in root.get(page).content.decode()
    assert agents.authenticate(root.post(page).context["secret"]).agent == world.agent
    assert "Ask a second person" in root.get(page).content.decode()


def test_on_the_machine_a_key_is_issued_in_the_owners_name(world, capsys):
    person("olga", OWNER)
    call_command("create_agent", "writer", "--owner", "olga", "--surface", "ads.budget:single")
    assert ApiKey.objects.get(agent="writer").created_by.username == "olga"


def test_nobody_gets_a_key_by_registering_an_agent_for_somebody_else(world, first):
    application = Application(slug="writer", owner=world.owner, mandates={"ads.budget": "single"})
    with pytest.raises(KeyOfAnother):
        registration.register(application, by=first)
    assert not Agent.objects.filter(slug="writer").exists()
    own = registration.register(Application(slug="writer", owner=first, mandates={}), by=first)
    assert own.key.key.created_by == first


# Connectors ----------------------------------------------------------------------------------------


ELSEWHERE: list[dict[str, Any]] = [
    {"url": "https://elsewhere.example.com/hooks"},
    {"kind": "pull", "executor_id": "pacer"},
    {"executor_id": "pacer"},
]


@pytest.mark.parametrize("fields", ELSEWHERE, ids=str)
def test_a_connector_goes_elsewhere_with_two_people(world, first, second, fields):
    before = Connector.objects.values().get()
    changed = Connector.objects.get()
    for name, value in ({"timeout_seconds": 20} | fields).items():
        setattr(changed, name, value)
    asked = connectors.change(connector=changed, by=first, note="It has moved.")
    assert Connector.objects.values().get() == before | {"timeout_seconds": 20}
    assert agree(asked, second) == "done"
    assert Connector.objects.values().get() == before | {"timeout_seconds": 20} | fields
    assert Entry.objects.get(kind="connector.redirected").data["changes"] == sorted(fields)
    assert_invariants_hold()


def test_a_connector_is_switched_off_alone_and_on_with_two(world, first, second):
    off = Connector.objects.get()
    off.is_enabled = False
    assert connectors.change(connector=off, by=first) is None
    assert not Connector.objects.get().is_enabled
    on = Connector.objects.get()
    on.is_enabled = True
    asked = connectors.change(connector=on, by=first, note="It is well again.")
    assert not Connector.objects.get().is_enabled
    assert agree(asked, second) == "done"
    assert Connector.objects.get().is_enabled


def test_what_points_elsewhere_by_now_is_not_redirected(world, first, second):
    changed = Connector.objects.get()
    changed.url = "https://elsewhere.example.com/hooks"
    asked = connectors.change(connector=changed, by=first, note="It has moved.")
    Connector.objects.update(url="https://third.example.com/hooks")
    assert agree(asked, second) == "outdated"
    assert Connector.objects.get().url == "https://third.example.com/hooks"


def test_by_form_an_address_is_asked_for_and_without_a_note_nothing_is_saved(world, second):
    root, page = signed_in(chief("root")), "/admin/policies/connector/ads/change/"
    was = Connector.objects.get().url
    sent = {"kind": "webhook", "url": "https://elsewhere.example.com/hooks", "timeout_seconds": 25, "is_enabled": "on"}
    refused = root.post(page, sent, follow=True)
    assert "Say why" in refused.content.decode()
    assert Connector.objects.values_list("url", "timeout_seconds").get() == (was, 10)
    asked = root.post(page, sent | {"note": "It has moved."}, follow=True)
    assert "until a second person has agreed" in asked.content.decode()
    assert Connector.objects.values_list("url", "timeout_seconds").get() == (was, 25)
    told = str(Entry.objects.get(kind="connector.changed").data)
    assert "ime limit" in told and "ddress" not in told
    again = root.post(page, sent | {"url": "https://third.example.com/hooks", "note": "Or there."}, follow=True)
    assert [message.level_tag for message in again.context["messages"]] == ["warning"]
    root.post(page, sent | {"note": "It has moved."})
    root.post(PUBLISH, {"do": "agree", "loosening": Loosening.objects.get(status="waiting").pk})
    assert Connector.objects.get().url == was
    other = signed_in(second)
    assert f"address {was} → https://elsewhere.example.com/hooks" in other.get(PUBLISH).content.decode()
    other.post(PUBLISH, {"do": "agree", "loosening": Loosening.objects.get(status="waiting").pk})
    assert Connector.objects.get().url == "https://elsewhere.example.com/hooks"


def test_a_new_signing_secret_opens_nothing_since_the_one_before_signs_too(world, first):
    """It is for one person: a receiver goes on accepting only what it knows, and that is signed as before."""
    known = Connector.objects.get().secret.split()[0]
    signing_secrets.new_for_connector(Connector.objects.get(), by=first)
    assert Connector.objects.get().secret.split()[1] == known


# The proof -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("agent.owner_changed", {}),
        ("connector.redirected", {}),
        ("agent.key_issued", {"owner": "user:1", "issuer": "user:2"}),
        ("user.rights_given", {"loosening": 0}),
        ("group.rights_given", {}),
    ],
)
def test_each_breach_is_found(world, kind, data, monkeypatch):
    assert breaches() == {}
    # As if it were written past the portal, which records no such data.
    monkeypatch.setattr(registry, "check", lambda *_entry: None)
    with transaction.atomic():
        entries.record(kind, subject="agent:pacer", actor=SYSTEM, at=database_now(), data=data)
    assert "Without a second person" in breaches()["I7"]


def test_a_request_of_somebody_who_left_is_not_agreed_to(world, first, second):
    asked = agents.ask_key(agent=world.agent, by=first, note="To look into it.")
    User.objects.filter(pk=first.pk).update(is_active=False)
    assert agree(asked, second) == "outdated"
    assert not loosenings.waiting_now()
