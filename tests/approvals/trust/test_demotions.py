"""What was earned is lost at once and by itself, told to those who answer for it, and earned back only slowly."""

from datetime import timedelta

import pytest
from django.utils import timezone

from approvals.models import Demotion, Notice, Proposal, Recommendation, TrustCase, TrustFigures
from approvals.notices import occasions
from approvals.shipping import claims
from approvals.trust import demotions, figures, recalculation
from approvals.trust.counts import Pair
from audit.models import Entry
from policies.models import Agent, Mandate, Surface
from tests import world as worlds
from tests.approvals.trust import lives
from tests.approvals.trust.earning import add_up, past
from tests.world import World

pytestmark = pytest.mark.django_db
PAIR = Pair("pacer", "ads.budget")


@pytest.fixture
def world() -> World:
    world = lives.build()
    Mandate.objects.filter(surface="ads.budget").update(tier_id="monitored")
    return world


def look() -> str:
    """Return why the agent was demoted, or nothing."""
    figures.refresh([PAIR])
    demotions.demote_due()
    last = Demotion.objects.first()
    return last.why if last else ""


def tier() -> str:
    return Mandate.objects.get(surface="ads.budget", agent="pacer").tier_id


def problem(**fields: object) -> None:
    case = TrustCase.objects.order_by("-settled_at").first()
    TrustCase.objects.filter(pk=case.pk).update(is_right=False, problem_at=timezone.now(), **fields)
    add_up()


def test_a_good_agent_keeps_what_it_has(world):
    past([True] * 300)
    assert look() == ""
    assert tier() == "monitored"


def test_a_drop_is_seen_within_fifty_decisions(world):
    past([True] * 300, days=60, until=timezone.now() - timedelta(days=1))
    past([number % 5 < 3 for number in range(50)], days=0.9)
    assert look() == "drift"
    assert tier() == "single"


def test_one_incident_is_enough(world):
    past([True] * 300)
    problem(has_incident=True)
    assert look() == "incident"


def test_an_incident_of_an_old_action_counts_when_it_is_reported(world):
    past([True] * 300)
    worlds.trust("pacer", "ads.budget", "autopilot")
    case = TrustCase.objects.order_by("settled_at").first()
    TrustCase.objects.filter(pk=case.pk).update(is_right=False, problem_at=timezone.now(), has_incident=True)
    assert look() == "incident"


def test_what_was_wrong_before_it_was_trusted_is_no_news(world):
    past([True] * 300)
    problem(has_incident=True)
    worlds.trust("pacer", "ads.budget", "autopilot")
    assert look() == ""


@pytest.mark.parametrize(("is_grave", "why"), [(True, "roll_back"), (False, "")])
def test_one_roll_back_is_enough_where_it_is_grave(world, is_grave, why):
    Surface.objects.filter(pk="ads.budget").update(is_irreversible=is_grave)
    past([True] * 300)
    problem(is_rolled_back=True)
    assert look() == why


def test_many_roll_backs_are_too_many_anywhere(world):
    past([True] * 300)
    ids = list(TrustCase.objects.order_by("settled_at").values_list("pk", flat=True)[::8])
    TrustCase.objects.filter(pk__in=ids).update(is_rolled_back=True, problem_at=timezone.now() - timedelta(days=5))
    add_up()
    assert look() == "roll_backs"


def test_a_new_version_of_the_model_inherits_nothing(world):
    past([True] * 300, model="pacer 1")
    worlds.trust("pacer", "ads.budget", "autopilot")
    world.propose(model={"name": "pacer", "version": "2"})
    recalculation.recalculate()
    demotion = Demotion.objects.get()
    assert (demotion.why, demotion.evidence["models"], tier()) == ("model", ["pacer 2"], "single")


def test_confidence_that_has_lost_its_meaning_is_no_ground(world):
    past([True] * 300, confidence=0.6)
    assert look() == "calibration"


def test_too_many_problems_on_a_surface_stop_everything_there(world):
    Agent.objects.create(slug="other", name="Other", owner=world.owner)
    Mandate.objects.create(agent_id="other", surface_id="ads.budget", tier_id="monitored")
    past([True] * 300)
    past([True] * 300, agent="other")
    for _ in range(3):
        problem(is_rolled_back=True)
        rows = TrustCase.objects.filter(problem_at__isnull=False)
        TrustCase.objects.filter(pk=rows.latest("settled_at").pk).update(settled_at=timezone.now() - timedelta(days=1))
    figures.refresh([PAIR, Pair("other", "ads.budget")])
    demotions.demote_due()
    assert {row.agent_id: row.why for row in Demotion.objects.all()} == {"pacer": "surface", "other": "surface"}


def test_what_people_decide_anyway_is_not_taken_back(world):
    Mandate.objects.filter(surface="ads.budget").update(tier_id="batch")
    past([False] * 50)
    assert look() == ""


def test_a_mandate_that_somebody_changed_meanwhile_is_left_alone(world):
    past([True] * 300)
    problem(has_incident=True)
    figures.refresh([PAIR])
    Mandate.objects.filter(surface="ads.budget").update(tier_id="signature")
    assert demotions.demote_due() == 0
    assert tier() == "signature"
    assert demotions.demote_due() == 0 and TrustFigures.objects.get(surface="ads.budget").loss is None


def test_it_is_written_down_and_told(world):
    proposal = lives.propose(world)
    world.approve(proposal)
    lives.ship_all()
    lives.report(proposal, kind="incident")
    recalculation.recalculate()
    entries = {entry.kind: entry for entry in Entry.objects.filter(actor="system", subject="agent:pacer")}
    assert entries["trust.demoted"].data["why"] == "incident"
    assert entries["mandate.given"].data == {
        "surface": "ads.budget", "tier": "single", "before": "monitored", "why": "trust:incident",
    }  # fmt: skip
    while occasions.fan_out():
        pass
    notices = Notice.objects.filter(kind="demoted")
    assert {notice.person.username for notice in notices} == {
        "channel-owner", "other-channel-owner", "agent-owner", "reporter",
    }  # fmt: skip
    assert "lost monitored on ads.budget" in notices[0].note


def test_what_waits_to_ship_is_held_back_at_once(world):
    world.enforce(surfaces={"ads.budget": {"tier": "autopilot"}})
    shipped = lives.propose(world)
    assert shipped.state == "approved"
    Mandate.objects.filter(surface="ads.budget").update(tier_id="autopilot")
    fast = lives.propose(world)
    lives.ship_all()
    assert Proposal.objects.get(pk=fast.pk).state == "shipped"
    waits = lives.propose(world)
    lives.report(fast, kind="incident")
    recalculation.recalculate()
    assert tier() == "single"
    assert claims.claim_next(worker="test", kind="webhook") is None
    assert Proposal.objects.get(pk=waits.pk).state == "pending"


def test_what_was_lost_is_not_recommended_before_it_has_cooled_down(world):
    past([True] * 300)
    problem(has_incident=True)
    look()
    past([True] * 200, days=0.01)
    recalculation.recalculate()
    figures.refresh([PAIR])
    asks = {row["ask"] for row in TrustFigures.objects.get(surface="ads.budget").missing}
    assert {"cool_down", "quiet", "days"} <= asks
    assert not Recommendation.objects.exists()


def test_a_demotion_is_never_changed(world):
    past([True] * 300)
    problem(has_incident=True)
    look()
    with pytest.raises(Exception, match=r"immutable|Cannot"):
        Demotion.objects.update(why="drift")
