"""People edit a payload, in a browser."""

import pytest
from playwright.sync_api import expect

from approvals.models import Proposal
from tests.approvals.admin.editing.test_form import PAYLOAD, SCHEMA
from tests.browser.conftest import PHONE, OpenAs
from tests.world import World


@pytest.fixture
def proposal(world: World) -> Proposal:
    world.surface("email.tests", "single", payload_schema=SCHEMA, editor_may_approve=True)
    return world.propose("email.tests", title="Win back", content={"payload": PAYLOAD})


def address(proposal: Proposal) -> str:
    return f"/admin/approvals/proposal/{proposal.pk}/edit/"


def test_the_difference_appears_while_typing_and_then_it_is_saved_and_approved(
    open_as: OpenAs, proposal: Proposal
) -> None:
    page = open_as("channel-owner", address(proposal))
    region = page.locator("#checked")
    page.get_by_label("People").focus()
    page.keyboard.press("End")
    page.keyboard.type("0")
    expect(region).to_contain_text("+900 (+900 %)")
    page.keyboard.type("0")
    expect(region).to_contain_text("It doesn’t fit yet")
    expect(region).to_contain_text("People: 10000 is greater than the maximum of 5000")
    page.get_by_label("People").fill("50")
    expect(region).to_contain_text("The tier stays single.")
    assert proposal.revisions.count() == 1

    page.get_by_role("button", name="Save and approve").click()
    expect(page.locator(".review-head .badge")).to_have_text("Approved")
    changed = Proposal.objects.select_related("revision").get(pk=proposal.pk)
    assert changed.revision.payload == {**PAYLOAD, "audience": {**PAYLOAD["audience"], "size": 50}}


def test_a_field_says_what_is_wrong_while_one_types_and_keeps_what_was_typed(
    open_as: OpenAs, proposal: Proposal
) -> None:
    page = open_as("channel-owner", address(proposal))
    people, subject = page.get_by_label("People"), page.get_by_label("Subject")
    people.fill("")
    people.press_sequentially("10000")
    complaint = page.locator(".field", has=people).locator(".errorlist")
    expect(complaint).to_have_text("10000 is greater than the maximum of 5000")
    expect(people).to_have_attribute("aria-invalid", "true")
    expect(people).to_have_accessible_description("10000 is greater than the maximum of 5000 From 1 to 5,000.")
    expect(people).to_be_focused()
    expect(people).to_have_value("10000")
    expect(page.locator(".edit-main .errorlist")).to_have_count(1)

    people.press("Backspace")
    expect(complaint).to_have_count(0)
    expect(people).not_to_have_attribute("aria-invalid", "true")
    expect(people).to_have_accessible_description("From 1 to 5,000.")
    expect(page.locator(".edit-main .has-errors")).to_have_count(0)

    page.get_by_role("button", name="Add a row to Steps").click()
    steps = page.get_by_role("group", name="Steps", exact=True)
    expect(steps.get_by_role("listitem")).to_have_count(4)
    steps.get_by_label("Hours").last.fill("1000")
    expect(steps.locator(".errorlist")).to_have_text("1000 is greater than the maximum of 100")
    subject.fill("")
    expect(page.locator(".field", has=subject).locator(".errorlist")).to_be_visible()
    assert proposal.revisions.count() == 1


def test_what_was_sent_with_a_fault_loses_it_as_soon_as_it_is_right(open_as: OpenAs, proposal: Proposal) -> None:
    page = open_as("channel-owner", address(proposal))
    people = page.get_by_label("People")
    people.fill("10000")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".field.has-errors")).to_contain_text("10000 is greater")
    people.fill("500")
    expect(page.locator(".edit-main .errorlist")).to_have_count(0)
    expect(page.locator(".edit-main .has-errors")).to_have_count(0)


@pytest.mark.parametrize("has_javascript", [True, False])
def test_rows_come_and_go(open_as: OpenAs, proposal: Proposal, has_javascript: bool) -> None:
    page = open_as("channel-owner", address(proposal), java_script_enabled=has_javascript)
    page.get_by_label("Subject").fill("Typed before")
    page.get_by_role("button", name="Add a row to Steps").click()
    steps = page.get_by_role("group", name="Steps", exact=True)
    expect(steps.get_by_role("listitem")).to_have_count(4)
    expect(steps.get_by_label("Do").last).to_be_focused()
    steps.get_by_label("Do").last.select_option("send")
    steps.get_by_role("button", name="Remove Steps 1").click()
    expect(steps.get_by_role("listitem")).to_have_count(3)
    expect(page.get_by_label("Subject")).to_have_value("Typed before")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".review-head .badge")).to_have_text("Edited")
    payload = Proposal.objects.select_related("revision").get(pk=proposal.pk).revision.payload
    assert payload["steps"] == [*PAYLOAD["steps"][1:], {"do": "send"}]
    assert payload["subject"] == "Typed before"


def test_enter_in_a_field_checks_and_saves_nothing(open_as: OpenAs, proposal: Proposal) -> None:
    page = open_as("channel-owner", address(proposal))
    page.get_by_label("Subject").fill("Entered")
    page.get_by_label("Subject").press("Enter")
    expect(page.locator("#checked")).to_contain_text("What the policy says about this edit")
    expect(page.get_by_label("Subject")).to_have_value("Entered")
    assert proposal.revisions.count() == 1


def test_a_phone_shows_the_form_without_scrolling_sideways(open_as: OpenAs, proposal: Proposal) -> None:
    page = open_as("channel-owner", address(proposal), viewport=PHONE, has_touch=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_what_is_said_below_a_field_stands_nearer_to_it_than_to_the_next(open_as: OpenAs, proposal: Proposal) -> None:
    page = open_as("channel-owner", address(proposal))
    gaps = page.evaluate("""() => [...document.querySelectorAll('.edit-main .field:has(.help)')].flatMap((field) => {
        const next = field.nextElementSibling;
        if (!next?.matches('.field')) return [];
        const help = field.querySelector('.help').getBoundingClientRect();
        const own = field.querySelector('input:not([type=hidden]), select, textarea').getBoundingClientRect();
        return [[help.top - own.bottom, next.querySelector('label').getBoundingClientRect().top - help.bottom]];
    })""")
    assert gaps
    for own, next_one in gaps:
        assert next_one >= 3 * max(own, 3), gaps
