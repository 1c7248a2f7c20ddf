"""Every page of our own, looked at by axe, by keyboard, and by who hears it: light and dark, wide and narrow."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.core.cache import cache
from playwright.sync_api import Page

from approvals.messaging import decision_links
from approvals.models import Proposal
from approvals.replays import runner
from audit.clock import database_now
from policies.models import Guardrail, ReplayRun, Surface
from policies.publishing import publish, replay_runs
from policies.registry import kill_switches
from tests import world as worlds
from tests.approvals.admin.editing.test_form import PAYLOAD, SCHEMA
from tests.approvals.uploads import bulk
from tests.browser.conftest import DESK, PHONE, OpenAs
from tests.browser.test_dials import shipped
from tests.world import World

pytestmark = pytest.mark.timeout(400)


@dataclass(frozen=True, slots=True)
class Scene:
    """What there is to look at, and who looks: somebody who may do everything."""

    person: User
    plain: Proposal
    signed: Proposal
    rival: Proposal
    marked: Proposal
    editable: Proposal
    replay: ReplayRun
    link: str
    rows: Proposal
    shipped: Proposal


# One line for each page: what it is called here, and where it is.
PROPOSAL = "/admin/approvals/proposal/"
PLACES = {
    "home": "/admin/",
    "proposals": PROPOSAL,
    "decisions": "/admin/approvals/decision/",
    "dispatches": "/admin/approvals/dispatch/",
    "review": PROPOSAL + "{scene.plain.pk}/",
    "review-signature": PROPOSAL + "{scene.signed.pk}/",
    "review-conflict": PROPOSAL + "{scene.rival.pk}/",
    "review-findings": PROPOSAL + "{scene.marked.pk}/",
    "edit": PROPOSAL + "{scene.editable.pk}/edit/",
    "edit-json": PROPOSAL + "{scene.plain.pk}/edit/?as=json",
    "publish": "/admin/policies/publish/",
    "replay": "/admin/policies/replay/{scene.replay.pk}/",
    "switches": "/admin/switches/",
    "stop": "/admin/switches/engage/",
    "release": "/admin/switches/release/surface:pricing/",
    "rule": "/admin/policies/rule/add/",
    "surface": "/admin/policies/surface/ads.budget/change/",
    "agent": "/admin/policies/agent/pacer/change/",
    "agent-owner": "/admin/policies/agent/pacer/owner/",
    "ledger": "/admin/audit/entry/",
    "people-history": "/admin/policies/accesschange/",
    "tunings": "/admin/policies/tuning/",
    "tuning": "/admin/policies/tuning/add/",
    "rows": PROPOSAL + "{scene.rows.pk}/rows/rows/",
    "review-rows": PROPOSAL + "{scene.rows.pk}/",
    "outcome": PROPOSAL + "{scene.shipped.pk}/outcome/",
    "touchpoints": "/admin/touchpoints/",
    "desk": "/admin/desk/",
    "quick": "/admin/desk/quick/",
    "batch": "/admin/desk/batch/?id={scene.plain.pk}&id={scene.rival.pk}",
    "monitor": "/admin/monitor/",
    "trust": "/admin/trust/",
    "trust-pair": "/admin/trust/pacer/ads.budget/",
    "standing-approvals": "/admin/trust/standing-approvals/",
    "digest": "/admin/monitor/digest/",
    "inbox": "/admin/inbox/",
    "preferences": "/admin/preferences/",
    "absence": "/admin/absence/",
    "account": "/account/",
    "sessions": "/account/sessions/",
    "password": "/admin/password_change/",
    "health": "/admin/health/",
    "requirements": "/admin/policies/requirement/",
    "requirement": "/admin/policies/requirement/add/",
    "escalation": "/admin/policies/escalation/add/",
    "calendars": "/admin/policies/calendar/",
    "calendar": "/admin/policies/calendar/add/",
    "notice-rule": "/admin/approvals/noticerule/add/",
    "outside-address": "/admin/approvals/outsideaddress/add/",
    "channels": "/admin/approvals/channelhealth/",
    "dead-letters": "/admin/approvals/noticedelivery/",
    "message": "/decide/{scene.link}/",
}
PARTS = 4
QUARTERS = pytest.mark.parametrize("names", [list(PLACES)[part::PARTS] for part in range(PARTS)], ids=range(PARTS))
SIZES = pytest.mark.parametrize("size", [pytest.param(DESK, id="desk"), pytest.param(PHONE, id="phone")])
AXE = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
# What a theme changes: colours, and nothing else.
COLOURS = {"resultTypes": ["violations"], "runOnly": ["color-contrast", "link-in-text-block"]}
# What is in Django's own templates, is no failure of WCAG, and cannot be mended by a style sheet.
DJANGOS = {"agent": {"empty-table-header"}}


@pytest.fixture
def scene(world: World) -> Scene:
    return build(world)


def build(world: World) -> Scene:
    """Make something of everything that the pages can show."""
    cache.clear()
    world.owner.is_superuser = True
    world.owner.save()
    world.surface("email.tests", "single", payload_schema=SCHEMA, editor_may_approve=True)
    Guardrail.objects.create(
        slug="promises", kind="forbidden_phrases", config={"phrases": ["guaranteed"]}, effect="flag",
        text="Promises nothing for certain.",
    )  # fmt: skip
    worlds.publish()
    moved = {"payload": {"to": "social", "amount": 4000}, "before": {"to": "search", "amount": 2000}}
    plain = world.propose(title="Move $4,000 from Search to Social", rationale="Social is cheaper.", content=moved)
    rivals = [
        world.propose(
            title=title,
            targets=("campaign:social",),
            content={"payload": {"headline": text, "amount": amount}, "before": {"headline": "Come in", "amount": 100}},
        )
        for title, text, amount in (("More for Social", "Come in and see", 900), ("Less for Social", "Come later", 50))
    ]
    marked = world.propose(
        title="A promise", content={"payload": {"text": "Your money back, guaranteed, within a day."}}
    )
    world.decide(world.propose(title="Not this one"), "reject", reason_code="too_risky")
    signed = world.propose("pricing", title="Raise the price")
    editable = world.propose("email.tests", title="Win back", content={"payload": PAYLOAD})
    bulk.surface(world)
    rows = bulk.propose(world, bulk.upload(world, 60))
    done = shipped(world)
    kill_switches.engage(scope="surface:pricing", by=world.owner, reason="Wrong prices were shipped.")
    Surface.objects.filter(pk="ads.budget").update(tier="batch")
    run = replay_runs.ask(document=publish.document(), by=world.owner)
    runner.run_next()
    link = decision_links.issue(person=world.owner, proposal=plain, via="email", at=database_now())
    return Scene(world.owner, plain, signed, rivals[1], marked, editable, run, link, rows, done)


def unfold(page: Page) -> None:
    """Open what is folded: it has to be right as well."""
    page.evaluate("document.querySelectorAll('details:not([name])').forEach(one => { one.open = true })")


DRAWN = "new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))"


@SIZES
@QUARTERS
def test_axe_finds_nothing_to_complain_of_and_nothing_scrolls_sideways(
    open_as: OpenAs, scene: Scene, size: dict[str, int], names: list[str]
) -> None:
    """Light and then dark: every page is fetched once, which takes longer than looking at it."""
    # Axe is put into the page, which the portal's own policy would forbid.
    page = open_as(
        scene.person, "/admin/", color_scheme="light", reduced_motion="reduce", viewport=size, bypass_csp=True
    )
    found: dict[str, list[Any]] = {}
    for name in names:
        page.emulate_media(color_scheme="light")
        page.goto(PLACES[name].format(scene=scene))
        unfold(page)
        said = _violations(page, AXE, but=DJANGOS.get(name, frozenset()))
        if (width := page.evaluate("document.documentElement.scrollWidth")) > size["width"]:
            said.append(f"scrolls sideways: {width} px")
        page.emulate_media(color_scheme="dark")
        page.evaluate(DRAWN)
        said += [("dark", *one) for one in _violations(page, COLOURS)]
        if said:
            found[name] = said
    assert found == {}


def _violations(page: Page, options: dict[str, Any], *, but: Collection[str] = ()) -> list[Any]:
    violations = Axe().run(page, options=options).response["violations"]
    return [
        (one["id"], [node["html"][:160] for node in one["nodes"]][:3]) for one in violations if one["id"] not in but
    ]


CONTROLS = {
    "button", "link", "textbox", "combobox", "checkbox", "radio", "spinbutton", "searchbox", "listbox", "menuitem",
    "Date", "DisclosureTriangle", "slider", "switch", "tab",
}  # fmt: skip


def test_every_control_has_a_name(open_as: OpenAs, scene: Scene) -> None:
    """As Chromium tells it to a screen reader."""
    page = open_as(scene.person, "/admin/")
    session = page.context.new_cdp_session(page)
    nameless = []
    for name, place in PLACES.items():
        page.goto(place.format(scene=scene))
        unfold(page)
        nodes = session.send("Accessibility.getFullAXTree")["nodes"]
        controls = [node for node in nodes if not node.get("ignored") and node["role"]["value"] in CONTROLS]
        assert controls, name
        nameless += [(name, node["role"]["value"]) for node in controls if not node["name"]["value"].strip()]
    assert nameless == []


FOCUSED = """() => {
    const element = document.activeElement;
    if (!element || element === document.body) { return null; }
    const style = getComputedStyle(element);
    // A date has several stops; the round is over when an element comes back after others.
    const isAgain = element.dataset.reached === "1" && element !== window.lastReached;
    element.dataset.reached = "1";
    window.lastReached = element;
    return {
        html: element.outerHTML.slice(0, 160),
        outline: style.outlineStyle !== "none" ? parseFloat(style.outlineWidth) : 0,
        shadow: style.boxShadow !== "none",
        isAgain,
    };
}"""
UNREACHED = """() => [...document.querySelectorAll(
        "a[href], button, input:not([type=hidden]), select, textarea, summary")]
    .filter(element => !element.dataset.reached && !element.disabled && element.tabIndex >= 0
        && element.type !== "radio" && element.checkVisibility({visibilityProperty: true})
        && element.getClientRects().length)
    .map(element => element.outerHTML.slice(0, 160))"""


@QUARTERS
def test_the_keyboard_reaches_every_control_and_shows_where_it_is(
    open_as: OpenAs, scene: Scene, names: list[str]
) -> None:
    page = open_as(scene.person, "/admin/")
    unseen: dict[str, Any] = {}
    for name in names:
        page.goto(PLACES[name].format(scene=scene))
        unfold(page)
        rounds = 0
        for _ in range(400):
            page.keyboard.press("Tab")
            at = page.evaluate(FOCUSED)
            if at is None and not rounds:  # a page that begins in a field is gone round once more, from its top
                rounds += 1
                continue
            if at is None or at["isAgain"]:
                break
            if at["outline"] < 2 and not at["shadow"]:
                unseen.setdefault(name, []).append(at["html"])
        if left := page.evaluate(UNREACHED):
            unseen.setdefault(name, []).extend(f"not reached: {html}" for html in left[:5])
    assert unseen == {}
