"""Somebody pulls the kill switch in the browser, and what was approved does not ship."""

import pytest
from playwright.sync_api import expect

from approvals.models import Dispatch
from approvals.shipping import claims
from tests.browser.conftest import OpenAs
from tests.world import World


@pytest.mark.parametrize("has_javascript", [True, False])
def test_what_is_stopped_does_not_ship(open_as: OpenAs, world: World, has_javascript: bool) -> None:
    for title in ("First", "Second"):
        world.approve(world.propose(title=title))
    page = open_as("boss", "/admin/", java_script_enabled=has_javascript)
    page.get_by_role("link", name="Stop shipping").click()
    page.get_by_label("What stops").select_option("surface:pricing")
    if has_javascript:
        expect(page.locator("#numbers")).to_contain_text("0 approved actions would be held")
    page.get_by_label("What stops").select_option("surface:ads.budget")
    if has_javascript:
        expect(page.locator("#numbers")).to_contain_text("2 approved actions would be held")
    else:
        page.get_by_text("What is on its way").click()
        expect(page.get_by_role("row", name="Surface ads.budget")).to_contain_text("2")
    page.get_by_role("button", name="Stop shipping").click()
    expect(page.get_by_text("This field is required.")).to_be_visible()
    page.wait_for_load_state("networkidle")  # the page asks for the numbers; htmx calls what is cut short an error
    page.get_by_label("Why").fill("Wrong budgets.")
    page.get_by_role("button", name="Stop shipping").click()

    bar = page.get_by_role("complementary", name="Kill switch")
    expect(bar).to_contain_text("Shipping on ads.budget is stopped.")
    expect(bar).to_contain_text("Wrong budgets.")
    assert bar.evaluate("bar => getComputedStyle(bar).backgroundColor") == "rgb(179, 24, 31)"
    for place in ("/admin/", "/admin/approvals/proposal/", "/admin/policies/publish/"):
        page.goto(place)
        expect(bar).to_contain_text("Shipping on ads.budget is stopped.")
    assert claims.claim_next(worker="test", kind="webhook") is None
    assert Dispatch.objects.filter(status="waiting").count() == 2
