"""People work at their desk, in a browser."""

import re
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from approvals.lifecycle import review
from approvals.models import Decision, Proposal, SavedFilter
from approvals.shipping import claims, dispatches
from policies.models import Surface
from tests import world as worlds
from tests.browser.conftest import PASSWORD, PHONE, OpenAs
from tests.world import World, seen

DESK = "/admin/desk/"


@pytest.fixture
def made(world: World) -> list[Proposal]:
    """Three proposals, each due an hour after the one before."""
    Surface.objects.filter(pk="ads.budget").update(undo_window=timedelta(minutes=5))
    worlds.publish()
    return [propose(world, name, number) for number, name in enumerate(("First", "Second", "Third"), 10)]


def propose(world: World, title: str, hours: int, surface: str = "ads.budget", **fields: object) -> Proposal:
    content = {"payload": {"amount": 4000}, "before": {"amount": 2000}, "rollback": {"amount": 2000}}
    proposal = world.propose(surface, title=title, action=f"shift-{hours}", content=content, **fields)
    Proposal.objects.filter(pk=proposal.pk).update(deadline_at=timezone.now() + timedelta(hours=hours))
    return proposal


def shows(page: Page, title: str) -> None:
    """That proposal is open, and the focus is on its heading."""
    heading = page.locator("#proposal-heading")
    expect(heading).to_have_text(title)
    expect(heading).to_be_focused()


def press_approve(page: Page) -> None:
    """Press the key as a person does, who has looked at what is there."""
    page.wait_for_timeout(450)
    page.keyboard.press("a")


def state(proposal: Proposal) -> str:
    return str(Proposal.objects.get(pk=proposal.pk).state)


def ring(page: Page) -> str:
    """How what has the focus is outlined."""
    return str(page.evaluate("getComputedStyle(document.activeElement).outlineStyle"))


def test_the_heading_that_gets_the_focus_has_no_ring_and_controls_keep_theirs(
    open_as: OpenAs, made: list[Proposal]
) -> None:
    page = open_as("channel-owner", DESK)
    page.keyboard.press("j")
    shows(page, "Second")
    assert ring(page) == "none"
    page.keyboard.press("Tab")
    assert ring(page) == "solid"


def test_sign_in_and_decide_three_by_keyboard_only(open_as: OpenAs, made: list[Proposal]) -> None:
    page = open_as(None, "/")
    page.keyboard.type("channel-owner")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"{DESK}$"))
    expect(page.locator("#proposal-heading")).to_have_text("First")
    expect(page.locator("#desk-count")).to_have_text("3")

    press_approve(page)
    shows(page, "Second")
    expect(page.get_by_role("status").filter(has_text="Approved: First. It ships in a moment")).to_be_visible()
    expect(page.locator("#desk-count")).to_have_text("2")

    page.keyboard.press("r")
    expect(page.get_by_label("Not correct")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.type("Not our voice: a, r and s are typed here, and no keys.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    shows(page, "Third")

    page.keyboard.press("s")
    expect(page.get_by_label("What the agent should change")).to_be_focused()
    page.keyboard.type("Half of it.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    shows(page, "You’re all caught up")
    assert [state(proposal) for proposal in made] == ["approved", "rejected", "returned"]
    assert Decision.objects.get(verdict="reject").reason_code == "off_brand"


def test_through_the_list_by_keyboard(open_as: OpenAs, made: list[Proposal]) -> None:
    page = open_as("channel-owner", DESK)
    for key, title in (("j", "Second"), ("j", "Third"), ("k", "Second")):
        page.keyboard.press(key)
        shows(page, title)
    expect(page).to_have_url(re.compile(f"{made[1].pk}/$"))
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("Third")
    page.keyboard.press("Enter")
    expect(page.locator("#proposal-heading")).to_have_text("Third")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    press_approve(page)
    page.keyboard.press("Escape")
    page.keyboard.press("t")
    expect(page.get_by_role("button", name="Take over")).to_be_visible()
    page.keyboard.press("Control+a")
    page.evaluate("history.back()")
    expect(page.locator("#proposal-heading")).to_have_text("Second")
    assert Decision.objects.count() == 0


def test_a_key_pressed_twice_approves_nothing_unseen(open_as: OpenAs, made: list[Proposal]) -> None:
    page = open_as("channel-owner", DESK)
    press_approve(page)
    for _ in range(3):
        page.keyboard.press("a")
    shows(page, "Second")
    page.wait_for_timeout(500)
    assert [state(proposal) for proposal in made] == ["approved", "pending", "pending"]


def test_a_rejection_without_a_reason_says_what_is_missing(open_as: OpenAs, made: list[Proposal]) -> None:
    page = open_as("channel-owner", DESK)
    page.keyboard.press("r")
    page.locator("details[data-act=reject]").get_by_role("button", name="Reject").click()
    expect(page.locator("details[data-act=reject] .errorlist")).to_be_visible()
    expect(page.get_by_label("Not correct")).to_be_visible()
    page.get_by_label("Too risky").check()
    page.locator("details[data-act=reject]").get_by_role("button", name="Reject").click()
    shows(page, "Second")
    assert state(made[0]) == "rejected"


def test_undo_in_time(open_as: OpenAs, made: list[Proposal]) -> None:
    page = open_as("channel-owner", DESK)
    press_approve(page)
    shows(page, "Second")
    page.keyboard.press("u")
    shows(page, "First")
    assert state(made[0]) == "pending"

    press_approve(page)
    shows(page, "Second")
    page.get_by_role("status").get_by_role("button", name="Undo").click()
    shows(page, "First")
    assert state(made[0]) == "pending"


def test_undo_too_late(open_as: OpenAs, made: list[Proposal]) -> None:
    page = open_as("channel-owner", DESK)
    press_approve(page)
    shows(page, "Second")
    Proposal.objects.filter(pk=made[0].pk).update(release_at=timezone.now())
    made[0].dispatches.update(next_attempt_at=timezone.now())
    claim = claims.claim_next(worker="test", kind="webhook")
    dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={"status": 200})
    page.keyboard.press("u")
    shows(page, "First")
    expect(page.get_by_role("status").filter(has_text="Nothing was changed.")).to_be_visible()
    expect(page.locator(".recent").get_by_role("link", name="Roll back…")).to_be_visible()
    assert state(made[0]) == "shipped"


def test_undo_goes_by_itself_when_its_time_has_run_out(open_as: OpenAs, made: list[Proposal]) -> None:
    page = open_as("channel-owner", DESK)
    press_approve(page)
    shows(page, "Second")
    Proposal.objects.filter(pk=made[0].pk).update(release_at=timezone.now() + timedelta(seconds=3))
    page.reload()
    address = page.url
    undo = page.locator(".recent").get_by_role("button", name="Undo: First")
    expect(undo).to_be_visible()
    page.get_by_text("Reject…").click()
    comment = page.locator("details[data-act=reject]").get_by_label("Comment")
    comment.fill("Half a sentence")
    Proposal.objects.filter(pk=made[0].pk).update(release_at=timezone.now())
    made[0].dispatches.update(next_attempt_at=timezone.now())
    claim = claims.claim_next(worker="test", kind="webhook")
    dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={"status": 200})
    expect(page.locator(".recent").get_by_role("link", name="Roll back…")).to_be_visible()
    expect(undo).to_have_count(0)
    expect(comment).to_have_value("Half a sentence")
    expect(comment).to_be_focused()
    expect(page).to_have_url(address)


def test_the_undo_beside_the_message_goes_as_well(open_as: OpenAs, made: list[Proposal]) -> None:
    page = open_as("channel-owner", DESK)
    Surface.objects.filter(pk="ads.budget").update(undo_window=timedelta(seconds=2))
    worlds.publish()
    press_approve(page)
    shows(page, "Second")
    told = page.get_by_role("status").filter(has_text="Approved: First.")
    expect(told.get_by_role("button", name="Undo")).to_be_visible()
    Proposal.objects.filter(pk=made[0].pk).update(release_at=timezone.now())
    made[0].dispatches.update(next_attempt_at=timezone.now())
    claim = claims.claim_next(worker="test", kind="webhook")
    expect(told).to_contain_text("until then you can undo it")
    expect(told.get_by_role("button", name="Undo")).to_have_count(0)
    expect(told.locator("p")).to_have_text("Approved: First.")
    page.keyboard.press("u")
    status = page.get_by_role("status")
    expect(status.filter(has_text="Too late: it is already shipping.")).to_be_visible()
    dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={"status": 200})
    page.reload()
    page.keyboard.press("u")
    expect(status.filter(has_text="Too late: it has shipped. You can roll it back.")).to_be_visible()
    assert state(made[0]) == "shipped"


def test_two_reviewers_on_one_proposal(open_as: OpenAs, made: list[Proposal]) -> None:
    first = open_as("channel-owner", DESK)
    expect(first.locator("#others")).to_be_empty()
    second = open_as("other-channel-owner", DESK)
    expect(second.locator("#others")).to_contain_text("channel-owner")
    press_approve(first)
    shows(first, "Second")
    press_approve(second)
    shows(second, "Second")
    told = second.get_by_role("status").filter(has_text="channel-owner was first and approved “First”")
    expect(told).to_be_visible()
    assert Decision.objects.count() == 1


def test_what_was_replaced_meanwhile_is_shown_and_not_decided(
    open_as: OpenAs, world: World, made: list[Proposal]
) -> None:
    page = open_as("channel-owner", DESK)
    review.edit(proposal_id=made[0].pk, seen=seen(made[0]), by=world.other_owner, payload={"amount": 100}, note="Less.")
    press_approve(page)
    shows(page, "First")
    expect(page.get_by_role("alert")).to_contain_text("other-channel-owner wrote revision 2")
    assert state(made[0]) == "edited"
    press_approve(page)
    shows(page, "Second")
    assert state(made[0]) == "approved"


def test_a_signature_by_keyboard(open_as: OpenAs, world: World) -> None:
    proposal = propose(world, "Raise the price", 5, surface="pricing")
    page = open_as("channel-owner", DESK)
    press_approve(page)
    expect(page.get_by_label("Why you approve it")).to_be_focused()
    page.keyboard.type("Agreed with Finance.")
    page.keyboard.press("Tab")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(page.locator(".decide .errorlist")).to_contain_text("not your password")
    expect(page.get_by_label("Your password")).to_be_focused()
    assert state(proposal) == "pending"
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    shows(page, "You’re all caught up")
    assert state(proposal) == "approved"


def test_find_save_put_off_and_hand_on(open_as: OpenAs, made: list[Proposal]) -> None:
    page = open_as("channel-owner", DESK)
    page.get_by_role("searchbox").fill("Second")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("#proposal-heading")).to_have_text("Second")
    page.get_by_text("Save this filter").click()
    page.get_by_label("Name of the filter").fill("The second")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("link", name="The second")).to_be_visible()
    assert SavedFilter.objects.get().query == "q=Second"

    page.get_by_role("link", name="Show all").click()
    shows(page, "First")
    page.get_by_text("Snooze…").click()
    page.get_by_role("button", name="15 minutes").click()
    shows(page, "Second")
    page.get_by_role("link", name="Reassign…").click()
    page.get_by_label("Reassign to").select_option("other-channel-owner")
    page.get_by_role("button", name="Reassign").click()
    shows(page, "Third")
    expect(page.locator("#desk-count")).to_have_text("1")
    page.get_by_role("link", name="Snoozed").first.click()
    shows(page, "First")
    page.get_by_role("button", name="Bring it back").click()
    expect(page.locator(".put-off")).to_have_count(0)


def test_alike_ones_unfold_as_one_walks_through_them(open_as: OpenAs, world: World) -> None:
    for number in range(3):
        world.propose(title=f"Bid {number}", action="set_bid")
    page = open_as("channel-owner", DESK)
    expect(page.locator(".group summary")).to_contain_text("3 similar")
    page.keyboard.press("j")
    shows(page, "Bid 1")
    expect(page.get_by_role("link", name="Bid 2")).to_be_visible()


def test_what_is_selected_stays_selected_while_one_reads_on(
    open_as: OpenAs, made: list[Proposal], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("approvals.admin.desk.rows.batch_page", lambda: "/admin/desk/batch/")
    page = open_as("channel-owner", DESK)
    together = page.locator("#together button")
    expect(together).to_be_hidden()
    page.keyboard.press("x")
    expect(together).to_have_text("Review 1 together")
    page.keyboard.press("j")
    shows(page, "Second")
    page.keyboard.press("j")
    shows(page, "Third")
    page.keyboard.press("x")
    expect(together).to_have_text("Review 2 together")
    asked = page.evaluate("[...new FormData(document.getElementById('together')).getAll('id')]")
    assert asked == [str(made[0].pk), str(made[2].pk)]
    page.get_by_label("Select First").uncheck()
    expect(together).to_have_text("Review 1 together")


def test_times_are_the_readers(open_as: OpenAs, made: list[Proposal]) -> None:
    page = open_as("channel-owner", DESK, timezone_id="Asia/Tokyo")
    page.reload()
    expect(page.locator("section[aria-labelledby=who-heading]")).to_contain_text("JST")


def test_the_clock_runs_by_the_servers_seconds(open_as: OpenAs, made: list[Proposal]) -> None:
    Proposal.objects.filter(pk=made[0].pk).update(deadline_at=timezone.now() + timedelta(seconds=58))
    page = open_as("channel-owner", DESK)
    clock = page.locator(".review-head .time-left")
    expect(clock).to_have_text(re.compile(r"^5\d s left$"))
    before = int(clock.inner_text().split()[0])
    page.wait_for_function("before => parseInt(document.querySelector('.time-left').innerText) < before", arg=before)


def test_the_keys_can_be_turned_off(open_as: OpenAs, made: list[Proposal]) -> None:
    page = open_as("channel-owner", DESK)
    page.keyboard.press("?")
    page.get_by_role("button", name="Turn shortcuts off").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    press_approve(page)
    page.keyboard.press("j")
    page.get_by_role("button", name="Shortcuts").click()
    expect(page.get_by_role("button", name="Turn shortcuts on")).to_be_visible()
    expect(page.locator("#proposal-heading")).to_have_text("First")
    assert Decision.objects.count() == 0


def test_approve_never_has_the_focus_by_itself(open_as: OpenAs, made: list[Proposal]) -> None:
    page = open_as("channel-owner", DESK)
    approve = page.get_by_role("button", name="Approve")
    expect(approve).not_to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Space")
    press_approve(page)
    shows(page, "Second")
    expect(approve).not_to_be_focused()
    assert Decision.objects.count() == 1


def test_anyone_who_was_signed_out_comes_to_the_sign_in_page(open_as: OpenAs, made: list[Proposal]) -> None:
    page = open_as("channel-owner", DESK)
    page.context.clear_cookies()
    page.keyboard.press("j")
    expect(page.get_by_label("Password")).to_be_visible()


def test_on_a_phone_it_is_the_list_or_one_proposal(open_as: OpenAs, made: list[Proposal]) -> None:
    page = open_as("channel-owner", DESK, viewport=PHONE, has_touch=True)

    def fits() -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], page.url

    fits()
    expect(page.get_by_role("button", name="Approve")).to_be_hidden()
    page.get_by_role("link", name="Second").tap()
    shows(page, "Second")
    fits()
    for summary in page.locator(".desk-pane details > summary").all():
        if summary.is_visible():
            summary.evaluate("element => { element.parentElement.open = true }")
    fits()
    for target in page.locator("#desk :is(a, button, summary, input:not([type=hidden])):visible").all():
        box = target.bounding_box()
        assert box is not None
        in_text = target.evaluate("element => getComputedStyle(element).display === 'inline'")
        assert in_text or box["height"] >= 24 or target.get_attribute("type") == "radio", target.inner_text()
    page.get_by_role("button", name="Approve").tap()
    shows(page, "Third")
    fits()
    page.get_by_role("link", name="The list (2)").tap()
    expect(page.get_by_role("link", name="First").first).to_be_visible()


def test_everything_works_without_javascript(open_as: OpenAs, made: list[Proposal]) -> None:
    page = open_as("channel-owner", DESK, java_script_enabled=False)
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("#proposal-heading")).to_have_text("Second")
    expect(page).to_have_url(re.compile("#proposal-heading$"))
    page.get_by_role("status").get_by_role("button", name="Undo").click()
    expect(page.locator("#proposal-heading")).to_have_text("First")
    page.get_by_text("Snooze…").click()
    page.get_by_role("button", name="1 hour").click()
    expect(page.locator("#proposal-heading")).to_have_text("Second")
    page.get_by_text("Send back…").click()
    page.get_by_label("What the agent should change").fill("Half of it, please.")
    page.get_by_role("button", name="Send back to the agent").click()
    expect(page.locator("#proposal-heading")).to_have_text("Third")
    page.get_by_role("searchbox").fill("nothing like it")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("#proposal-heading")).to_have_text("Nothing here")
    assert [state(proposal) for proposal in made] == ["pending", "returned", "pending"]


def test_a_decision_fits_on_the_screen(open_as: OpenAs, world: World) -> None:
    metrics = [{"name": "CPA", "current": 18.1, "projected": 14.9, "unit": "USD"}]
    evidence = [{"label": "CPA, 7 days", "value": "12.40 vs 18.10", "url": "https://example.com/report"}]
    propose(world, "Move it", 5, rationale="Social is cheaper.", metrics=metrics, evidence=evidence)
    page = open_as("channel-owner", DESK)
    for part in (
        "Approve",
        "Send back…",
        "What changes",
        "Why the agent proposes this",
        "Why it is here",
        "Reviewers and deadline",
    ):
        box = page.locator(".desk-pane").get_by_text(part, exact=True).bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 850, part


def test_axe_finds_nothing_to_complain_of(open_as: OpenAs, world: World, made: list[Proposal]) -> None:
    for number in range(3):
        world.propose(title=f"Bid {number}", action="set_bid")
    world.approve(propose(world, "Decided", 3))
    signed = propose(world, "Raise the price", 4, surface="pricing")
    places = [DESK, f"{DESK}{signed.pk}/?hand=on", f"{DESK}?q=nothing+like+it"]
    for scheme, viewport in (("light", None), ("dark", None), ("light", PHONE)):
        # Axe is put into the page, which the portal's own policy would forbid.
        options = {"viewport": viewport} if viewport else {}
        page = open_as("channel-owner", DESK, color_scheme=scheme, bypass_csp=True, **options)
        for place in places:
            page.goto(place)
            for folded in page.locator("details").all():
                folded.evaluate("element => { element.open = true }")
            found = Axe().run(page).response["violations"]
            assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], (scheme, place)


def test_on_a_phone_the_way_to_the_buttons_is_always_there(open_as: OpenAs, made: list[Proposal]) -> None:
    wide = open_as("channel-owner", f"{DESK}{made[0].pk}/")
    expect(wide.get_by_role("link", name="Decide")).to_be_hidden()
    page = open_as("channel-owner", f"{DESK}{made[0].pk}/", viewport={**PHONE, "height": 420}, has_touch=True)
    way = page.get_by_role("link", name="Decide")
    expect(way).to_be_in_viewport()
    expect(page.get_by_role("button", name="Approve")).not_to_be_in_viewport()
    way.click()
    expect(page.get_by_role("button", name="Approve")).to_be_in_viewport()
