"""A manager's dials in a browser: parts of a draft, reports of what shipped, the map; wide and on a phone."""

import os
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from approvals.models import Outcome, Proposal
from approvals.outcomes import reports
from approvals.shipping import claims, dispatches
from audit.clock import database_now
from policies.models import Rule, Surface
from policies.publishing import publish
from tests import world as worlds
from tests.browser.conftest import DESK, PHONE, OpenAs
from tests.world import OWNER, World

SCREENS = [
    pytest.param({"viewport": size, "color_scheme": scheme}, id=f"{name}-{scheme}")
    for name, size in (("wide", DESK), ("phone", PHONE))
    for scheme in ("light", "dark")
]


@pytest.fixture
def manager(world: World) -> User:
    rights = ("report_outcome", "view_all_proposals", "view_mandate", *worlds.PUBLISHING)
    return worlds.person("manager", OWNER, permissions=rights)


def require_sound(page: Page, name: str) -> None:
    """Check that nothing is wider than the screen and that axe finds nothing."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
    assert Axe().run(page).response["violations"] == [], name
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def shipped(world: World) -> Proposal:
    proposal = world.propose(title="Move $4,000 to Social", model={"name": "pacer", "version": "2026-11-01"})
    world.approve(proposal)
    claim = claims.claim_next(worker="test", kind="webhook")
    dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={"done": True})
    return proposal


@pytest.mark.parametrize("screen", SCREENS)
def test_choose_which_changes_to_publish(
    open_as: OpenAs, world: World, manager: User, screen: Any, request: pytest.FixtureRequest
) -> None:
    Surface.objects.filter(slug="ads.budget").update(tier_id="batch", undo_window="1:00:00", params={"weekly": 1000})
    Rule.objects.create(slug="share", decision="require_approval", condition="amount > params.weekly")
    page = open_as(manager, "/admin/policies/publish/", **screen)
    expect(page.get_by_role("checkbox", name="tier single → batch")).not_to_be_checked()
    expect(page.get_by_role("checkbox", name="undo window")).to_be_checked()
    require_sound(page, f"publish-{request.node.callspec.id}")
    page.get_by_role("checkbox", name="params").uncheck()
    page.get_by_role("button", name="Look at the chosen changes").click()
    expect(page.get_by_role("heading", name="Chosen together")).to_be_visible()
    require_sound(page, f"chosen-{request.node.callspec.id}")
    page.get_by_label("Why").first.fill("The share is a matter for Finance.")
    page.get_by_role("button", name="Ask a second person").click()
    expect(page.get_by_role("heading", name="needs a second person")).to_be_visible()
    version = publish.active_version()
    assert version is not None and version.document["surfaces"]["ads.budget"]["tier"] == "single"


@pytest.mark.parametrize("screen", SCREENS)
def test_report_an_incident_and_find_it_on_the_map(
    open_as: OpenAs, world: World, manager: User, screen: Any, request: pytest.FixtureRequest
) -> None:
    proposal = shipped(world)
    reports.report_as_person(
        proposal_id=proposal.pk, by=manager, kind=Outcome.Kind.MEASURED, metric="CPA", value=12.5, unit="USD",
        observed_at=database_now(), note="",
    )  # fmt: skip
    page = open_as(manager, f"/admin/approvals/proposal/{proposal.pk}/", **screen)
    page.get_by_role("link", name="Report a result or an incident").click()
    page.get_by_label("Incident", exact=True).check()
    page.get_by_role("button", name="Save report").click()
    expect(page.get_by_text("Say what happened.")).to_be_visible()
    require_sound(page, f"outcome-{request.node.callspec.id}")
    page.get_by_label("What happened").fill("The campaign spent twice.")
    page.get_by_role("button", name="Save report").click()
    expect(page.get_by_text("The campaign spent twice.")).to_be_visible()
    require_sound(page, f"review-{request.node.callspec.id}")
    page.goto("/admin/touchpoints/")
    expect(page.get_by_role("link", name="Incident,")).to_be_visible()
    expect(page.get_by_text("pacer 2026-11-01")).to_be_visible()
    require_sound(page, f"map-{request.node.callspec.id}")
