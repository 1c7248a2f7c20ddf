"""Naughty strings in a real browser: no dialog, no request that leaves, no broken page. `open_as` watches."""

import base64

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from approvals.models import Proposal
from policies import plain_text
from policies.models import Surface
from tests import naughty
from tests.browser.conftest import OpenAs, _session
from tests.world import World

# How many lines one proposal of a card shows; what is more, a card leaves to the raw payload.
SHOWN = {
    "fields": 90, "email": 150, "enrichment": 190, "segment": 35, "journey": 55, "price": 45, "scoring": 28,
    "budget": 18,
}  # fmt: skip
# In a card a line is cut after 80 characters.
MOST = {"fields": 2_000, "email": 2_000}
WIDER = """[...document.querySelectorAll('*')].filter(one => document.documentElement.scrollWidth > innerWidth &&
    one.getBoundingClientRect().right > innerWidth).map(one => one.outerHTML.slice(0, 200))"""
PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


def propose(world: World, card: str, lines: list[str], titles: list[str]) -> Proposal:
    payload, before = naughty.payload(card, lines)
    # What is hidden is refused beside the payload, so there it comes written out.
    sent = [[plain_text.kept(text) for text in texts] for texts in (lines[:6], titles)]
    return world.propose(content={"payload": payload, "before": before}, **naughty.fields(*sent))


def opened(page: Page, proposal: Proposal) -> None:
    page.goto(f"/admin/approvals/proposal/{proposal.pk}/")
    assert page.locator("#changes-heading").count() == 1
    assert page.locator("#container").get_by_role("button", name="Approve", exact=True).count() == 1
    assert page.get_by_text("Broken", exact=True).count() == 0
    too_wide = page.evaluate(WIDER)
    assert too_wide == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("card", SHOWN)
@pytest.mark.parametrize("source", naughty.SOURCES)
def test_no_string_is_more_than_text(open_as: OpenAs, world: World, source: str, card: str) -> None:
    strings = naughty.strings(source)
    titles = naughty.packed(strings, most=290)
    page = open_as("channel-owner", "/admin/")
    Surface.objects.filter(pk="ads.budget").update(card=card)
    pieces = list(naughty.cut(naughty.packed(strings, most=MOST.get(card, 78)), SHOWN[card]))
    for number, lines in enumerate(pieces):
        proposal = propose(world, card, lines, [titles[number % len(titles)], *titles[:3]])
        opened(page, proposal)
        if card == "email":
            page.goto(f"/admin/approvals/proposal/{proposal.pk}/preview/")
    page.goto(f"/admin/approvals/proposal/{proposal.pk}/edit/")
    page.goto("/admin/approvals/proposal/")
    assert page.locator(".row-title").count() == min(len(pieces), 50)  # the first page of the list


def test_remote_pictures_wait_until_they_are_asked_for(browser: Browser, live_server: LiveServer, world: World) -> None:
    Surface.objects.filter(pk="ads.budget").update(card="email")
    html = '<p>Hello {{ name }}</p><img src="https://pictures.example/seen.gif" alt="A picture" width="40">'
    proposal = world.propose(content={"payload": {"subject": "Hello", "html": html}})
    asked: list[str] = []

    def answered(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(body=PIXEL, content_type="image/gif")

    # Not `open_as`: here a request is meant to leave, at the end.
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    context.add_cookies([_session(world.owner, live_server.url)])
    context.route("https://pictures.example/**", answered)
    page = context.new_page()
    page.goto(f"/admin/approvals/proposal/{proposal.pk}/")
    frame = page.frame_locator("iframe[name=mail-preview]")
    expect(frame.locator("mark")).to_have_text("{{ name }}")
    expect(frame.locator("img")).to_have_attribute("alt", "A picture")
    assert asked == []

    page.get_by_role("link", name="Show remote images").click()
    expect(frame.locator("img")).to_have_attribute("src", "https://pictures.example/seen.gif")
    page.wait_for_timeout(500)
    assert asked == ["https://pictures.example/seen.gif"]
    context.close()


def test_the_views_of_an_email_need_no_script(open_as: OpenAs, world: World) -> None:
    Surface.objects.filter(pk="ads.budget").update(card="email")
    payload = {"subject": "Hello", "html": "<p>Hello <b>you</b></p>"}
    proposal = world.propose(content={"payload": payload, "before": {"html": "<p>Good day</p>"}})
    page = open_as("channel-owner", f"/admin/approvals/proposal/{proposal.pk}/", java_script_enabled=False)
    now, before = page.locator(".frame.now iframe"), page.locator(".frame.before iframe")
    wide = now.bounding_box()["width"]
    page.get_by_role("radio", name="Phone").check()
    assert now.bounding_box()["width"] == 375 < wide
    page.get_by_role("radio", name="Text").check()
    expect(page.locator(".mail-text")).to_be_visible()
    expect(now).not_to_be_visible()
    page.get_by_role("radio", name="Before").check()
    expect(before.content_frame.locator("p")).to_have_text("Good day")
    expect(page.locator(".mail-text")).not_to_be_visible()
