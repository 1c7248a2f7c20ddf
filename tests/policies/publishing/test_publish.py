"""The engine reads what was published, and nothing else."""

import pytest

from audit import canonical
from audit.models import Entry
from policies.engine.policy import EMPTY
from policies.models import Activation, PolicyVersion, Surface
from policies.publishing import publish
from tests import world as worlds
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return worlds.build()


def test_before_anything_is_published_nothing_is_known():
    assert publish.active_policy() is EMPTY


def test_what_is_edited_counts_once_it_is_published(world):
    Surface.objects.filter(slug="ads.budget").update(tier_id="signature")
    assert world.propose().tier_id == "single"
    version = worlds.publish()
    proposal = world.propose()
    assert proposal.tier_id == "signature"
    assert (proposal.verdict.policy_version_id, proposal.verdict.policy_digest) == (version.number, version.digest)


def test_publishing_the_same_again_makes_no_version(world):
    count = PolicyVersion.objects.count()
    assert worlds.publish() == worlds.publish()
    assert PolicyVersion.objects.count() == Activation.objects.count() == count


def test_a_version_is_named_by_its_digest_and_told(world):
    version = PolicyVersion.objects.first()
    version.refresh_from_db()
    assert canonical.digest(canonical.encode(version.document)) == version.digest
    entry = Entry.objects.filter(kind="policy.activated").latest("id")
    assert (entry.subject, entry.data) == (f"policy_version:{version.number}", {"digest": version.digest})


def test_what_comes_back_from_the_document_is_what_the_tables_say(world):
    active = publish.active_policy()
    for slug, surface in active.surfaces.items():
        row = Surface.objects.get(slug=slug)
        assert (surface.tier.slug, surface.floor.slug, surface.senior_tier.slug) == (
            row.tier_id, row.floor_id, row.senior_tier_id,
        )  # fmt: skip
        assert (surface.deadline, surface.undo_window, surface.retention) == (
            row.deadline, row.undo_window, row.retention,
        )  # fmt: skip
        assert (surface.owner, surface.connector) == (row.owner_id, row.connector_id)
    assert active.single.slug == "single"
