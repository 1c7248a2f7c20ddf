"""Somebody watches what ships by itself, in a browser."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from approvals.models import Proposal, Sample
from approvals.shipping import claims, dispatches
from policies.models import Tier
from tests.browser.conftest import PHONE, OpenAs
from tests.world import World

PAGE = "/admin/monitor/"


@pytest.fixture
def world(world: World) -> World:
    Tier.objects.filter(slug="autopilot").update(sample_rate=1.0)
    world.surface("crm.segments", "autopilot")
    return world


def hold(world: World, title: str = "Held") -> Proposal:
    return world.propose("email.lifecycle", title=title)


def ship(world: World, title: str = "Shipped", *, well: bool = True) -> Proposal:
    proposal = world.propose("crm.segments", title=title, content={"rollback": {"amount": -1}})
    claim = claims.claim_next(worker="test", kind="webhook")
    known = {"dispatch_id": claim.dispatch.pk, "fence": claim.fence}
    if well:
        dispatches.complete(**known, receipt={"done": True})
    else:
        dispatches.postpone(**known, error="The far side answered 410.", is_final=True)
    return proposal


def state(proposal: Proposal) -> str:
    return str(Proposal.objects.get(pk=proposal.pk).state)


def upcoming(page: Page) -> list[str]:
    return page.locator("section:has(#upcoming-heading) .row-title").all_inner_texts()


def test_stop_one_and_leave_the_other(open_as: OpenAs, world: World) -> None:
    wrong, right = hold(world, "Wrong"), hold(world, "Right")
    page = open_as("channel-owner", PAGE)
    expect(page.locator("[data-countdown]").first).to_contain_text("29 min")
    page.get_by_label("Why you stop “Wrong” (optional)").fill("Not them.")
    page.get_by_role("button", name="Stop “Wrong”").click()
    expect(page.get_by_text("Stopped: “Wrong”.")).to_be_visible()
    assert (state(wrong), state(right)) == ("pending", "approved")
    assert upcoming(page) == ["Right"]


def test_the_countdown_runs(open_as: OpenAs, world: World) -> None:
    hold(world)
    page = open_as("channel-owner", PAGE)
    countdown = page.locator("[data-countdown]")
    expect(countdown).to_contain_text("s")
    before = countdown.inner_text()
    expect(countdown).not_to_have_text(before)


def test_the_lists_follow_but_not_under_somebodys_hands(open_as: OpenAs, world: World) -> None:
    hold(world, "First")
    page = open_as("channel-owner", PAGE)
    page.clock.install()
    page.goto(PAGE)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/monitor/lists/" in request.url else None)
    hold(world, "Second")
    why = page.get_by_label("Why you stop “First” (optional)")
    why.fill("Because")
    page.clock.fast_forward(16_000)
    expect(page.locator("[data-countdown]").first).to_contain_text("29 min")
    assert asked == []
    assert upcoming(page) == ["First"]

    why.fill("")
    why.blur()
    with page.expect_response("**/monitor/lists/**"):
        page.clock.fast_forward(16_000)
    expect(page.get_by_role("link", name="Second")).to_be_visible()
    page.get_by_role("button", name="Stop “Second”").click()
    expect(page.get_by_text("Stopped: “Second”.")).to_be_visible()


def test_updates_can_be_paused(open_as: OpenAs, world: World) -> None:
    hold(world, "First")
    page = open_as("channel-owner", PAGE)
    page.clock.install()
    page.goto(PAGE)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/monitor/lists/" in request.url else None)
    pause = page.get_by_role("button", name="Pause updates")
    pause.click()
    expect(page.locator("#monitor-paused")).to_contain_text("Paused")
    hold(world, "Second")
    page.clock.fast_forward(40_000)
    page.reload()
    expect(pause).to_have_attribute("aria-pressed", "true")
    shown = page.locator("[data-countdown]").first.inner_text()
    page.clock.fast_forward(40_000)
    assert page.locator("[data-countdown]").first.inner_text() == shown
    assert asked == []
    with page.expect_response("**/monitor/lists/**"):
        pause.click()
    expect(pause).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#monitor-paused")).to_have_text("")


def test_judge_the_sample(open_as: OpenAs, world: World) -> None:
    ship(world)
    page = open_as("channel-owner", PAGE)
    sample = page.get_by_role("article", name="Shipped")
    sample.get_by_role("button", name="Was wrong").click()
    expect(page.get_by_text("Say in a few words what was not right.")).to_be_visible()
    sample.get_by_label("What was not right").fill("Too many people.")
    sample.get_by_role("button", name="Was wrong").click()
    expect(page.get_by_text("Thank you.")).to_be_visible()
    expect(page.get_by_text("No spot checks right now.")).to_be_visible()
    assert Sample.objects.get().note == "Too many people."


def test_without_javascript_retry_and_go_to_the_roll_back(open_as: OpenAs, world: World) -> None:
    shipped, failed = ship(world), ship(world, "Failed", well=False)
    page = open_as("channel-owner", PAGE, java_script_enabled=False)
    page.get_by_role("button", name="Retry “Failed”").click()
    expect(page.get_by_text("“Failed” is being tried again.")).to_be_visible()
    assert state(failed) == "approved"
    page.get_by_role("link", name="Refresh").click()
    page.get_by_role("link", name="Roll back “Shipped”").click()
    expect(page).to_have_url(f"{page.url.split('/admin')[0]}/admin/approvals/proposal/{shipped.pk}/roll-back/")
    page.goto(PAGE)
    page.get_by_role("link", name="Daily numbers").click()
    expect(page.get_by_role("heading", name="Daily digest")).to_be_visible()
    page.locator("a[rel=prev]").click()
    expect(page.get_by_text("Nothing was picked on this day.")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_accessible_and_fit_a_phone(open_as: OpenAs, world: World, scheme: str) -> None:
    hold(world)
    ship(world)
    ship(world, "Failed", well=False)
    page = open_as("channel-owner", PAGE, viewport=PHONE, has_touch=True, color_scheme=scheme)
    for place in (PAGE, f"{PAGE}digest/"):
        page.goto(place)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], place
        for control in page.locator("#content button:visible, #content a:visible").all():
            assert control.bounding_box()["height"] >= 24, control.inner_text()
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
