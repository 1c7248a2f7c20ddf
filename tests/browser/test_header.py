"""The head of every page on a phone: small, and nothing in it too small or over another."""

import pytest
from django.contrib.auth.models import User

from approvals.notices import occasions
from tests.browser.conftest import PHONE, OpenAs
from tests.world import World

TARGETS = """() => [...document.querySelectorAll("#header a, #header button")]
    .filter(element => element.checkVisibility() && element.getClientRects().length)
    .map(element => [element.textContent.trim().split(/\\s/)[0], element.getBoundingClientRect()])
    .map(([name, at]) => ({name, left: at.left, right: at.right, top: at.top, bottom: at.bottom}))"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 390, 430])
def test_on_a_phone_the_head_is_low_and_everything_in_it_can_be_hit(
    open_as: OpenAs, world: World, width: int, scheme: str
) -> None:
    User.objects.filter(pk=world.owner.pk).update(is_superuser=True)
    world.propose()
    occasions.fan_out()
    page = open_as("channel-owner", "/admin/", viewport={**PHONE, "width": width}, color_scheme=scheme)
    header = page.locator("#header").bounding_box()
    assert header is not None
    assert header["height"] <= 0.12 * PHONE["height"]
    targets = page.evaluate(TARGETS)
    assert {"HITL", "Inbox", "Log", "Desk", "Decisions", "Policy"} <= {one["name"] for one in targets}
    for one in targets:
        assert min(one["right"] - one["left"], one["bottom"] - one["top"]) >= 24, one["name"]
        for other in targets:
            is_apart = (
                one["right"] <= other["left"] or other["right"] <= one["left"]
                or one["bottom"] <= other["top"] or other["bottom"] <= one["top"]
            )  # fmt: skip
            assert is_apart or one is other, (one["name"], other["name"])
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert max(one["right"] for one in targets) <= width, "with all that somebody may open"
