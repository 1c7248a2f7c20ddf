"""What a new portal starts with."""

import socket
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command

from audit.models import Entry
from policies import samples
from policies.engine import payloads
from policies.models import Connector, KillSwitch, PolicyVersion, Surface, Tier
from policies.publishing.publish import active_policy
from policies.registry import bootstrap
from policies.registry.bootstrap import SampleInvalid

pytestmark = pytest.mark.django_db

DECIDING = {
    "Marketing manager",
    "Marketing head",
    "Team lead",
    "Channel owner",
    "Legal",
    "Finance",
    "Product",
    "Executive",
}


def permissions(role: str) -> set[str]:
    held = Group.objects.get(name=role).permissions.values_list("content_type__app_label", "codename")
    return {f"{app}.{codename}" for app, codename in held}


def test_it_makes_everything_and_publishes(capsys):
    call_command("bootstrap")
    assert set(Group.objects.values_list("name", flat=True)) == DECIDING | {"Compliance", "Portal admin"}
    assert list(Tier.objects.order_by("rank").values_list("slug", "rank")) == [
        ("autopilot", 0),
        ("monitored", 10),
        ("batch", 20),
        ("single", 30),
        ("signature", 40),
        ("human_only", 50),
    ]
    assert Tier.objects.get(slug="monitored").hold == timedelta(minutes=30)
    assert Tier.objects.get(slug="autopilot").sample_rate == 0.1
    assert Tier.objects.get(slug="monitored").sample_rate == 0.05
    assert not KillSwitch.objects.get(scope="everywhere").is_engaged
    assert set(active_policy().surfaces) == {
        "ads.bids",
        "ads.budget",
        "ads.creatives",
        "crm.hygiene",
        "crm.segments",
        "crm.suppression",
        "email.lifecycle",
        "journeys.lifecycle",
        "leads.enrichment",
        "leads.routing",
        "leads.scoring",
        "pricing.catalog",
        "pricing.checkout",
        "support.refunds",
        "support.replies",
    }
    assert not Connector.objects.exists()
    out = capsys.readouterr().out
    assert "surface ads.budget" in out
    assert "Policy version" in out
    assert out.count("Note: ") == 2, "nobody holds a role, and a figure is not set"
    assert "nobody holds a role yet" in out
    assert PolicyVersion.objects.get().asked_by == f"command line of {socket.gethostname()}"


def test_once_somebody_holds_a_role_it_names_the_roles_that_nobody_holds(capsys):
    call_command("bootstrap")
    User.objects.create_user("lead").groups.add(Group.objects.get(name="Team lead"))
    capsys.readouterr()
    call_command("bootstrap")
    out = capsys.readouterr().out
    assert "nobody holds a role yet" not in out
    assert "No one who can sign in has the Channel owner role" in out


def test_running_it_again_changes_nothing_and_says_so():
    first = bootstrap.bootstrap()
    entries = Entry.objects.count()
    again = bootstrap.bootstrap()
    assert again.version == first.version
    assert not any(line.is_made or line.differs for line in again.lines)
    assert Entry.objects.count() == entries
    assert PolicyVersion.objects.count() == 1


def test_what_people_changed_stays_and_is_named():
    bootstrap.bootstrap()
    Surface.objects.filter(slug="ads.budget").update(deadline=timedelta(hours=2))
    Group.objects.get(name="Legal").permissions.clear()
    Tier.objects.filter(slug="monitored").update(hold=timedelta(minutes=5))
    changed = {line.name for line in bootstrap.bootstrap().lines if line.differs}
    assert changed == {"ads.budget", "Legal", "monitored"}
    assert Surface.objects.get(slug="ads.budget").deadline == timedelta(hours=2)
    assert not permissions("Legal")


def test_who_may_do_what():
    bootstrap.bootstrap()
    for role in DECIDING:
        assert {"approvals.view_proposal", "approvals.decide_proposal"} <= permissions(role)
        assert "policies.release_killswitch" not in permissions(role)
        assert not any(".change_" in held or ".add_" in held or ".delete_" in held for held in permissions(role))
    for role in ("Marketing manager", "Marketing head", "Team lead", "Channel owner", "Executive"):
        assert "policies.engage_killswitch" in permissions(role)

    compliance = permissions("Compliance")
    assert {"approvals.view_all_proposals", "audit.view_entry", "policies.view_historicalsurface"} <= compliance
    assert all(held.split(".")[1].startswith("view_") for held in compliance)

    admin = permissions("Portal admin")
    assert {"policies.change_surface", "policies.add_agent", "policies.release_killswitch"} <= admin
    assert "approvals.decide_proposal" not in admin
    assert not any(held.startswith("auth.") and "view_" not in held for held in admin)


def test_every_role_and_surface_of_the_samples_fits_together():
    tiers = {row["slug"] for row in samples.tiers()}
    for surface in samples.surfaces():
        assert surface["owner"] in samples.roles()
        assert {surface["tier"], surface["floor"], surface["senior_tier"]} <= tiers
        assert surface["payload_schema"]["additionalProperties"] is False
        assert payloads.errors(surface["payload_schema"], {"surprise": 1})


@pytest.mark.parametrize(
    ("surface", "payload", "tags"),
    [
        ("email.lifecycle", {"template": "t", "audience": {"segment": "s", "size": 3}}, ()),
        (
            "email.lifecycle",
            {"template": "t", "audience": {"segment": "s", "size": 1}, "lead": {"id": "1", "do_not_email": True}},
            ("do_not_email",),
        ),
        ("ads.budget", {"from": "a", "to": "b", "amount": 10000}, ("large_amount",)),
        ("ads.budget", {"from": "a", "to": "b", "amount": 9999.99}, ()),
        ("pricing.catalog", {"sku": "A", "price": 19.9, "valid_from": "2026-11-01"}, ("no_end",)),
        (
            "crm.segments",
            {
                "segment": "s",
                "conditions": [{"field": "country", "operator": "is", "value": "DE"}],
                "estimated_size": 12,
                "sync_to": ["partner"],
            },
            ("leaves_the_company",),
        ),
        ("journeys.lifecycle", {"journey": "welcome", "change": "pause"}, ("stops_a_journey",)),
        ("leads.scoring", {"model": "m", "weights": {"visits": 2.5}, "threshold": 40}, ()),
        ("leads.enrichment", {"lead": "1", "fields": {"country": "DE"}, "source": "inferred"}, ("guessed",)),
    ],
)
def test_sample_surfaces_take_sensible_payloads_and_derive_tags(surface, payload, tags):
    bootstrap.bootstrap()
    policy = active_policy().surfaces[surface]
    assert payloads.errors(policy.payload_schema, payload) == []
    assert payloads.derive(policy, payload).tags == tags


@pytest.mark.parametrize(
    ("surface", "payload", "pointer"),
    [
        ("ads.budget", {"from": "a", "to": "b", "amount": -5}, "/amount"),
        ("ads.budget", {"from": "a", "to": "b", "amount": 5.001}, "/amount"),
        ("email.lifecycle", {"template": "t", "audience": {"segment": "s", "size": 0}}, "/audience/size"),
        ("journeys.lifecycle", {"journey": "j", "change": "change_wait", "step": "s"}, "/wait_hours"),
        ("leads.enrichment", {"lead": "1", "fields": {}, "source": "inferred"}, "/fields"),
        ("pricing.catalog", {"sku": "A", "price": 1, "valid_from": "soon"}, "/valid_from"),
    ],
)
def test_sample_surfaces_refuse_what_makes_no_sense(surface, payload, pointer):
    bootstrap.bootstrap()
    found = payloads.errors(active_policy().surfaces[surface].payload_schema, payload)
    assert [error.pointer for error in found] == [pointer]


def test_a_connector_on_request_for_surfaces_that_have_none(capsys):
    call_command("bootstrap", "--connector", "https://executor.example.com/hooks")
    secret = Connector.objects.get().secret
    assert secret in capsys.readouterr().out
    assert set(Surface.objects.values_list("connector", flat=True)) == {bootstrap.CONNECTOR}
    call_command("bootstrap", "--connector", "https://executor.example.com/hooks")
    assert Connector.objects.get().secret == secret
    assert "whsec_" not in capsys.readouterr().out


def test_a_permission_that_does_not_exist_is_named_and_nothing_is_kept(monkeypatch):
    monkeypatch.setattr(samples, "roles", lambda: {"Legal": ["approvals.fly"]})
    with pytest.raises(SampleInvalid, match=r"approvals\.fly"):
        bootstrap.bootstrap()
    assert not Group.objects.exists()
    with pytest.raises(CommandError, match=r"approvals\.fly"):
        call_command("bootstrap")
