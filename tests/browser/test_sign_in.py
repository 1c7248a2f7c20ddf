"""Signing in with a second factor, in a real browser under the portal's strict policy."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from playwright.sync_api import Page, expect

from approvals.models import Decision
from audit.models import Entry
from policies.accounts import second_factor
from tests import factors
from tests.browser.conftest import PASSWORD, PHONE
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)

OpenAs = Callable[..., Page]
VIRTUAL = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


@pytest.fixture(autouse=True)
def forgotten_attempts(world: World) -> None:
    cache.clear()


def with_passkeys(page: Page) -> Any:
    """Give the browser a device that makes passkeys; return the session that controls it."""
    control = page.context.new_cdp_session(page)
    control.send("WebAuthn.enable")
    control.send("WebAuthn.addVirtualAuthenticator", {"options": VIRTUAL})
    return control


def sign_in(page: Page, username: str = "boss") -> None:
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def confirm(page: Page) -> None:
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()


@pytest.mark.parametrize("viewport", [None, PHONE], ids=["desk", "phone"])
def test_an_app_is_set_up_and_signs_in(open_as: OpenAs, viewport: dict[str, int] | None) -> None:
    options = {"viewport": viewport} if viewport else {}
    page = open_as(None, "/accounts/login/", **options)
    sign_in(page)
    page.goto("/account/")
    page.get_by_role("link", name="Set up an app").click()
    confirm(page)
    expect(page.locator(".qr svg")).to_be_visible()
    secret = page.locator(".key").inner_text()
    page.get_by_label("Code").fill(factors.code(secret))
    page.get_by_role("button", name="Turn it on").click()
    expect(page.locator(".codes li")).to_have_count(10)
    assert second_factor.kinds(User.objects.get(username="boss")) == {"totp", "recovery_codes"}

    other = open_as(None, "/accounts/login/", **options)
    sign_in(other)
    other.get_by_label("Code from your app").fill(factors.code(secret, steps=1))
    other.get_by_role("button", name="Sign in", exact=True).click()
    other.wait_for_url("**/admin/**")
    assert other.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_passkey_is_made_signs_in_and_signs(open_as: OpenAs, world: World) -> None:
    proposal = world.propose("pricing")
    page = open_as(None, "/accounts/login/")
    control = with_passkeys(page)
    sign_in(page)
    page.goto("/account/passkeys/add/")
    confirm(page)
    page.get_by_label("Name").fill("Work laptop")
    page.get_by_role("button", name="Add the passkey").click()
    page.wait_for_url("**/account/codes/")
    page.goto("/account/")
    expect(page.get_by_text("Work laptop", exact=True).first).to_be_visible()

    page.context.clear_cookies()
    page.goto("/accounts/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/admin/**")
    told = Entry.objects.filter(kind="user.signed_in").latest("pk")
    assert told.data == {"with": ["webauthn"]}

    page.goto(f"/admin/approvals/proposal/{proposal.pk}/")
    form = page.locator("form.approve")
    form.get_by_label("Why you approve it").fill("It pays.")
    form.get_by_label("Your password").fill(PASSWORD)
    form.get_by_role("button", name="Use your passkey instead").click()
    expect(form.get_by_text("Your passkey is accepted")).to_be_visible()
    form.get_by_role("button", name="Sign and approve").click()
    expect(page.get_by_text("Approved.").first).to_be_visible()
    assert Decision.objects.get().is_signed
    control.detach()


def test_after_the_password_a_passkey_is_the_second_step(open_as: OpenAs) -> None:
    page = open_as(None, "/accounts/login/")
    with_passkeys(page)
    sign_in(page)
    page.goto("/account/passkeys/add/")
    confirm(page)
    page.get_by_role("button", name="Add the passkey").click()
    page.wait_for_url("**/account/codes/")
    page.context.clear_cookies()
    page.goto("/accounts/login/")
    sign_in(page)
    page.get_by_role("button", name="Use your passkey").click()
    page.wait_for_url("**/admin/**")


def test_without_javascript_nothing_is_offered_that_does_not_work(open_as: OpenAs) -> None:
    page = open_as(None, "/accounts/login/", java_script_enabled=False)
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()
    factors.enrol(User.objects.get(username="boss"))
    sign_in(page)
    page.get_by_label("Code from your app").fill(factors.code())
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/admin/**")


def test_another_browser_is_signed_out_from_the_list(open_as: OpenAs) -> None:
    lost = open_as(None, "/accounts/login/")
    sign_in(lost)
    page = open_as(None, "/accounts/login/")
    sign_in(page)
    page.goto("/admin/")
    page.get_by_role("link", name="Account", exact=True).click()
    page.get_by_role("link", name="See and end them").click()
    page.get_by_role("button", name="Sign out there").click()
    expect(page.get_by_text("Signed out there.")).to_be_visible()
    lost.goto("/admin/")
    lost.wait_for_url("**/accounts/login/**")
    page.goto("/admin/")
    assert page.url.endswith("/admin/")
