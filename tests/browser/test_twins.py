"""What a reviewer is told of others and what a preview leaves out, in a browser: light, dark, wide and on a phone."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from approvals.shipping import claims, dispatches
from policies.models import Surface
from tests.browser.conftest import PHONE, OpenAs
from tests.world import World

HTML = (
    "<style>.gone { display: none }</style><div class='gone'>Only today: 90 % off</div><p>Hello {{ first_name }}.</p>"
    "<!--[if mso]><p>For ever <a href='https://offers.example/pay/with/a/long/way/to/go/and/then/some'>pay</a></p><![endif]-->"
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_same_again_and_a_moved_figure_are_readable(open_as: OpenAs, world: World, scheme: str) -> None:
    Surface.objects.filter(pk="ads.budget").update(card="email")
    mail = {"payload": {"subject": "Spring", "html": HTML, "note": "x" * 60 + " " * 30_000 + "the tail"}}
    shipped = world.propose(title="Another one", targets=("segment:vip",))
    one = world.propose(title="Spring mail to the regulars", content=mail, targets=("segment:vip",))
    world.propose(title="Spring mail to the regulars, once more " * 4, content=mail)
    world.approve(shipped)
    claim = claims.claim_next(worker="test", kind="webhook")
    dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={})
    # Axe is put into the page, which the portal's own policy would forbid.
    page = open_as("channel-owner", "/admin/", color_scheme=scheme, bypass_csp=True)
    for address in (f"/admin/approvals/proposal/{one.pk}/", f"/admin/desk/{one.pk}/"):
        page.set_viewport_size({"width": 1360, "height": 850})
        page.goto(address)
        assert page.get_by_role("heading", name="Duplicate proposals").is_visible()
        assert page.get_by_role("heading", name="Changed since").is_visible()
        assert page.get_by_text("Not in the preview, but some readers see it").is_visible()
        found = Axe().run(page).response["violations"]
        assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
        page.set_viewport_size(PHONE)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_one_click_rejects_the_other_one(open_as: OpenAs, world: World) -> None:
    mail = {"payload": {"template": "spring"}}
    one, other = (world.propose(title=title, content=mail) for title in ("One", "Other"))
    page = open_as("channel-owner", f"/admin/approvals/proposal/{one.pk}/")
    page.get_by_role("button", name="Reject the other one: Other").click()
    page.get_by_role("heading", name="Other").wait_for()
    other.refresh_from_db()
    assert other.state == "rejected"
