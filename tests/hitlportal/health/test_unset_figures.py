"""The health page says which figures the policy in force waits for."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests import world as worlds
from tests.world import World, rule

pytestmark = pytest.mark.django_db
PAGE = "/admin/health/"


@pytest.fixture
def world() -> World:
    return worlds.build()


@pytest.fixture
def root() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def test_a_figure_that_is_not_set_needs_a_look_until_it_is_published(world, root):
    over_a_tenth = {"over-a-tenth": rule("amount > 0.1 * params.weekly_budget")}
    world.enforce(rules=over_a_tenth)
    page = root.get(PAGE).content.decode()
    assert "weekly_budget is not set" in page
    assert "over-a-tenth" in page
    assert "Something needs attention." in page
    assert root.get("/admin/policies/surface/ads.budget/change/").status_code == 200
    assert 'href="/admin/policies/surface/ads.budget/change/"' in page
    surfaces = {slug: {"params": {"weekly_budget": 40000}} for slug in world.surfaces}
    world.enforce(rules=over_a_tenth, surfaces=surfaces)
    assert "Policy in force" not in root.get(PAGE).content.decode()


def test_a_portal_without_a_policy_asks_for_no_figure(root):
    assert "Policy in force" not in root.get(PAGE).content.decode()
