"""The pages of the kill switch: what stops, what is already out, and what everybody sees of it."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from approvals.models import Dispatch
from approvals.shipping import claims
from policies.models import KillSwitch
from policies.registry import kill_switches
from tests import world as worlds
from tests.world import World, signed_in

pytestmark = pytest.mark.django_db

ENGAGE = "/admin/switches/engage/"
MAY = ("engage_killswitch", "release_killswitch", "ask_loosening")


@pytest.fixture
def world() -> World:
    """Two dispatches wait on ads.budget and one on pricing; one more is on its way."""
    world = worlds.build()
    world.approve(world.propose(title="Out"))
    assert claims.claim_next(worker="test", kind="webhook") is not None
    for title in ("First", "Second"):
        world.approve(world.propose(title=title))
    world.approve(world.propose("pricing", title="Dear"), is_signed=True, comment="Agreed.")
    return world


@pytest.fixture
def boss(world: World) -> Client:
    return signed_in(worlds.person("boss", worlds.OWNER, permissions=MAY))


def said(html: str) -> str:
    """Return the words of a page, without its tags and with single spaces."""
    text = html
    for tag in ("<strong>", "</strong>", "<li>", "</li>"):
        text = text.replace(tag, " ")
    return " ".join(text.split())


@pytest.mark.parametrize(
    ("scope", "waiting", "claimed"),
    [("everywhere", 3, 1), ("surface:ads.budget", 2, 1), ("surface:pricing", 1, 0), ("agent:pacer", 3, 1)],
)
def test_the_dialog_tells_what_stops_and_what_is_out_for_the_chosen_scope(
    boss: Client, scope: str, waiting: int, claimed: int
) -> None:
    whole = said(boss.get(f"{ENGAGE}?scope={scope}").content.decode())
    part = boss.get(f"{ENGAGE}?scope={scope}", headers={"HX-Request": "true", "HX-Target": "numbers"})
    for page in (whole, said(part.content.decode())):
        assert f"{waiting} approved action" in page
        assert f"{claimed} {'is' if claimed == 1 else 'are'} already shipping" in page
    assert "<html" not in part.content.decode()


def test_the_numbers_of_every_scope_are_on_the_page_for_who_has_no_javascript(boss: Client) -> None:
    page = boss.get(ENGAGE).content.decode()
    for row in ("Surface ads.budget</th><td>2</td><td>1</td>", "Agent pacer</th><td>3</td><td>1</td>"):
        assert row in page


def test_looking_at_numbers_stops_nothing(boss: Client) -> None:
    boss.get(f"{ENGAGE}?scope=surface:pricing&reason=x", headers={"HX-Target": "numbers"})
    boss.get(f"{ENGAGE}?scope=nowhere")
    assert not KillSwitch.objects.filter(is_engaged=True).exists()


def test_stopping_needs_a_reason_and_keeps_what_was_chosen(boss: Client) -> None:
    page = boss.post(ENGAGE, {"scope": "surface:pricing", "reason": "  "}).content.decode()
    assert '<option value="surface:pricing" selected>' in page
    assert "This field is required." in page
    assert not KillSwitch.objects.filter(is_engaged=True).exists()


def test_what_is_stopped_waits_and_everybody_sees_why_on_every_page(world: World, boss: Client) -> None:
    boss.post(ENGAGE, {"scope": "surface:ads.budget", "reason": "Wrong prices."})
    claim = claims.claim_next(worker="test", kind="webhook")
    assert claim is not None and claim.dispatch.proposal.surface_id == "pricing"
    assert claims.claim_next(worker="test", kind="webhook") is None
    assert Dispatch.objects.filter(status="waiting").count() == 2
    reader = signed_in(world.owner)
    for address in ("/admin/", "/admin/approvals/proposal/", "/admin/switches/", "/admin/password_change/"):
        page = reader.get(address).content.decode()
        assert "Shipping on ads.budget is stopped." in page, address
        assert "Wrong prices." in page, address


def test_a_switch_that_is_engaged_is_not_offered_again(boss: Client) -> None:
    boss.post(ENGAGE, {"scope": "surface:pricing", "reason": "A test."})
    page = boss.get(f"{ENGAGE}?scope=surface:pricing").content.decode()
    assert '<option value="surface:pricing"' not in page
    assert "This is already stopped." in page


def test_the_list_says_what_each_switch_holds_and_whether_its_release_was_asked(boss: Client) -> None:
    kill_switches.engage(scope="surface:pricing", by=User.objects.get(username="boss"), reason="A test.")
    page = boss.get("/admin/switches/").content.decode()
    assert '<td data-label="Held back">1</td>' in page
    assert '<td data-label="Already out">0</td>' in page
    assert "/admin/switches/release/surface:pricing/" in page
    boss.post("/admin/switches/release/surface:pricing/", {"note": "It is over."})
    page = boss.get("/admin/switches/").content.decode()
    assert "needs a second person" in page
    assert KillSwitch.objects.get(scope="surface:pricing").is_engaged


def test_who_may_not_stop_is_not_offered_to(world: World) -> None:
    reader = signed_in(world.owner)
    assert reader.get(ENGAGE).status_code == 403
    assert ENGAGE not in reader.get("/admin/switches/").content.decode()
    assert reader.get("/admin/switches/release/everywhere/").status_code == 403
