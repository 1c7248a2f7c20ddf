"""The pages of somebody whose role tunes one surface; wide and on a phone."""

import os
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import Group, User
from playwright.sync_api import Page, expect

from policies.accounts import tuning
from policies.models import Surface
from policies.registry import agreement
from tests import world as worlds
from tests.browser.conftest import DESK, PHONE, OpenAs
from tests.world import World

CREW = "Budget crew"
SCREENS = [
    pytest.param({"viewport": DESK, "color_scheme": "light"}, id="wide-light"),
    pytest.param({"viewport": PHONE, "color_scheme": "dark"}, id="phone-dark"),
]


def look(page: Page, name: str) -> None:
    """Check that nothing is wider than the screen and that axe finds nothing."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
    # Reading Django's style sheets again, axe would look for what they import beside the page.
    assert Axe().run(page, options={"preload": False}).response["violations"] == [], name
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.fixture
def tuner(world: World) -> User:
    crew = Group.objects.create(name=CREW)
    for name in ("tuner", "leaver", "newcomer"):
        person = worlds.person(name)
        if name != "newcomer":
            person.groups.add(crew)
    first, second = worlds.publishers()
    row = Surface.objects.get(pk="ads.budget")
    asked = tuning.ask(role=crew, surface=row, by=first, note="They know it best.")
    agreement.agree(loosening_id=asked.pk, by=second)
    return User.objects.get(username="tuner")


@pytest.mark.parametrize("screen", SCREENS)
def test_tune_a_surface_publish_it_and_staff_the_role(
    open_as: OpenAs, tuner: User, screen: Any, request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.id
    page = open_as(tuner, "/admin/policies/surface/ads.budget/change/", **screen)
    look(page, f"surface-{name}")
    expect(page.get_by_label("Floor:")).to_have_count(0)
    page.get_by_label("Tier:", exact=True).select_option("batch")
    page.get_by_role("button", name="Save", exact=True).click()
    page.goto("/admin/policies/publish/")
    look(page, f"publish-{name}")
    page.get_by_label("Why").first.fill("We have enough people.")
    page.get_by_role("button", name="Ask a second person").click()
    expect(page.get_by_role("heading", name="needs a second person")).to_be_visible()
    page.goto(f"/admin/auth/group/{Group.objects.get(name=CREW).pk}/change/")
    look(page, f"role-{name}")
    page.get_by_label("leaver").uncheck()
    page.get_by_label("Add:").select_option(label="newcomer")
    page.get_by_label("Why:").fill("She knows budgets.")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Asked. It stays as it was")).to_be_visible()
    assert sorted(User.objects.filter(groups__name=CREW).values_list("username", flat=True)) == ["tuner"]
