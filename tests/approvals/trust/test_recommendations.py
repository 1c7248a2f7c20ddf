"""A step that was earned is recommended, and only people take it: two of them, with the evidence of that moment."""

from datetime import timedelta

import pytest
from django.utils import timezone

from approvals.errors import ReasonRequired, StateConflict
from approvals.models import Recommendation, TrustCase, TrustFigures
from approvals.trust import figures, recalculation, recommendations
from approvals.trust.counts import Pair
from audit.models import Entry
from policies.models import Agent, Mandate, Tier
from policies.publishing import loosenings
from policies.publishing.loosenings import NotAllowed
from policies.registry import agreement, mandates
from tests import world as worlds
from tests.approvals.trust import lives
from tests.approvals.trust.earning import past
from tests.world import World

pytestmark = pytest.mark.django_db
PAIR = Pair("pacer", "ads.budget")


@pytest.fixture
def world() -> World:
    world = lives.build()
    Mandate.objects.filter(surface="ads.budget").update(tier_id="batch")
    return world


def look() -> Recommendation | None:
    figures.refresh([PAIR])
    recalculation.recalculate()
    return Recommendation.objects.filter(status="open").first()


def missing() -> dict[str, float]:
    figures.refresh([PAIR])
    return {row["ask"]: row["have"] for row in TrustFigures.objects.get(surface="ads.budget").missing}


def test_two_hundred_right_decisions_earn_the_next_step(world):
    past([True] * 200)
    recommended = look()
    assert recommended is not None
    assert (recommended.from_tier, recommended.to_tier_id) == ("batch", "monitored")
    entry = Entry.objects.get(kind="trust.recommended")
    assert (entry.actor, entry.data["to"], entry.data["surface"]) == ("system", "monitored", "ads.budget")
    assert Mandate.objects.get(surface="ads.budget").tier_id == "batch"


def test_the_same_step_is_recommended_once(world):
    past([True] * 200)
    assert look() is not None
    assert recommendations.recommend_due() == 0
    assert Recommendation.objects.count() == 1


@pytest.mark.parametrize(
    ("rights", "words", "asks"),
    [
        pytest.param([True] * 40, {}, {"decisions", "right", "roll_backs"}, id="a-streak-of-forty-is-luck"),
        pytest.param([True] * 190 + [False] * 20, {}, {"right"}, id="ninety-percent-are-not-enough"),
        pytest.param([True] * 200, {"days": 3}, {"days"}, id="three-days-are-too-few"),
        pytest.param([True] * 400, {"confidence": 0.5}, {"calibration"}, id="confidence-that-means-nothing"),
    ],
)
def test_what_is_missing_is_named(world, rights, words, asks):
    past(rights, **words)
    assert missing().keys() == asks
    assert look() is None


def test_what_is_missing_is_told_in_decisions_and_weeks(world):
    past([True] * 100, days=28)
    figures.refresh([PAIR])
    rows = TrustFigures.objects.get(surface="ads.budget").missing
    assert [row["ask"] for row in rows] == ["right", "roll_backs"]
    assert all(50 < row["more"] < 70 for row in rows)
    assert [row["weeks"] for row in rows] == [3, 3]  # about 60 more, at 25 a week


def test_a_new_version_of_the_model_begins_at_the_beginning(world):
    past([True] * 200, model="pacer 1", until=timezone.now() - timedelta(hours=1))
    past([True] * 10, model="pacer 2", days=0.01)
    assert "decisions" in missing()
    assert TrustFigures.objects.get(surface="ads.budget").model == "pacer 2"


def test_no_step_leads_below_the_floor(world):
    world.enforce(surfaces={"ads.budget": {"floor": "batch"}})
    past([True] * 200)
    assert look() is None
    assert TrustFigures.objects.get(surface="ads.budget").step == ""


def test_a_mandate_stricter_than_usual_was_given_for_a_reason(world):
    Mandate.objects.filter(surface="ads.budget").update(tier_id="signature")
    past([True] * 200)
    assert look() is None


def test_two_people_take_a_step_and_it_is_settled(world):
    past([True] * 200)
    recommended = look()
    first, second = worlds.publishers()
    asked = recommendations.accept(recommendation_id=recommended.pk, by=first, note="It has earned it.")
    assert Mandate.objects.get(surface="ads.budget").tier_id == "batch"
    with pytest.raises(NotAllowed):
        agreement.agree(loosening_id=asked.pk, by=first)
    agreement.agree(loosening_id=asked.pk, by=second)
    assert Mandate.objects.get(surface="ads.budget").tier_id == "monitored"
    recalculation.recalculate()
    assert Recommendation.objects.get().status == "done"
    # One step at a time, with a time to cool down.
    assert {"decisions", "days"} <= missing().keys()


def test_a_refused_request_overtakes_the_recommendation(world):
    past([True] * 200)
    first, second = worlds.publishers()
    asked = recommendations.accept(recommendation_id=look().pk, by=first, note="It has earned it.")
    loosenings.refuse(loosening_id=asked.pk, by=second)
    recommendations.settle_asked()
    assert Recommendation.objects.get().status == "outdated"


def test_without_the_right_nobody_takes_or_declines_a_step(world):
    past([True] * 200)
    recommended = look()
    for act in (recommendations.accept, recommendations.decline):
        with pytest.raises(NotAllowed):
            act(recommendation_id=recommended.pk, by=world.owner, note="Why not.")
    assert Recommendation.objects.get().status == "open"


def test_who_declines_says_why_and_is_left_alone_for_two_weeks(world):
    past([True] * 200)
    recommended, (first, _) = look(), worlds.publishers()
    with pytest.raises(ReasonRequired):
        recommendations.decline(recommendation_id=recommended.pk, by=first, note=" ")
    recommendations.decline(recommendation_id=recommended.pk, by=first, note="Not before Christmas.")
    assert look() is None
    Recommendation.objects.update(answered_at=timezone.now() - recommendations.DECLINED_FOR)
    assert look() is not None


def test_evidence_that_has_turned_is_not_accepted_any_more(world):
    past([True] * 200)
    recommended, (first, _) = look(), worlds.publishers()
    past([False] * 20, days=0.1)
    figures.refresh([PAIR])
    with pytest.raises(StateConflict):
        recommendations.accept(recommendation_id=recommended.pk, by=first, note="It has earned it.")
    recommendations.settle_asked()
    assert Recommendation.objects.get().status == "outdated"


def test_the_evidence_shows_what_would_have_shipped_unseen(world):
    world.enforce(surfaces={"ads.budget": {"tier": "monitored"}})
    for number in range(3):
        proposal = lives.propose(world)
        world.decide(proposal, "reject", reason_code="too_risky") if number == 0 else world.approve(proposal)
    lives.propose(world, content={"confidence": 0.2})
    past([True] * 600)
    while recalculation.recalculate(most=500):
        pass
    figures.refresh([PAIR])
    recommendations.recommend_due()
    gathered = Recommendation.objects.get().evidence
    assert gathered["replay"] == {"proposals": 4, "unseen": 3, "unseen_wrong": 1, "spared": 3}
    assert gathered["mistakes"][0]["kind"] == "rejected"
    assert gathered["wait_seconds"] is not None


def test_a_recommendation_keeps_the_evidence_of_its_moment(world):
    past([True] * 200)
    recommended = look()
    with pytest.raises(Exception, match=r"Cannot"):
        Recommendation.objects.filter(pk=recommended.pk).update(evidence={})


def test_an_agent_without_a_mandate_is_left_alone(world):
    past([True] * 200)
    Mandate.objects.filter(surface="ads.budget").delete()
    assert look() is None
    assert TrustCase.objects.exists() and Agent.objects.exists() and Tier.objects.exists()


def test_the_mandate_is_given_to_nobody_else(world):
    past([True] * 200)
    first, _ = worlds.publishers()
    recommended = look()
    mandates.take_away(mandate=Mandate.objects.get(surface="ads.budget"), by=first)
    with pytest.raises(StateConflict):
        recommendations.accept(recommendation_id=recommended.pk, by=first, note="It has earned it.")
