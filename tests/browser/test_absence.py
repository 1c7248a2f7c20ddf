"""The absence page in a real browser: a stand-in is named in a minute, at a desk and on a phone."""

import pytest
from playwright.sync_api import expect

from approvals.models import Absence
from tests import world as worlds
from tests.browser.conftest import PHONE

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("options", [{}, {"viewport": PHONE}], ids=["desk", "phone"])
def test_somebody_says_who_decides_for_them(world, open_as, options):
    worlds.person("stand-in", "Finance")
    page = open_as(world.owner, "/admin/absence/", **options)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.get_by_label("From").fill("2099-07-01T09:00")
    page.get_by_label("Until").fill("2099-07-03T17:00")
    page.get_by_label("Who decides in the meantime").select_option("stand-in")
    page.get_by_text("Only for some roles or surfaces").click()
    page.get_by_label("ads.budget").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("stand-in decides in the meantime")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    absence = Absence.objects.get()
    assert (absence.person, absence.delegate.username, absence.surfaces) == (world.owner, "stand-in", ["ads.budget"])
    page.get_by_role("button", name="End it").click()
    expect(page.get_by_text("Ended.")).to_be_visible()
