"""A role tunes surfaces of its own, and nobody widens that reach alone."""

import pytest
from django.contrib.auth.models import Group, User

from audit.models import Entry
from policies.accounts import tuning
from policies.models import AccessChange, Escalation, Limit, Loosening, Requirement, Surface, Tuning
from policies.publishing import publish
from policies.publishing.loosenings import LooseningRefused, NotAllowed
from policies.registry import agreement
from tests import world as worlds
from tests.proofs import assert_invariants_hold
from tests.world import OWNER, World

pytestmark = pytest.mark.django_db
CREW = "Budget crew"


@pytest.fixture
def world() -> World:
    return worlds.build()


@pytest.fixture
def tuner(world: World) -> User:
    """Somebody whose role tunes ads.budget, and who may do nothing else with the policy."""
    crew = Group.objects.create(name=CREW)
    person = worlds.person("tuner")
    person.groups.add(crew)
    give(crew)
    return User.objects.get(pk=person.pk)


def give(role: Group, surface: str = "ads.budget") -> Loosening:
    first, second = worlds.publishers()
    row = Surface.objects.get(pk=surface)
    asked = tuning.ask(role=role, surface=row, by=first, note="They know it best.")
    return agreement.agree(loosening_id=asked.pk, by=second)


def again(person: User) -> User:
    """The person with the permissions of now."""
    return User.objects.get(pk=person.pk)


def change(surface: str = "ads.budget", **fields: object) -> None:
    Surface.objects.filter(pk=surface).update(**fields)


def second() -> User:
    return worlds.publishers()[1]


def test_a_role_asked_for_tunes_nothing_until_somebody_else_agrees(world):
    crew = Group.objects.create(name=CREW)
    person = worlds.person("tuner")
    person.groups.add(crew)
    first, other = worlds.publishers()
    row = Surface.objects.get(pk="ads.budget")
    with pytest.raises(LooseningRefused, match="Say why"):
        tuning.ask(role=crew, surface=row, by=first, note=" ")
    with pytest.raises(NotAllowed):
        tuning.ask(role=crew, surface=row, by=person, note="Let me.")
    asked = tuning.ask(role=crew, surface=row, by=first, note="They know it best.")
    with pytest.raises(NotAllowed):
        agreement.agree(loosening_id=asked.pk, by=first)
    assert tuning.surfaces_of(again(person)) == frozenset()
    assert agreement.agree(loosening_id=asked.pk, by=other).status == "done"
    assert tuning.surfaces_of(again(person)) == {"ads.budget"}
    with pytest.raises(LooseningRefused, match="already"):
        tuning.ask(role=crew, surface=row, by=first, note="Again.")
    assert Entry.objects.filter(kind="tuning.given", subject=f"group:{crew.pk}").count() == 1


def test_taking_the_right_away_binds_at_once_and_alone(world, tuner):
    change(tier_id="signature")
    tuning.take_away(tuning=Tuning.objects.get(), by=worlds.publishers()[0])
    assert not again(tuner).has_perm(tuning.TUNE)
    with pytest.raises(NotAllowed):
        publish.publish(by=again(tuner))
    assert Entry.objects.filter(kind="tuning.taken_away").count() == 1


def test_a_tuner_publishes_alone_what_tightens_their_surface(world, tuner):
    change(tier_id="signature", confidence_high=0.95, deadline="02:00:00")
    Requirement.objects.create(surface_id="ads.budget", name="Money", role=Group.objects.get(name=OWNER), approvals=2)
    limit = {"measure": "count", "per": "surface", "window": "day", "limit": 20, "effect": "deny"}
    Limit.objects.create(slug="budget-a-day", surfaces=["ads.budget"], **limit)
    assert publish.publish(by=tuner).version == publish.active_version()
    assert publish.active_policy().surfaces["ads.budget"].tier.slug == "signature"
    assert_invariants_hold()


@pytest.mark.parametrize(
    "fields",
    [{"tier_id": "batch"}, {"owner_id": CREW}, {"confidence_high": 0.6}, {"deadline": "9 00:00:00"}],
    ids=["tier", "owner", "confidence", "deadline"],
)
def test_what_loosens_their_surface_waits_for_a_second_person(world, tuner, fields):
    change(**fields)
    before = publish.active_version()
    asked = publish.publish(by=tuner, note="We have enough people.").asked
    assert asked.status == "waiting"
    assert publish.active_version() == before
    with pytest.raises(NotAllowed):
        agreement.agree(loosening_id=asked.pk, by=tuner)
    assert agreement.agree(loosening_id=asked.pk, by=second()).status == "done"
    assert publish.active_version() != before
    assert_invariants_hold()


@pytest.mark.parametrize(
    "decider",
    [
        lambda role: Requirement(surface_id="ads.budget", name="Money", role=role),
        lambda role: Escalation(surface_id="ads.budget", level=1, role=role, after="01:00:00", widens=True),
    ],
    ids=["requirement", "escalation"],
)
def test_their_own_role_decides_only_once_a_second_person_agrees(world, tuner, decider):
    decider(Group.objects.get(name=CREW)).save()
    before = publish.active_version()
    assert publish.publish(by=tuner, note="We are there at night.").asked
    assert publish.active_version() == before


@pytest.mark.parametrize(
    ("surface", "fields", "sentence"),
    [
        ("pricing", {"confidence_low": 0.8}, "`pricing`: confidence low 0.5 → 0.8"),
        ("ads.budget", {"floor_id": "single"}, "`ads.budget`: floor"),
        ("ads.budget", {"connector_id": None}, "`ads.budget`: connector"),
        ("ads.budget", {"payload_schema": {"type": "object"}}, "`ads.budget`: payload schema"),
        ("ads.budget", {"agent_owner_may_decide": True}, "`ads.budget`: agent owner may decide"),
        ("ads.budget", {"editor_may_approve": True}, "`ads.budget`: editor may approve"),
        ("ads.budget", {"is_enabled": False}, "`ads.budget`: is enabled"),
    ],
)
def test_a_draft_with_a_foreign_change_is_refused_with_its_name(world, tuner, surface, fields, sentence):
    before = publish.active_version()
    change(tier_id="signature")
    change(surface, **fields)
    with pytest.raises(NotAllowed, match=sentence):
        publish.publish(by=tuner, note="All of it.")
    assert publish.active_version() == before
    assert not Loosening.objects.filter(kind="publish").exists()


def test_their_own_part_of_a_mixed_draft_is_published_alone(world, tuner):
    change(tier_id="signature")
    change("pricing", tier_id="batch")
    publish.publish(by=tuner, chosen=["surface:ads.budget:tier"])
    policy = publish.active_policy()
    assert policy.surfaces["ads.budget"].tier.slug == "signature"
    assert policy.surfaces["pricing"].tier.slug != "batch"
    with pytest.raises(NotAllowed, match="pricing"):
        publish.publish(by=tuner, chosen=["surface:pricing:tier"], note="That too.")


def test_a_limit_that_reaches_other_surfaces_is_foreign(world, tuner):
    limit = {"measure": "count", "per": "surface", "window": "day", "limit": 20, "effect": "deny"}
    row = Limit.objects.create(slug="a-day", surfaces=["ads.budget"], **limit)
    publish.publish(by=tuner)
    for surfaces in ([], ["ads.*"], ["ads.budget", "pricing"]):
        Limit.objects.filter(pk=row.pk).update(surfaces=surfaces)
        with pytest.raises(NotAllowed, match="a-day"):
            publish.publish(by=tuner, note="More.")


def test_a_request_of_somebody_who_tunes_no_longer_comes_to_nothing(world, tuner):
    change(tier_id="batch")
    asked = publish.publish(by=tuner, note="We have enough people.").asked
    tuning.take_away(tuning=Tuning.objects.get(), by=worlds.publishers()[0])
    assert agreement.agree(loosening_id=asked.pk, by=second()).status == "outdated"


def test_a_tuner_overtakes_nobody_elses_request(world, tuner):
    first, _second = worlds.publishers()
    change("pricing", deadline="9 00:00:00")
    asked = publish.publish(by=first, note="Small steps.").asked
    change(tier_id="batch")
    with pytest.raises(LooseningRefused, match="answered first"):
        publish.publish(by=tuner, chosen=["surface:ads.budget:tier"], note="Ours.")
    asked.refresh_from_db()
    assert asked.status == "waiting"


def test_an_earlier_version_is_not_theirs_to_activate(world, tuner):
    earlier = publish.active_version()
    change(tier_id="signature")
    publish.publish(by=tuner)
    with pytest.raises(NotAllowed):
        publish.activate(version=earlier, by=tuner, note="Back.")


def test_another_person_in_the_role_takes_two_people(world, tuner):
    crew, newcomer = Group.objects.get(name=CREW), worlds.person("newcomer")
    assert tuning.change_people(role=crew, by=tuner, joining=newcomer, note="She knows budgets.")
    assert tuning.surfaces_of(again(newcomer)) == frozenset()
    asked = Loosening.objects.get(kind="person")
    with pytest.raises(NotAllowed):
        agreement.agree(loosening_id=asked.pk, by=tuner)
    assert agreement.agree(loosening_id=asked.pk, by=second()).status == "done"
    assert tuning.surfaces_of(again(newcomer)) == {"ads.budget"}


def test_a_person_leaves_the_role_at_once(world, tuner):
    crew, leaver = Group.objects.get(name=CREW), worlds.person("leaver")
    leaver.groups.add(crew)
    assert not tuning.change_people(role=crew, by=tuner, leaving=[leaver], joining=None, note="")
    assert tuning.surfaces_of(again(leaver)) == frozenset()
    change = AccessChange.objects.filter(subject=f"user:{leaver.pk}").latest("id")
    assert (change.before["roles"], change.after["roles"], change.by) == ([CREW], [], tuner)


def test_people_of_another_role_are_not_theirs(world, tuner):
    other, newcomer = Group.objects.create(name="Finance crew"), worlds.person("newcomer")
    tuner.groups.add(other)
    with pytest.raises(NotAllowed):
        tuning.change_people(role=other, by=again(tuner), joining=newcomer, note="Please.")
    tuner.groups.remove(Group.objects.get(name=CREW))
    with pytest.raises(NotAllowed):
        tuning.change_people(role=Group.objects.get(name=CREW), by=again(tuner), joining=again(tuner), note="Me again.")
    assert not Loosening.objects.filter(kind="person").exists()
