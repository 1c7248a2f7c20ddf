"""A batch is decided, in a browser."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from approvals.lifecycle import review
from approvals.models import Decision, Proposal
from tests.browser.conftest import PHONE, OpenAs
from tests.world import World, seen

AMOUNTS = (400, 420, 380, 410, 9000)


@pytest.fixture
def proposals(world: World) -> list[Proposal]:
    world.surface("crm.segments", "batch")
    return [
        world.propose(
            "crm.segments",
            title=f"Move ${amount}",
            currency="USD",
            content={"payload": {"amount": amount}, "before": {"amount": 100}, "amount": amount},
        )
        for amount in AMOUNTS
    ]


def address(proposals: list[Proposal]) -> str:
    return "/admin/desk/batch/?" + "&".join(f"id={proposal.pk}" for proposal in proposals)


def now(proposals: list[Proposal]) -> list[str]:
    states = dict(Proposal.objects.values_list("pk", "state"))
    return [states[proposal.pk] for proposal in proposals]


def total(page: Page, name: str) -> str:
    return page.locator(f".totals [data-total={name}]").inner_text()


def test_all_but_one_are_approved_and_taken_back(open_as: OpenAs, proposals: list[Proposal]) -> None:
    page = open_as("channel-owner", address(proposals))
    expect(page.locator("table.rows tbody tr").first).to_contain_text("Amount 9,000, where 410 is usual")
    assert (total(page, "number"), total(page, "amount")) == ("5", "10,610.00")
    page.get_by_role("checkbox", name="Move $9000").uncheck()
    assert (total(page, "number"), total(page, "amount")) == ("4", "1,610.00")
    page.get_by_label("Comment for all of them").fill("As agreed.")
    page.get_by_role("button", name="Approve 4").click()
    expect(page.get_by_role("heading", name="Approve 4 proposals?")).to_be_visible()
    assert now(proposals) == ["pending"] * 5

    page.get_by_role("button", name="Yes, approve 4").click()
    expect(page.get_by_role("heading", name="4 approvals recorded")).to_be_visible()
    assert now(proposals) == ["approved"] * 4 + ["pending"]
    assert set(Decision.objects.values_list("comment", flat=True)) == {"As agreed."}

    page.get_by_role("button", name="Undo all 4").click()
    expect(page.get_by_text("4 decisions undone")).to_be_visible()
    assert now(proposals) == ["pending"] * 5
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    expect(page.get_by_role("link", name="Back to the desk")).to_be_visible()


def test_nothing_ticked_cannot_be_decided(open_as: OpenAs, proposals: list[Proposal]) -> None:
    page = open_as("channel-owner", address(proposals))
    page.get_by_role("checkbox", name="Tick all").uncheck()
    assert total(page, "number") == "0"
    expect(page.get_by_role("button", name="Approve 0")).to_be_disabled()
    page.get_by_role("checkbox", name="Tick all").check()
    expect(page.get_by_role("button", name="Approve 5")).to_be_enabled()


def test_what_was_replaced_between_the_question_and_the_answer_is_told_of(
    open_as: OpenAs, world: World, proposals: list[Proposal]
) -> None:
    page = open_as("channel-owner", address(proposals))
    page.get_by_label("Reason (if rejecting)").select_option("Bad timing")
    page.get_by_role("button", name="Reject 5").click()
    expect(page.get_by_role("button", name="Yes, reject 5")).to_be_visible()
    first = proposals[0]
    review.edit(proposal_id=first.pk, seen=seen(first), by=world.other_owner, payload={"amount": 1})
    page.get_by_role("button", name="Yes, reject 5").click()
    expect(page.get_by_role("heading", name="1 not decided")).to_be_visible()
    expect(page.locator(".is-refused")).to_contain_text("has replaced revision 1")
    assert now(proposals) == ["edited"] + ["rejected"] * 4


def test_it_works_without_javascript(open_as: OpenAs, proposals: list[Proposal]) -> None:
    page = open_as("channel-owner", address(proposals), java_script_enabled=False)
    expect(page.get_by_role("checkbox", name="Tick all")).to_have_count(0)
    page.get_by_role("checkbox", name="Move $9000").uncheck()
    page.get_by_role("button", name="Update totals").first.click()
    assert (total(page, "number"), total(page, "amount")) == ("4", "1,610.00")
    page.get_by_role("button", name="Reject 4").click()
    expect(page.get_by_text("Choose why you reject them.")).to_be_visible()
    page.get_by_label("Reason (if rejecting)").select_option("Bad timing")
    page.get_by_role("button", name="Reject 4").click()
    page.get_by_role("button", name="Yes, reject 4").click()
    expect(page.get_by_role("heading", name="4 rejections recorded")).to_be_visible()
    assert now(proposals) == ["rejected"] * 4 + ["pending"]
    page.get_by_role("button", name="Undo all 4").click()
    assert now(proposals) == ["pending"] * 5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_accessible_and_fit_a_phone(
    open_as: OpenAs, world: World, proposals: list[Proposal], scheme: str
) -> None:
    left_out = world.propose("ads.budget", title="By itself")
    page = open_as(
        "channel-owner", address([*proposals, left_out]), viewport=PHONE, has_touch=True, color_scheme=scheme
    )
    looks_right(page)
    page.get_by_role("button", name="Approve 5").tap()
    page.get_by_role("button", name="Yes, approve 5").wait_for()
    looks_right(page)
    page.get_by_role("button", name="Yes, approve 5").tap()
    page.wait_for_url(re.compile(r"/desk/batch/[0-9a-f-]{36}/"))
    looks_right(page)


def looks_right(page: Page) -> None:
    page.wait_for_load_state()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], page.url
    for control in page.locator("#content button:visible, #content a:visible, #content .tick label:visible").all():
        assert control.bounding_box()["height"] >= 24, control.inner_text()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
