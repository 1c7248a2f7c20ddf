"""Exceptions by the dozen, decided in one sitting by keyboard, in a browser."""

import time

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from approvals.messaging import sending
from approvals.models import Decision, NoticeDelivery, Proposal
from approvals.notices import occasions
from tests.approvals.messaging.mailbox import mail_server
from tests.browser.conftest import PHONE, OpenAs
from tests.costs import Stopwatch
from tests.world import World

PAGE = "/admin/desk/quick/"
LEADS, EXCEPTIONS = 1_000, 50
READ_MS = 260
"""A line is looked at for that long before a key counts."""


def lead(world: World, number: int, *, confidence: float = 0.7) -> Proposal:
    return world.propose(
        "crm.leads",
        title=f"Route lead {number}",
        action="route",
        content={"payload": {"lead": number, "to": "EMEA"}, "before": {"to": "US"}, "confidence": confidence},
    )


@pytest.fixture
def leads(world: World) -> list[Proposal]:
    world.surface("crm.leads", "autopilot", undo_window="00:05:00")
    return [lead(world, number) for number in range(5)]


def press(page: Page, key: str) -> None:
    page.wait_for_timeout(READ_MS)
    page.keyboard.press(key)


def state(proposal: Proposal) -> str:
    return str(Proposal.objects.get(pk=proposal.pk).state)


def test_of_a_thousand_leads_fifty_wait_and_a_few_mails_say_so(world: World, settings) -> None:
    world.surface("crm.leads", "autopilot", undo_window="00:05:00")
    User.objects.update(email="somebody@example.com")
    every = LEADS // EXCEPTIONS
    with mail_server(settings) as mailbox:
        for number in range(LEADS):
            lead(world, number, confidence=0.97 if number % every else 0.7)
            if number % 100 == 99:
                occasions.fan_out()
                sending.deliver_due()
        NoticeDelivery.objects.filter(status="waiting", is_bundled=True).update(next_attempt_at="2020-01-01T00:00Z")
        sending.deliver_due()
        assert not NoticeDelivery.objects.filter(status="waiting", is_bundled=True).exists()
        assert len(mailbox.mails) <= 10, [mail["Subject"] for mail in mailbox.mails]
    assert Proposal.objects.filter(state="pending").count() == EXCEPTIONS


def test_fifty_exceptions_are_decided_in_one_sitting(open_as: OpenAs, world: World) -> None:
    world.surface("crm.leads", "autopilot", undo_window="00:05:00")
    for number in range(EXCEPTIONS):
        lead(world, number)
    assert Proposal.objects.filter(state="pending").count() == EXCEPTIONS
    page = open_as("channel-owner", PAGE)
    expect(page.locator("[data-open]")).to_have_count(EXCEPTIONS)
    watch = Stopwatch(time.process_time)
    for number in range(EXCEPTIONS):  # one key each
        press(page, "4" if number % 10 == 9 else "a")
    expect(page.locator("#quick-told")).to_contain_text("All decided", timeout=30_000)
    expect(page.locator("#quick-told")).not_to_contain_text("recording", timeout=30_000)
    assert watch.seconds < 15, "a third of a second of the portal's work for each at most"
    assert page.url.endswith(PAGE), "without leaving the list"
    assert Decision.objects.count() == EXCEPTIONS
    assert Decision.objects.filter(verdict="reject", reason_code="bad_timing").count() == EXCEPTIONS // 10
    assert not Proposal.objects.filter(state="pending").exists()
    assert {*Decision.objects.values_list("batch", flat=True)} == {None}


def test_every_key_does_what_the_bar_says(open_as: OpenAs, leads: list[Proposal], world: World) -> None:
    page = open_as("channel-owner", PAGE)
    told = page.locator("#quick-told")
    press(page, "a")
    expect(told).to_contain_text("4 left")
    expect(told).to_contain_text("Approved.")
    press(page, "5")
    expect(told).to_contain_text("Rejected.")
    press(page, "g")
    expect(page.get_by_label("Assign to")).to_be_focused()
    page.get_by_label("Assign to").select_option(label="other-channel-owner")
    page.keyboard.press("Escape")
    press(page, "g")
    expect(told).to_contain_text("Assigned to other-channel-owner.")
    assert sorted(state(one) for one in leads) == ["approved", "pending", "pending", "pending", "rejected"]
    page.keyboard.press("u")
    expect(told).to_contain_text("Undone.")
    page.keyboard.press("u")
    expect(told).to_contain_text("4 left")
    assert {state(one) for one in leads} == {"pending"}


def test_a_key_pressed_twice_decides_nothing_unseen(open_as: OpenAs, leads: list[Proposal]) -> None:
    page = open_as("channel-owner", PAGE)
    press(page, "a")
    for _ in range(3):
        page.keyboard.press("a")
    expect(page.locator("#quick-told")).to_contain_text("4 left")
    expect(page.locator("#quick-told")).to_contain_text("Approved.")
    assert Decision.objects.count() == 1


def test_a_line_that_somebody_else_has_decided_says_so(open_as: OpenAs, leads: list[Proposal], world: World) -> None:
    page = open_as("channel-owner", PAGE)
    first = page.locator("[data-open]").first
    chosen = Proposal.objects.get(pk=str(first.get_attribute("id")).removeprefix("line-"))
    world.approve(chosen, by=world.other_owner)
    press(page, "a")
    expect(page.locator("#quick-told")).to_contain_text("Nothing was changed.")
    assert Decision.objects.count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, {"width": 1360, "height": 850}], ids=["phone", "wide"])
def test_it_is_accessible(open_as: OpenAs, leads: list[Proposal], world: World, viewport, scheme) -> None:
    world.propose("pricing")
    page = open_as("channel-owner", PAGE, viewport=viewport, color_scheme=scheme)
    press(page, "a")
    expect(page.locator("#quick-told")).to_contain_text("Approved.")
    assert Axe().run(page).response["violations"] == []
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
    page.screenshot(path=f"/tmp/vol/quick-{viewport['width']}-{scheme}.png", full_page=True)


def test_without_javascript_each_button_works(open_as: OpenAs, leads: list[Proposal]) -> None:
    page = open_as("channel-owner", PAGE, java_script_enabled=False)
    page.get_by_role("button", name="Approve “Route lead 0”").click()
    expect(page.get_by_text("Route lead 0: Approved.")).to_be_visible()
    assert state(leads[0]) == "approved"
    page.get_by_role("button", name="Undo: Route lead 0").click()
    assert state(leads[0]) == "pending"
    page.get_by_label("Why you reject “Route lead 1”").select_option("too_risky")
    page.get_by_role("button", name="Reject “Route lead 1”").click()
    assert state(leads[1]) == "rejected"
