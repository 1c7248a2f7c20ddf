"""No one person can loosen the policy, by any route."""

import io
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command, get_commands
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import ProtectedError

from policies.models import Agent, KillSwitch, Loosening, Mandate, PolicyVersion, Rule, Surface, Tier
from policies.publishing import loosenings, publish
from policies.publishing.loosenings import LooseningRefused, NotAllowed
from policies.publishing.publish import DraftChanged, PolicyInvalid
from policies.registry import agents, agreement, bootstrap, kill_switches, mandates
from tests import world as worlds
from tests.proofs import assert_invariants_hold
from tests.world import World, signed_in

pytestmark = pytest.mark.django_db
PUBLISH = "/admin/policies/publish/"


@pytest.fixture
def world() -> World:
    return worlds.build()


@pytest.fixture
def root(world: World) -> User:
    return User.objects.create_superuser("root", password="a long enough password")


def loosen() -> None:
    Surface.objects.filter(slug="ads.budget").update(tier_id="batch")


def tighten() -> None:
    Surface.objects.filter(slug="ads.budget").update(tier_id="signature")


def tier() -> str:
    return publish.active_policy().surfaces["ads.budget"].tier.slug


def test_one_person_publishes_what_tightens(world):
    first, _ = worlds.publishers()
    tighten()
    done = publish.publish(by=first)
    assert done.version == publish.active_version()
    assert tier() == "signature"


def test_two_people_publish_what_loosens(world):
    first, second = worlds.publishers()
    loosen()
    asked = publish.publish(by=first, note="Batches are enough.").asked
    assert tier() == "single"
    assert agreement.agree(loosening_id=asked.pk, by=second).status == "done"
    assert tier() == "batch"
    assert_invariants_hold()


def test_nobody_agrees_to_their_own_request_and_nobody_agrees_twice(world, root):
    first, second = worlds.publishers()
    loosen()
    asked = publish.publish(by=first, note="Batches are enough.").asked
    with pytest.raises(NotAllowed):
        agreement.agree(loosening_id=asked.pk, by=first)
    with pytest.raises(LooseningRefused):
        publish.publish(by=second, note="The same once more.")
    with pytest.raises(NotAllowed):
        agreement.agree(loosening_id=asked.pk, by=world.owner)
    loosenings.refuse(loosening_id=asked.pk, by=second)
    with pytest.raises(LooseningRefused):
        agreement.agree(loosening_id=asked.pk, by=root)
    assert tier() == "single"


@pytest.mark.parametrize("what", ["tables", "version", "asker"])
def test_what_is_not_the_same_any_more_is_not_agreed_to(world, what):
    first, second = worlds.publishers()
    loosen()
    asked = publish.publish(by=first, note="Batches are enough.").asked
    if what == "tables":
        Surface.objects.filter(slug="pricing").update(tier_id="autopilot")
    elif what == "version":
        tighten()
        publish.publish(by=first)
        loosen()
    else:
        User.objects.filter(pk=first.pk).update(is_active=False)
    was = publish.active_version()
    assert agreement.agree(loosening_id=asked.pk, by=second).status == "outdated"
    assert publish.active_version() == was


def test_what_was_not_seen_is_not_published(world):
    first, _ = worlds.publishers()
    tighten()
    seen = publish.pending().digest
    Surface.objects.filter(slug="pricing").update(tier_id="human_only")
    with pytest.raises(DraftChanged):
        publish.publish(by=first, seen=seen)


def test_an_earlier_version_comes_back_by_the_same_rule(world):
    first, second = worlds.publishers()
    old = publish.active_version()
    tighten()
    strict = publish.publish(by=first).version
    asked = publish.activate(version=old, by=first, note="Too strict.").asked
    assert publish.active_version() == strict
    agreement.agree(loosening_id=asked.pk, by=second)
    assert publish.active_version() == old
    assert publish.activate(version=strict, by=first).version == strict
    assert_invariants_hold()


def test_what_does_not_compile_or_fails_its_tests_is_not_published(world):
    first, _ = worlds.publishers()
    rule = Rule.objects.create(slug="typo", decision="deny", condition="amont > 5")
    with pytest.raises(PolicyInvalid, match="amount"):
        publish.publish(by=first)
    (problem,) = publish.pending().problems
    assert (problem.thing, problem.id, problem.field, problem.line, problem.column) == (
        "rule",
        "typo",
        "condition",
        1,
        1,
    )
    rule.condition = "amount > 5"
    rule.save()
    worlds.policy_test("all-pass", {"surface": "ads.budget", "amount": 10}, "require_approval")
    with pytest.raises(PolicyInvalid, match="all-pass"):
        publish.publish(by=first)


def test_a_requirement_that_nobody_can_meet_is_not_published(world):
    first, _ = worlds.publishers()
    worlds.requirement("ads.budget", "Legal")
    with pytest.raises(PolicyInvalid, match=r"Too few people can approve|No one has the"):
        publish.publish(by=first)


# The routes --------------------------------------------------------------------------------------


def test_no_form_of_the_admin_lets_one_person_loosen(world, root):
    """Whatever one person, even a superuser, saves and presses: what is in force stays as strict."""
    client = signed_in(root)
    kill_switches.engage(scope="everywhere", by=root, reason="Stop.")
    agents.suspend(agent=world.agent, by=root)
    mandate = Mandate.objects.get(surface="ads.budget")
    Mandate.objects.filter(pk=mandate.pk).update(tier_id="signature")
    was = publish.active_version()
    loosen()

    page = client.get(PUBLISH)
    client.post(PUBLISH, {"do": "publish", "seen": page.context["draft"].digest, "note": "Let me."})
    for row in Loosening.objects.all():
        client.post(PUBLISH, {"do": "agree", "loosening": row.pk})
    for version in PolicyVersion.objects.all():
        client.post(PUBLISH, {"do": "activate", "version": version.pk, "note": "Let me."})
    client.post("/admin/switches/release/everywhere/", {"note": "Let me."})
    client.post("/admin/policies/agent/pacer/status/", {"note": "Let me."})
    client.post(f"/admin/policies/mandate/{mandate.pk}/change/", {"tier": "autopilot", "note": "Let me."})
    client.post(f"/admin/policies/mandate/{mandate.pk}/delete/", {"post": "yes"})
    client.post(
        "/admin/policies/mandate/add/",
        {"agent": "pacer", "surface": "ads.budget", "tier": "autopilot", "note": "Let me."},
    )
    for row in Loosening.objects.all():
        client.post(PUBLISH, {"do": "agree", "loosening": row.pk})

    assert Loosening.objects.filter(status="waiting").count() == 4
    assert publish.active_version() == was
    assert KillSwitch.objects.get(scope="everywhere").is_engaged
    assert Agent.objects.get().status == "suspended"
    assert not Mandate.objects.filter(surface="ads.budget").exists()
    assert_invariants_hold()


def test_the_agents_own_form_neither_activates_it_nor_changes_its_mandates(world, root):
    agents.suspend(agent=world.agent, by=root)
    client = signed_in(root)
    sent: dict[str, Any] = {"name": "Pacer", "owner": world.agent.owner_id, "status": "active"}
    sent |= {"mandates-TOTAL_FORMS": 1, "mandates-INITIAL_FORMS": 0, "mandates-0-surface": "pricing"}
    sent |= {"mandates-0-tier": "autopilot", "keys-TOTAL_FORMS": 0, "keys-INITIAL_FORMS": 0}
    before = list(Mandate.objects.values_list("surface", "tier"))
    client.post("/admin/policies/agent/pacer/change/", sent)
    assert Agent.objects.get().status == "suspended"
    assert list(Mandate.objects.values_list("surface", "tier")) == before


def test_no_command_for_daily_use_loosens(world):
    """`bootstrap` on a portal with a policy and `policy apply` make drafts; no other command writes the policy."""
    loosen()
    was = publish.active_version()
    out = io.StringIO()
    call_command("bootstrap", stdout=out)
    assert "publish it in the admin" in out.getvalue()
    assert publish.active_version() == was
    ours = {name for name, app in get_commands().items() if app in {"approvals", "policies", "audit", "hitlportal"}}
    assert ours == {
        "bootstrap", "check_invariants", "create_agent", "demo", "make_signing_key", "policy", "play_stream", "serve",
        "ledger",  # reads the ledger, signs and prints
        "trust",  # reads a file and prints
        "backup", "kill_switch", "restore",  # a release takes two people there too
    }, "Does the new command loosen anything? Then say here that it does not."  # fmt: skip


def test_put_in_force_is_no_way_around(world):
    loosen()
    with pytest.raises(LooseningRefused):
        publish.put_in_force()


@pytest.mark.parametrize("change", [loosen, tighten])
def test_no_program_publishes_in_place_of_a_person(world, settings, change):
    """A second factor can be asked of people only, and only the pages ask."""
    settings.REQUIRE_SECOND_FACTOR = frozenset({"publish"})
    was = publish.active_version()
    assert publish.put_in_force() == was, "there is nothing to publish"
    change()
    with pytest.raises(LooseningRefused, match="people publish"):
        publish.put_in_force()
    out = io.StringIO()
    call_command("bootstrap", stdout=out)
    assert "publish it in the admin" in out.getvalue()
    assert publish.active_version() == was


def test_bootstrap_twice_publishes_once():
    bootstrap.bootstrap()
    Tier.objects.filter(slug="monitored").update(hold=0 * Tier.objects.get(slug="monitored").hold)
    done = bootstrap.bootstrap()
    assert done.is_draft
    assert PolicyVersion.objects.count() == 1


def test_the_asker_cannot_be_deleted_and_nobody_can_rewrite_a_request(world, root):
    first, second = worlds.publishers()
    loosen()
    asked = publish.publish(by=first, note="Batches are enough.").asked
    with pytest.raises(ProtectedError):
        first.delete()
    with pytest.raises(DatabaseError), transaction.atomic():
        Loosening.objects.filter(pk=asked.pk).update(asked_by=second)
    with pytest.raises(IntegrityError), transaction.atomic():
        Loosening.objects.filter(pk=asked.pk).update(status="done", answered_by=first)
    with pytest.raises(DatabaseError), transaction.atomic():
        Loosening.objects.filter(pk=asked.pk).delete()


def test_the_database_keeps_versions_and_activations(world):
    for table in ("policies_policyversion", "policies_activation"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {table}")


def test_a_mandate_that_was_taken_away_does_not_come_back_looser(world):
    first, second = worlds.publishers()
    surface, (strict, mild) = world.surfaces["ads.budget"], Tier.objects.filter(slug__in=["signature", "batch"])[::-1]
    given = mandates.give(agent=world.agent, surface=surface, tier=strict, by=first)
    assert given.tier == strict
    mandates.take_away(mandate=given, by=first)
    assert isinstance(mandates.give(agent=world.agent, surface=surface, tier=mild, by=first, note="Back."), Loosening)
    assert not Mandate.objects.filter(surface=surface).exists()
    asked = Loosening.objects.get(kind="mandate")
    assert agreement.agree(loosening_id=asked.pk, by=second).status == "done"
    assert Mandate.objects.get(surface=surface).tier == mild
    assert_invariants_hold()


def test_a_first_mandate_and_a_lower_one_act_at_once(world):
    first, _ = worlds.publishers()
    surface = world.surfaces["ads.budget"]
    other = Agent.objects.create(slug="writer", name="Writer", owner=world.owner)
    single, human = (Tier.objects.get(slug=slug) for slug in ("single", "human_only"))
    assert mandates.give(agent=other, surface=surface, tier=single, by=first).tier == single
    assert mandates.give(agent=other, surface=surface, tier=human, by=first).tier == human
    assert not Loosening.objects.exists()


@pytest.mark.parametrize("tier", ["autopilot", "monitored"])
def test_a_first_mandate_that_is_automatic_takes_two_people(world, tier):
    first, second = worlds.publishers()
    surface = world.surfaces["ads.budget"]
    other = Agent.objects.create(slug="writer", name="Writer", owner=world.owner)
    asked = mandates.give(agent=other, surface=surface, tier=Tier.objects.get(slug=tier), by=first, note="It can.")
    assert (asked.kind, asked.change["from"]) == ("mandate", "batch")
    assert not Mandate.objects.filter(agent=other).exists()
    agreement.agree(loosening_id=asked.pk, by=second)
    assert Mandate.objects.get(agent=other).tier_id == tier
    assert_invariants_hold()


def test_a_tier_that_is_strict_only_in_the_draft_is_no_way_around(world):
    first, _ = worlds.publishers()
    other = Agent.objects.create(slug="writer", name="Writer", owner=world.owner)
    Tier.objects.filter(slug="autopilot").update(posture="in", review="single", rank=35)
    autopilot = Tier.objects.get(slug="autopilot")
    surface = world.surfaces["ads.budget"]
    assert isinstance(mandates.give(agent=other, surface=surface, tier=autopilot, by=first, note="x"), Loosening)
    drafted = Tier.objects.create(slug="drafted", name="Drafted", rank=45, posture="in", review="single")
    with pytest.raises(LooseningRefused, match="draft"):
        mandates.give(agent=other, surface=surface, tier=drafted, by=first)
    assert not Mandate.objects.filter(agent=other).exists()


def test_a_switch_that_was_engaged_anew_is_not_released(world):
    first, second = worlds.publishers()
    kill_switches.engage(scope="everywhere", by=world.owner, reason="Stop.")
    asked = kill_switches.ask_release(scope="everywhere", by=first, note="It is over.")
    KillSwitch.objects.filter(scope="everywhere").update(is_engaged=False)
    kill_switches.engage(scope="everywhere", by=world.owner, reason="Not again!")
    assert agreement.agree(loosening_id=asked.pk, by=second).status == "outdated"
    assert KillSwitch.objects.get(scope="everywhere").is_engaged


def test_without_the_permission_there_is_no_page(world):
    client = signed_in(world.owner)
    assert client.get(PUBLISH).status_code == 403
    assert client.post(PUBLISH, {"do": "publish"}).status_code == 403
    assert "waits to be published" not in client.get("/admin/").content.decode()
    with pytest.raises(NotAllowed):
        publish.publish(by=world.owner)


@pytest.mark.parametrize("what", ["mandate", "suspended", "switch"])
@pytest.mark.parametrize("who", ["owner", "issuer"])
def test_who_is_behind_an_agent_does_not_agree_that_it_is_trusted_more(world, what, who):
    first, second = worlds.publishers()
    if who == "owner":
        Agent.objects.update(owner=second)
    else:
        agreement.agree(loosening_id=agents.ask_key(agent=world.agent, by=second, note="To try it.").pk, by=first)
        agents.issue_key(agent=world.agent, by=second)
    match what:
        case "mandate":
            Mandate.objects.update(tier_id="single")
            autopilot = Tier.objects.get(slug="autopilot")
            surface = world.surfaces["ads.budget"]
            asked = mandates.give(
                agent=world.agent, surface=surface, tier=autopilot, by=first, note="It has earned it."
            )
        case "suspended":
            agents.suspend(agent=world.agent, by=first)
            asked = agents.ask_activation(agent=world.agent, by=first, note="It is mended.")
        case _:
            kill_switches.engage(scope="agent:pacer", by=first, reason="Stop.")
            asked = kill_switches.ask_release(scope="agent:pacer", by=first, note="It is mended.")
    with pytest.raises(NotAllowed, match="answer for this agent"):
        agreement.agree(loosening_id=asked.pk, by=second)
    third = worlds.person("third", permissions=worlds.PUBLISHING)
    assert agreement.agree(loosening_id=asked.pk, by=third).status == "done"
    assert_invariants_hold()
