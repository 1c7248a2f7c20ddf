"""The account page with an identity provider, and the overview with what nobody can approve, for every eye and ear."""

import os

import pytest
from allauth.socialaccount.models import SocialAccount
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.core.cache import cache
from playwright.sync_api import Page, expect

from hitlportal.environment.sign_in import OpenIdConnect
from tests.browser.conftest import DESK, PHONE, OpenAs
from tests.browser.test_accessibility import AXE
from tests.browser.test_notices import fits
from tests.world import World

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]
SHOTS = os.environ.get("SCREENSHOTS", "")
LOOKS = [
    pytest.param("light", DESK, id="light-desk"),
    pytest.param("dark", DESK, id="dark-desk"),
    pytest.param("light", PHONE, id="light-phone"),
]


@pytest.fixture
def oidc(settings) -> OpenIdConnect:
    settings.OIDC = OpenIdConnect(
        issuer="https://id.example.com", client_id="portal", client_secret="a secret", name="Staff sign-in",
        groups_claim="groups", group_map={}, admits_unmapped=False,
    )  # fmt: skip
    return settings.OIDC


def look(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)
    assert fits(page), f"{name} scrolls sideways"
    found = Axe().run(page, options=AXE).response["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []


@pytest.mark.parametrize(("scheme", "size"), LOOKS)
def test_connecting_and_disconnecting_can_be_seen_by_everybody(world: World, open_as: OpenAs, oidc, scheme, size):
    page = open_as(world.owner, "/account/", viewport=size, color_scheme=scheme, bypass_csp=True)
    expect(page.get_by_role("button", name="Connect Staff sign-in")).to_be_visible()
    look(page, f"account-connect-{scheme}-{size['width']}")
    SocialAccount.objects.create(user=world.owner, provider=oidc.provider_id, uid="person-1")
    page.reload()
    page.get_by_role("link", name="Disconnect Staff sign-in").click()
    expect(page.get_by_role("button", name="Disconnect")).to_be_visible()
    look(page, f"account-disconnect-{scheme}-{size['width']}")


@pytest.mark.parametrize(("scheme", "size"), LOOKS)
def test_what_nobody_can_approve_can_be_seen_by_everybody(world: World, open_as: OpenAs, scheme, size):
    cache.clear()
    row = {"surface": "ads.budget", "tier": None, "stage": 1, "name": "brand", "role": "Brand", "approvals": 1}
    world.enforce(requirements=[row | {"denials": 1}])
    for title in ("Move $4,000 from Search to Social", "Shift the rest of the quarter’s budget to the spring launch"):
        world.propose(title=title)
    page = open_as(
        User.objects.create_superuser("root"), "/admin/", viewport=size, color_scheme=scheme, bypass_csp=True
    )
    section = page.get_by_role("region", name="2 proposals that nobody can approve")
    expect(section.get_by_text("Wants Brand.")).to_have_count(2)
    expect(section.get_by_role("link", name="Give the role to somebody")).to_be_visible()
    look(page, f"home-stuck-{scheme}-{size['width']}")
    section.get_by_role("link", name="Move $4,000").click()
    expect(page.get_by_text("No one is able to approve this")).to_be_visible()
