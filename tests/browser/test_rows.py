"""The rows of a proposal in a browser: nothing for axe to find, light and dark, and nothing wider than a phone."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.approvals.uploads import bulk
from tests.browser.conftest import DESK, PHONE, OpenAs
from tests.world import World


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_rows_are_accessible_and_fit_a_phone(open_as: OpenAs, world: World, scheme: str) -> None:
    bulk.surface(world)
    proposal = bulk.propose(world, bulk.upload(world, 400))
    # Axe is put into the page, which the portal's own policy would forbid.
    page = open_as("channel-owner", f"/admin/approvals/proposal/{proposal.pk}/", color_scheme=scheme, bypass_csp=True)
    for address in (page.url, f"/admin/approvals/proposal/{proposal.pk}/rows/rows/"):
        page.set_viewport_size(DESK)
        page.goto(address)
        found = Axe().run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], address
        page.set_viewport_size(PHONE)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], address


def test_a_row_is_looked_for_without_a_script(open_as: OpenAs, world: World) -> None:
    bulk.surface(world)
    proposal = bulk.propose(world, bulk.upload(world, 400))
    page = open_as("channel-owner", f"/admin/approvals/proposal/{proposal.pk}/", java_script_enabled=False)
    page.get_by_role("link", name="Look at all rows, or leave some out").click()
    page.get_by_role("link", name="Later rows").click()
    expect(page.get_by_text("Rows 51 to 100 of 400")).to_be_visible()
    page.get_by_label("Search by Id").fill("lead-377")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator(".bulk-row")).to_have_count(1)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download all rows").click()
    assert download.value.suggested_filename == f"rows-{proposal.pk}.ndjson"
