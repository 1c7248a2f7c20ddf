"""Inbox, preferences and the page behind a link, in a browser: no complaint, and no sideways scrolling."""

import os
import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from approvals.lifecycle import review
from approvals.messaging import decision_links, sending
from approvals.models import Notice, Proposal
from approvals.notices import occasions
from audit.clock import database_now
from tests.approvals.messaging.mailbox import mail_server
from tests.approvals.messaging.slack_api import slack_api
from tests.browser.conftest import DESK, PHONE, OpenAs
from tests.world import World, seen

pytestmark = pytest.mark.django_db(transaction=True)
SHOTS = os.environ.get("SCREENSHOTS", "")


def shoot(page: Page, name: str) -> None:
    """Keep a picture where SCREENSHOTS names a folder, for people to look at."""
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


@pytest.fixture
def decide_link(world: World) -> Callable[[Proposal], str]:
    def link(proposal: Proposal) -> str:
        current = Proposal.objects.select_related("revision").get(pk=proposal.pk)
        return f"/decide/{decision_links.issue(person=world.owner, proposal=current, via='email', at=database_now())}/"

    return link


@pytest.fixture
def busy(world: World) -> World:
    """An inbox with something of everything."""
    for number, title in enumerate(("Move $4,000 from Search to Social", "Raise the weekend budget by 10 %")):
        world.propose(
            title=title,
            currency="USD",
            content={"payload": {"amount": 4000 + number, "to": "social"}, "before": {"amount": 100, "to": "search"}},
        )
    settled = world.propose(title="Pause the brand campaign on Friday")
    world.propose("email.lifecycle", title="Welcome mail, second version")
    occasions.fan_out()
    world.decide(settled, "reject", by=world.other_owner, reason_code="bad_timing")
    occasions.fan_out()
    return world


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("size", "name"), [(DESK, "desk"), (PHONE, "phone")])
def test_every_page_fits(busy: World, open_as: OpenAs, decide_link, scheme: str, size: dict, name: str) -> None:
    proposal = Proposal.objects.get(title__startswith="Move")
    options = {"viewport": size, "color_scheme": scheme}
    for address, page_name in (("/admin/inbox/", "inbox"), ("/admin/preferences/", "preferences")):
        page = open_as("channel-owner", address, **options)
        assert fits(page), address
        shoot(page, f"{page_name}-{name}-{scheme}")
    page = open_as(None, decide_link(proposal), **options)
    assert fits(page)
    shoot(page, f"message-{name}-{scheme}")
    old = decide_link(proposal)
    review.edit(proposal_id=proposal.pk, seen=seen(proposal), by=busy.other_owner, payload={"amount": 50, "to": "tv"})
    # A browser complains of a page that answers 409 in its console, so it is shown by way of its text.
    page.set_content(page.request.get(old).text().replace("<head>", f'<head><base href="{page.url}">', 1))
    expect(page.get_by_text("It has changed since")).to_be_visible()
    assert fits(page)
    shoot(page, f"message-outdated-{name}-{scheme}")


def test_a_mail_is_no_wider_than_a_phone(world: World, open_as: OpenAs, settings) -> None:
    User.objects.filter(pk=world.owner.pk).update(email="owner@shop.example")
    world.propose(title="https://shop.example/" + "w" * 90, content={"payload": {"text": "x" * 90, "y" * 60: 1}})
    occasions.fan_out()
    with mail_server(settings) as mailbox:
        assert sending.deliver_due() == 1
    for size in ({"width": 600, "height": 700}, PHONE):
        page = open_as(None, "/accounts/login/", viewport=size)
        page.goto("about:blank")
        page.set_content(mailbox.html())
        assert fits(page), size
        shoot(page, f"mail-{size['width']}")


def test_a_click_in_the_inbox_marks_as_read(busy: World, open_as: OpenAs) -> None:
    page = open_as("channel-owner", "/admin/inbox/")
    before = Notice.objects.filter(person=busy.owner, read_at=None).count()
    page.get_by_role("button", name="Move $4,000 from Search to Social").click()
    expect(page.get_by_text("1 notice is marked as read.")).to_be_visible()
    assert Notice.objects.filter(person=busy.owner, read_at=None).count() == before - 1


def test_a_link_decides_without_signing_in(busy: World, open_as: OpenAs, decide_link) -> None:
    proposal = Proposal.objects.get(title__startswith="Move")
    page = open_as(None, decide_link(proposal))
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Approved. It ships in a moment; until then you can undo it.")).to_be_visible()
    shoot(page, "message-done")
    assert Proposal.objects.get(pk=proposal.pk).state == "approved"


def test_preferences_are_saved(busy: World, open_as: OpenAs) -> None:
    page = open_as("channel-owner", "/admin/preferences/")
    page.get_by_label("Time zone").select_option("Europe/Berlin")
    page.get_by_label("Quiet from").fill("22:00")
    page.get_by_label("Quiet until").fill("07:00")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved. It applies from now on.")).to_be_visible()


def test_a_slack_account_is_linked_with_a_link_that_slack_sent(busy: World, open_as: OpenAs, settings) -> None:
    with slack_api(settings) as api:
        page = open_as("channel-owner", "/admin/preferences/", viewport=PHONE)
        assert fits(page)
        shoot(page, "slack-phone")
        page.get_by_label("Your Slack member ID").fill("U0OWNER1")
        page.get_by_role("button", name="Link my Slack account").click()
        expect(page.get_by_text("Slack has a message for you.")).to_be_visible()
        page.goto(re.search(r"http://[^/]+(/admin/preferences/slack/[^\" ]+)", api.text())[1])
        assert fits(page)
        shoot(page, "slack-confirm-phone")
        page.get_by_role("button", name="Link it").click()
        expect(page.get_by_text("Linked to the Slack account U0OWNER1")).to_be_visible()
        shoot(page, "slack-linked-phone")
