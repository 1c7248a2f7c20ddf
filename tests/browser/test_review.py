"""People decide, in a browser."""

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from approvals.lifecycle import review
from approvals.models import Proposal
from approvals.shipping import claims, dispatches
from policies.models import Surface
from tests import world as worlds
from tests.browser.conftest import PASSWORD, PHONE, OpenAs
from tests.world import World, seen

SCHEMA = {
    "type": "object",
    "required": ["to", "amount"],
    "properties": {
        "to": {"type": "string", "enum": ["search", "social"], "title": "To"},
        "amount": {"type": "number", "title": "Amount", "maximum": 10_000},
    },
}


@pytest.fixture
def proposal(world: World) -> Proposal:
    Surface.objects.filter(pk="ads.budget").update(payload_schema=SCHEMA, undo_window=timedelta(minutes=5))
    worlds.publish()
    before = {"to": "search", "amount": 2000}
    return world.propose(content={"payload": {"to": "social", "amount": 4000}, "before": before})


def address(proposal: Proposal, below: str = "") -> str:
    return f"/admin/approvals/proposal/{proposal.pk}/{below}"


def becomes(page: Page, proposal: Proposal, state: str) -> None:
    """The page says so, and so it is."""
    expect(page.locator(".review-head .badge")).to_have_text(state)
    assert now(proposal) == state.lower()


def now(proposal: Proposal) -> str:
    return str(Proposal.objects.get(pk=proposal.pk).state)


def test_sign_in_find_approve_and_undo(open_as: OpenAs, proposal: Proposal) -> None:
    page = open_as(None, "/admin/")
    page.get_by_label("Username").fill("channel-owner")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("link", name="for you to decide").click()
    page.get_by_role("link", name="Move $4,000").click()
    expect(page.get_by_role("row", name="amount")).to_contain_text("+2,000 (+100 %)")

    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("listitem").filter(has_text="you can undo it")).to_be_visible()
    becomes(page, proposal, "Approved")

    page.get_by_role("button", name="Undo").click()
    becomes(page, proposal, "Pending")


def ship(proposal: Proposal) -> None:
    """Do what a worker does."""
    Proposal.objects.filter(pk=proposal.pk, state="approved").update(release_at=timezone.now())
    proposal.dispatches.filter(status="waiting").update(next_attempt_at=timezone.now())
    claim = claims.claim_next(worker="test", kind="webhook")
    dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={"number": claim.fence})


def test_the_page_shows_by_itself_what_has_shipped_and_what_was_rolled_back(open_as: OpenAs, world: World) -> None:
    proposal = world.propose(content={"rollback": {"amount": -4000}})
    page = open_as("channel-owner", address(proposal))
    looks_again = page.locator("[hx-get*='/progress/']")
    expect(looks_again).to_have_count(0)
    page.get_by_role("button", name="Approve").click()
    becomes(page, proposal, "Approved")
    expect(looks_again).to_have_count(1)
    ship(proposal)
    becomes(page, proposal, "Shipped")
    expect(page.get_by_text("Receipt")).to_have_count(1)
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    expect(looks_again).to_have_count(0)

    page.get_by_role("link", name="Roll back…").click()
    page.get_by_role("button", name="Roll back").click()
    expect(page.get_by_text("This page shows the receipt once it is done.")).to_be_visible()
    expect(page.get_by_text("Receipt", exact=True)).to_have_count(1)
    ship(proposal)
    expect(page.locator(".review-head .badge")).to_have_text("Rolled back")
    expect(page.get_by_text("Receipt", exact=True)).to_have_count(2)
    expect(looks_again).to_have_count(0)


def test_anyone_who_was_signed_out_meanwhile_keeps_the_page(open_as: OpenAs, proposal: Proposal) -> None:
    page = open_as("channel-owner", address(proposal))
    page.get_by_role("button", name="Approve").click()
    becomes(page, proposal, "Approved")
    title = page.title()
    page.context.clear_cookies()
    with page.expect_response(lambda answer: "/login/" in answer.url and answer.status == 200):
        pass
    page.wait_for_timeout(200)
    expect(page.locator(".review-head .badge")).to_have_text("Approved")
    expect(page.get_by_role("heading", name="History")).to_be_visible()
    assert page.title() == title


def test_a_rejection_asks_for_its_reason_where_it_is_missing(open_as: OpenAs, proposal: Proposal) -> None:
    page = open_as("channel-owner", address(proposal))
    page.get_by_text("Reject…").click()
    page.get_by_label("Comment", exact=True).fill("Not before the holidays.")
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_text("Choose why you reject it.")).to_be_visible()
    assert now(proposal) == "pending"

    expect(page.get_by_label("Comment", exact=True)).to_have_value("Not before the holidays.")
    page.get_by_label("Bad timing").check()
    page.get_by_role("button", name="Reject").click()
    becomes(page, proposal, "Rejected")
    expect(page.locator(".history")).to_contain_text("Bad timing: Not before the holidays.")


def test_check_an_edit_save_it_and_let_somebody_else_approve(open_as: OpenAs, proposal: Proposal) -> None:
    page = open_as("channel-owner", address(proposal))
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Amount").fill("20000")
    page.get_by_role("button", name="Check").click()
    expect(page.locator(".field.has-errors")).to_contain_text("20000")

    page.get_by_label("Amount").fill("1500")
    page.get_by_role("button", name="Check").click()
    expect(page.locator(".checked")).to_contain_text("single")
    expect(page.locator(".checked")).to_contain_text("1,500")
    page.get_by_role("button", name="Save").click()
    becomes(page, proposal, "Edited")
    expect(page.locator(".decide")).to_contain_text("someone else has to approve it")

    other = open_as("other-channel-owner", address(proposal))
    other.get_by_role("button", name="Approve").click()
    becomes(other, proposal, "Approved")
    assert Proposal.objects.get().revision.payload == {"to": "social", "amount": 1500}


def test_a_signature_wants_the_right_password_and_a_reason(open_as: OpenAs, world: World) -> None:
    proposal = world.propose("pricing", title="Raise the price")
    page = open_as("channel-owner", address(proposal))
    for password, complaint in (("wrong", "not your password"), (PASSWORD, "needs a written reason")):
        page.get_by_label("Your password").fill(password)
        page.get_by_role("button", name="Sign and approve").click()
        expect(page.locator(".decide .errorlist")).to_contain_text(complaint)
        assert now(proposal) == "pending"

    page.get_by_label("Why you approve it").fill("Agreed with Finance.")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Sign and approve").click()
    becomes(page, proposal, "Approved")


def test_who_decides_on_what_was_replaced_sees_what_changed(open_as: OpenAs, world: World, proposal: Proposal) -> None:
    page = open_as("other-channel-owner", address(proposal))
    edited = {"to": "social", "amount": 100}
    review.edit(proposal_id=proposal.pk, seen=seen(proposal), by=world.owner, payload=edited, note="Much less.")
    page.get_by_role("button", name="Approve").click()
    replaced = page.get_by_role("alert")
    expect(replaced).to_contain_text("channel-owner wrote revision 2")
    expect(replaced).to_contain_text("−3,900")
    assert now(proposal) == "edited"
    page.get_by_role("button", name="Approve").click()
    becomes(page, proposal, "Approved")


def test_the_kill_switch_is_one_click_and_one_confirmation_away(open_as: OpenAs, proposal: Proposal) -> None:
    page = open_as("boss", address(proposal))
    page.get_by_role("link", name="Stop shipping").click()
    page.get_by_label("Why").fill("Something looks wrong.")
    page.get_by_role("button", name="Stop shipping").click()
    expect(page.get_by_role("listitem").filter(has_text="Stopped: everywhere")).to_be_visible()

    reader = open_as("channel-owner", address(proposal))
    bar = reader.get_by_role("complementary", name="Kill switch")
    expect(bar).to_contain_text("All shipping is stopped.")
    expect(bar).to_contain_text("Something looks wrong.")
    expect(bar.get_by_role("link", name="Release")).to_have_count(0)

    page.goto("/admin/")
    page.get_by_role("link", name="Release").click()
    reason, dialog = page.get_by_role("textbox").bounding_box(), page.locator(".switch-dialog form").bounding_box()
    assert reason["width"] == dialog["width"]
    page.get_by_role("textbox").fill("It was a false alarm.")
    page.get_by_role("button", name="Ask a second person").click()
    expect(page.get_by_role("complementary", name="Kill switch")).to_contain_text("All shipping is stopped.")

    second = open_as("second-boss", "/admin/policies/publish/")
    second.get_by_role("button", name="Agree").click()
    expect(second.get_by_role("complementary", name="Kill switch")).to_contain_text("Shipping is on")


def test_a_phone_shows_everything_without_scrolling_sideways(open_as: OpenAs, proposal: Proposal) -> None:
    page = open_as("boss", "/admin/", viewport=PHONE, has_touch=True)
    for place in ("/admin/", address(proposal, "edit/"), "/admin/switches/engage/", address(proposal)):
        page.goto(place)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], place
    for button in page.locator(".decide .button:visible").all():
        assert button.bounding_box()["height"] >= 24
    page.get_by_role("button", name="Approve").tap()
    becomes(page, proposal, "Approved")


def test_everything_works_without_javascript(open_as: OpenAs, proposal: Proposal) -> None:
    page = open_as("channel-owner", address(proposal), java_script_enabled=False)
    page.get_by_text("Send back…").click()
    page.get_by_label("What the agent should change").fill("Half of it, please.")
    page.get_by_role("button", name="Send back to the agent").click()
    becomes(page, proposal, "Returned")


def test_what_an_agent_writes_is_text_and_nothing_else(open_as: OpenAs, world: World) -> None:
    attack = "<script>alert(1)</script><img src=https://evil.example/x onerror=alert(2)>'\"{{ 7|add:7 }}"
    proposal = world.propose(
        "ads.budget",
        title=attack,
        rationale=attack,
        evidence=[{"label": attack, "value": attack, "url": "javascript:alert(3)"}],
        metrics=[{"name": attack, "current": 1, "projected": attack, "unit": attack}],
        expected_outcome={"metric": attack, "low": attack, "high": attack},
        targets=(attack,),
        trigger={attack: attack},
        model={"name": attack},
        content={"payload": {attack: attack, "html": attack * 50}, "before": {attack: "1", "html": attack}},
    )
    page = open_as("channel-owner", address(proposal))
    expect(page.get_by_role("heading", level=1)).to_have_text(attack)
    assert page.locator("a[href^='javascript']").count() == 0
    page.goto(address(proposal, "edit/"))
    page.goto("/admin/approvals/proposal/")
    expect(page.locator(".row-title")).to_have_text(attack)


def test_the_pages_of_the_policy_are_quiet_too(open_as: OpenAs, world: World) -> None:
    world.owner.is_superuser = True
    world.owner.save()
    page = open_as(world.owner)
    for place in (
        "policies/surface/ads.budget/change/", "policies/surface/add/", "policies/agent/pacer/change/",
        "policies/connector/ads/change/", "policies/policyversion/", "policies/killswitch/", "policies/tier/add/",
        "audit/entry/", "approvals/dispatch/", "policies/historicalsurface/",
    ):  # fmt: skip
        assert page.goto(f"/admin/{place}").status == 200


def test_axe_finds_nothing_to_complain_of(open_as: OpenAs, world: World, proposal: Proposal) -> None:
    signed = world.propose("pricing", title="Raise the price")
    places = ["/admin/", address(proposal), address(signed), address(proposal, "edit/"), "/admin/switches/engage/"]
    for scheme, looked_at in (("light", places), ("dark", places[1:2])):
        # Axe is put into the page, which the portal's own policy would forbid.
        page = open_as("boss", looked_at[0], color_scheme=scheme, bypass_csp=True)
        for place in looked_at:
            page.goto(place)
            for folded in page.locator("details").all():
                folded.evaluate("element => { element.open = true }")
            found = Axe().run(page).response["violations"]
            assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], (scheme, place)
