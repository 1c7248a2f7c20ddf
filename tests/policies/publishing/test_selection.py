"""Publishing some changes of a draft: what goes together, and by what each selection is judged."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from policies.comparison import compare
from policies.models import Loosening, PolicyTest, PolicyVersion, Rule, Surface, Tier
from policies.publishing import drafts, publish, selection
from policies.publishing.publish import DraftChanged, PolicyInvalid
from policies.registry import agreement
from tests import world as worlds
from tests.proofs import assert_invariants_hold
from tests.world import World

pytestmark = pytest.mark.django_db
PUBLISH = "/admin/policies/publish/"
TIGHTER = "surface:ads.budget:undo_window"
LOOSER = "surface:ads.budget:tier"


@pytest.fixture
def world() -> World:
    return worlds.build()


@pytest.fixture
def person(world: World) -> User:
    return worlds.publishers()[0]


def change_both() -> None:
    """Tighten and loosen one surface in the same draft."""
    Surface.objects.filter(slug="ads.budget").update(tier_id="batch", undo_window="1:00:00")


def in_force() -> dict:
    version = publish.active_version()
    assert version is not None
    return version.document


def left() -> set[str]:
    return {*selection.parts(in_force(), publish.document())}


def test_a_tightening_is_published_alone_and_the_rest_stays_a_draft(world, person):
    change_both()
    tables = publish.document()
    seen = drafts.selected(publish.pending(), [TIGHTER]).draft.digest
    done = publish.publish(by=person, chosen=[TIGHTER], seen=seen)
    assert done.version == publish.active_version()
    row = in_force()["surfaces"]["ads.budget"]
    assert (row["tier"], row["undo_window"]) == ("single", 3600)
    assert (publish.document(), left()) == (tables, {LOOSER})
    assert publish.active_policy().surfaces["ads.budget"].tier.slug == "single"
    assert_invariants_hold()


def test_the_rest_of_a_draft_names_its_authors_though_a_part_came_first(world, person):
    surface = Surface.objects.get(slug="ads.budget")
    surface._history_user = worlds.person("writer")
    surface.tier_id, surface.undo_window = "signature", timedelta(hours=1)
    surface.save()
    for chosen in ([TIGHTER], ()):
        version = publish.publish(by=person, chosen=chosen).version
        assert (version.is_part, "writer" in version.written_by) == (bool(chosen), True)
    surface.undo_window = timedelta(hours=2)
    surface._history_user = worlds.person("another-writer")
    surface.save()
    assert publish.publish(by=person).version.written_by == "another-writer"


@pytest.mark.parametrize("chosen", [[LOOSER], [LOOSER, TIGHTER]])
def test_a_selection_that_loosens_takes_a_second_person(world, person, chosen):
    change_both()
    done = publish.publish(by=person, chosen=chosen, note="Batches will do.")
    assert (done.version, in_force()["surfaces"]["ads.budget"]["tier"]) == (None, "single")
    agreed = agreement.agree(loosening_id=done.asked.pk, by=worlds.publishers()[1])
    assert (agreed.status, in_force()["surfaces"]["ads.budget"]["tier"]) == ("done", "batch")
    assert left() == {TIGHTER} - {*chosen}
    assert_invariants_hold()


def test_what_was_asked_for_is_outdated_once_part_of_the_draft_is_in_force(world, person):
    change_both()
    asked = publish.publish(by=person, note="All of it.").asked
    publish.publish(by=person, chosen=[TIGHTER])
    agreed = agreement.agree(loosening_id=asked.pk, by=worlds.publishers()[1])
    assert (agreed.status, left()) == ("outdated", {LOOSER})


def test_another_selection_than_the_one_on_the_screen_is_refused(world, person):
    change_both()
    with pytest.raises(DraftChanged):
        publish.publish(by=person, chosen=[TIGHTER], seen=publish.pending().digest)
    with pytest.raises(DraftChanged, match="waiting any more"):
        publish.publish(by=person, chosen=["surface:pricing:tier"])


def test_all_parts_together_are_the_whole_draft(world):
    change_both()
    Tier.objects.create(slug="double", name="Double", rank=35, posture="in", review="single")
    Rule.objects.create(slug="large", decision="require_approval", condition="amount > 5", tier_id="double")
    worlds.requirement("pricing", "Legal")
    whole = publish.pending()
    known = selection.parts(whole.base.document, whole.document)
    assert drafts.selected(whole, known).draft.digest == whole.digest
    assert selection.document(whole.base.document, whole.document, ()) == whole.base.document
    named = {selection.part_of(change, known) for change in compare(whole.base.document, whole.document)}
    assert named - {""} == {*known}


def test_a_rule_brings_the_tier_that_it_names(world, person):
    change_both()
    Tier.objects.create(slug="double", name="Double", rank=35, posture="in", review="single")
    Rule.objects.create(slug="large", decision="require_approval", condition="amount > 5", tier_id="double")
    found = drafts.selected(publish.pending(), ["rule:large"])
    assert (found.parts, dict(found.together)) == (("tier:double", "rule:large"), {"tier:double": "rule:large"})
    assert not found.draft.faults
    publish.publish(by=person, chosen=["rule:large"])
    assert {*in_force()["rules"]} == {"large"} and "double" in in_force()["tiers"]
    assert left() == {TIGHTER, LOOSER}


def test_a_tier_goes_only_with_what_named_it(world):
    Tier.objects.create(slug="double", name="Double", rank=35, posture="in", review="single")
    Surface.objects.filter(slug="pricing").update(senior_tier_id="double")
    worlds.publish()
    Surface.objects.filter(slug="pricing").update(senior_tier_id="signature")
    Tier.objects.get(slug="double").delete()
    found = drafts.selected(publish.pending(), ["tier:double"])
    assert dict(found.together) == {"surface:pricing:senior_tier": "tier:double"}
    assert not found.draft.faults


def test_a_condition_brings_the_parameter_that_it_reads(world):
    Surface.objects.filter(slug="ads.budget").update(params={"weekly": 1000})
    Rule.objects.create(slug="share", decision="require_approval", condition="amount > params.weekly")
    found = drafts.selected(publish.pending(), ["rule:share"])
    assert dict(found.together) == {"surface:ads.budget:params": "rule:share"}


def test_a_test_that_would_fail_brings_its_own_change(world, person):
    PolicyTest.objects.create(
        slug="budget", facts={"surface": "ads.budget"}, outcome="require_approval", tier="single", deciding="ads.budget"
    )
    worlds.publish()
    Surface.objects.filter(slug="ads.budget").update(tier_id="signature", undo_window="1:00:00")
    PolicyTest.objects.filter(slug="budget").update(tier="signature")
    found = drafts.selected(publish.pending(), [LOOSER])
    assert dict(found.together) == {"test:budget": "The test budget fails."}
    assert [result.is_passed for result in found.draft.results] == [True]


def test_a_selection_with_a_fault_is_not_published(world, person):
    change_both()
    Rule.objects.create(slug="typo", decision="deny", condition="amont > 5")
    with pytest.raises(PolicyInvalid):
        publish.publish(by=person, chosen=["rule:typo"])
    assert publish.publish(by=person, chosen=[TIGHTER]).version is not None


def test_the_page_publishes_the_chosen_changes(world, person):
    change_both()
    client = Client()
    client.force_login(person)
    page = client.get(PUBLISH).content.decode()
    assert f'name="only" value="{TIGHTER}"' in page and f'name="only" value="{LOOSER}"' in page
    chosen = client.get(PUBLISH, {"only": TIGHTER})
    text = chosen.content.decode()
    assert "Stays a draft" in text and "tier single → batch" in text
    assert "you can publish it alone" in text and "This relaxes the policy" not in text
    form = {"do": "publish", "only": [TIGHTER], "seen": chosen.context["draft"].digest}
    text = client.post(PUBLISH, form, follow=True).content.decode()
    assert "is in force." in text and "tier single → batch" in text
    assert Loosening.objects.filter(status="waiting").count() == 0
    assert PolicyVersion.objects.latest("number").created_by == person


def test_the_page_keeps_the_choice_where_it_is_refused(world, person):
    change_both()
    client = Client()
    client.force_login(person)
    answer = client.post(PUBLISH, {"do": "publish", "only": [LOOSER], "note": ""})
    assert answer.url == f"{PUBLISH}?only=surface%3Aads.budget%3Atier"
