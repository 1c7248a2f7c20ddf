"""The map of AI touchpoints: what stands in it, who sees it, and what it costs."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from approvals.models import Outcome
from approvals.outcomes import reports, touchpoints
from audit.clock import database_now
from audit.models import Entry
from policies.models import Agent, Mandate, Surface
from policies.publishing import publish
from policies.registry import agents
from tests import world as worlds
from tests.approvals.lifecycle.test_life import ship
from tests.world import OWNER, World, signed_in

pytestmark = pytest.mark.django_db
MAP = "/admin/touchpoints/"


@pytest.fixture
def world() -> World:
    return worlds.build()


@pytest.fixture
def seer(world: World) -> User:
    return worlds.person("seer", permissions=("view_all_proposals", "view_mandate", "view_proposal"))


def row(surface: str = "ads.budget") -> Any:
    (found,) = [one for one in touchpoints.touchpoints(at=database_now()) if one.surface == surface]
    return found


def test_every_mandate_is_a_touchpoint_under_the_strictest_tier(world):
    Mandate.objects.filter(surface="pricing").update(tier_id="human_only")
    rows = touchpoints.touchpoints(at=database_now())
    assert [(one.surface, one.tier.slug, one.tier.posture) for one in rows] == [
        ("ads.budget", "single", "in"), ("email.lifecycle", "monitored", "on"), ("pricing", "human_only", "in"),
    ]  # fmt: skip
    assert (rows[0].agent, rows[0].owner, rows[0].agent_owner) == ("pacer", OWNER, "agent-owner")


def test_volume_counts_thirty_days_and_models_are_those_last_seen(world):
    for version in ("2026-10-01", "2026-11-01", "2026-11-01"):
        world.propose(model={"name": "pacer", "version": version})
    world.propose()
    assert (row().proposals, row().models) == (4, ("pacer 2026-10-01", "pacer 2026-11-01"))
    rows = touchpoints.touchpoints(at=database_now() + touchpoints.WINDOW + timedelta(seconds=1))
    assert [one.proposals for one in rows] == [0, 0, 0]


def test_risk_is_what_the_surface_touches(world):
    Surface.objects.filter(slug="ads.budget").update(spends_money=True, is_irreversible=True)
    assert (row().risks, row().is_high_risk) == (("it spends money", "it cannot be undone"), True)
    assert (row("pricing").risks, row("pricing").is_high_risk) == ((), False)


def test_the_last_incident_is_the_latest_that_nobody_corrected(world):
    reporter = worlds.person("reporter", OWNER, permissions=("report_outcome",))
    proposal = world.propose()
    world.approve(proposal)
    ship(world)
    said = {"proposal_id": proposal.pk, "by": reporter, "metric": "Incident", "value": 1.0, "unit": ""}
    first = reports.report_as_person(
        kind=Outcome.Kind.COMPLAINT, note="A customer wrote.", observed_at=proposal.created_at, **said
    )
    assert (row().incident, row().incident_proposal) == ("complaint", proposal.pk)
    at = database_now()
    second = reports.report_as_person(kind=Outcome.Kind.INCIDENT, note="Overspent.", observed_at=at, **said)
    assert (row().incident, row().incident_at) == ("incident", at)
    for wrong in (first, second):
        reports.report_as_person(kind=Outcome.Kind.MEASURED, note="", observed_at=at, corrects=wrong.pk, **said)
    assert (row().incident, row().incident_at) == ("", None)


def test_what_has_lost_its_mandate_stays_while_it_is_recent(world):
    world.propose()
    Mandate.objects.filter(surface="ads.budget").delete()
    assert (row().has_mandate, row().tier, row().proposals) == (False, None, 1)


def test_the_page_and_the_export_say_the_same(world, seer):
    world.propose(model={"name": "=pacer", "version": "1"})
    agents.suspend(agent=world.agent, by=world.owner)
    client = signed_in(seer)
    page = client.get(MAP).content.decode()
    assert "Budget pacer" in page and "=pacer 1" in page and "suspended" in page and "in the loop" in page
    answer = client.post(MAP, {"format": "csv"})
    lines = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    assert [line["surface"] for line in lines] == ["ads.budget", "email.lifecycle", "pricing"]
    assert (lines[0]["posture"], lines[0]["proposals_30_days"], lines[0]["model_versions"]) == (
        "in the loop", "1", "'=pacer 1",
    )  # fmt: skip
    entry = Entry.objects.get(kind="touchpoints.exported")
    assert (entry.actor_name, entry.data["rows"]) == ("seer", 3)


def test_who_may_not_see_everything_has_neither_page_nor_menu(world, seer):
    assert signed_in(world.owner).get(MAP).status_code == 403
    assert MAP not in signed_in(world.owner).get("/admin/monitor/").content.decode()
    assert MAP in signed_in(seer).get("/admin/monitor/").content.decode()


def test_more_agents_and_proposals_cost_no_more_queries(world, django_assert_num_queries):
    at = database_now()
    publish.active_policy()  # compiled once in a process
    with django_assert_num_queries(3):
        touchpoints.touchpoints(at=at)
    for number in range(5):
        agent = Agent.objects.create(slug=f"agent-{number}", name="x", owner=world.owner)
        for surface in world.surfaces.values():
            Mandate.objects.create(agent=agent, surface=surface, tier_id="single")
        world.propose()
    with django_assert_num_queries(3):
        assert len(touchpoints.touchpoints(at=at)) == 18
