"""Every card in a browser: nothing for axe to find, in light and dark, and nothing wider than a phone."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from policies.models import Surface
from tests.approvals.cards.test_cards import PAYLOADS
from tests.browser.conftest import PHONE, OpenAs
from tests.world import World


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_card_is_accessible_and_fits_a_phone(open_as: OpenAs, world: World, scheme: str) -> None:
    # Axe is put into the page, which the portal's own policy would forbid.
    page = open_as("channel-owner", "/admin/", color_scheme=scheme, bypass_csp=True)
    for card, (payload, before, _) in PAYLOADS.items():
        Surface.objects.filter(pk="ads.budget").update(card=card)
        proposal = world.propose(content={"payload": payload, "before": before}, currency="USD", title=card)
        page.set_viewport_size({"width": 1360, "height": 850})
        page.goto(f"/admin/approvals/proposal/{proposal.pk}/")
        for folded in page.locator("details").all():
            folded.evaluate("element => { element.open = true }")
        found = Axe().run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], card
        page.set_viewport_size(PHONE)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], card
