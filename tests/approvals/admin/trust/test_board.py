"""The trust board and the page of one agent on one surface: what they say, who sees them, and what they cost."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from approvals.admin.trust import words
from approvals.models import Recommendation, TrustCase
from approvals.trust import board as trust_board
from approvals.trust import demotions, figures, recommendations
from approvals.trust.counts import Pair
from policies.models import Agent, Loosening, Mandate
from policies.publishing import publish
from policies.trust.sequences import Bounds
from tests import world as worlds
from tests.approvals.trust.earning import past
from tests.world import World, signed_in

pytestmark = pytest.mark.django_db
BOARD = "/admin/trust/"
PAGE = "/admin/trust/pacer/ads.budget/"
SEES = ("view_all_proposals", "view_mandate", "view_proposal")


@pytest.fixture
def world() -> World:
    world = worlds.build()
    Mandate.objects.filter(surface="ads.budget").update(tier_id="batch")
    return world


@pytest.fixture
def seer(world: World) -> User:
    return worlds.person("seer", permissions=SEES)


@pytest.fixture
def asker(world: World) -> User:
    return worlds.person("asker", permissions=(*SEES, "ask_loosening"))


def compute() -> None:
    figures.refresh([Pair("pacer", surface) for surface in ("ads.budget", "email.lifecycle", "pricing")])


def earn() -> Recommendation:
    past([True] * 200)
    compute()
    recommendations.recommend_due()
    return Recommendation.objects.get()


def test_a_portal_without_mandates_says_what_to_do(world, seer):
    Mandate.objects.all().delete()
    assert "No agent may propose anywhere yet." in signed_in(seer).get(BOARD).content.decode()


def test_an_agent_that_nobody_has_judged_says_so(world, seer):
    page = signed_in(seer).get(BOARD).content.decode()
    assert "nothing judged yet" in page and "Budget pacer" in page


def test_the_board_says_how_sure_one_can_be_and_what_is_missing(world, seer):
    past([True] * 95 + [False] * 5)
    compute()
    page = signed_in(seer).get(BOARD).content.decode()
    assert "95 %" in page and "of 100 judged" in page and "between" in page
    assert "things missing" in page and "surely right" in page and "monitored" in page


def test_the_board_tells_of_what_was_lost_and_what_is_earned(world, seer):
    earn()
    assert "monitored is earned" in signed_in(seer).get(BOARD).content.decode()
    Mandate.objects.filter(surface="ads.budget").update(tier_id="monitored")
    case = TrustCase.objects.order_by("-settled_at").first()
    TrustCase.objects.filter(pk=case.pk).update(is_right=False, has_incident=True, problem_at=timezone.now())
    compute()
    demotions.demote_due()
    page = signed_in(seer).get(BOARD).content.decode()
    assert "lost monitored on" in page and "single" in page


def test_one_pair_shows_every_figure_with_its_meaning(world, seer):
    past([True] * 60 + [False] * 3, model="pacer 1", until=timezone.now() - timedelta(days=10))
    past([True] * 10, model="pacer 2", days=9)
    TrustCase.objects.filter(is_right=False).update(reason="off_brand")
    compute()
    page = signed_in(seer).get(PAGE).content.decode()
    for figure in words.figures(trust_board.rows(agent="pacer", surface="ads.budget")[0].measures):
        assert figure.name in page and figure.meaning in page
    assert "Not our tone or brand: 3" in page
    assert "pacer 1" in page and "pacer 2" in page and "Week from" in page


def test_what_is_earned_is_asked_for_on_the_page(world, asker):
    recommended = earn()
    client = signed_in(asker)
    page = client.get(PAGE).content.decode()
    assert "It has earned the step from batch to" in page and "Ask for this step" in page
    answer = client.post(PAGE, {"do": "accept", "recommendation": recommended.pk, "note": "It has."}, follow=True)
    assert "once a second person agrees" in answer.content.decode()
    asked = Loosening.objects.get(kind="mandate")
    assert (asked.status, asked.asked_by, asked.change["to"]) == ("waiting", asker, "monitored")
    assert "asker has asked for it" in client.get(PAGE).content.decode()


def test_who_declines_on_the_page_says_why(world, asker):
    recommended, client = earn(), signed_in(asker)
    answer = client.post(PAGE, {"do": "decline", "recommendation": recommended.pk, "note": ""}, follow=True)
    assert "Say in a few words why not." in answer.content.decode()
    client.post(PAGE, {"do": "decline", "recommendation": recommended.pk, "note": "Not now."})
    assert Recommendation.objects.get().status == "declined"


@pytest.mark.parametrize(
    "words",
    [
        pytest.param({"do": "accept", "recommendation": "0", "note": "x"}, id="another-recommendation"),
        pytest.param({"do": "promote", "note": "x"}, id="an-unknown-verb"),
        pytest.param({}, id="nothing"),
    ],
)
def test_odd_answers_change_nothing(world, asker, words):
    earn()
    answer = signed_in(asker).post(PAGE, words, follow=True)
    assert "not recommended any more" in answer.content.decode()
    assert Recommendation.objects.get().status == "open" and not Loosening.objects.filter(kind="mandate").exists()


def test_who_may_not_ask_sees_no_form_and_changes_nothing(world, seer):
    recommended, client = earn(), signed_in(seer)
    assert "Ask for this step" not in client.get(PAGE).content.decode()
    client.post(PAGE, {"do": "accept", "recommendation": recommended.pk, "note": "It has."})
    assert Recommendation.objects.get().status == "open"


def test_reading_decides_nothing(world, asker):
    recommended = earn()
    signed_in(asker).get(PAGE, {"do": "accept", "recommendation": recommended.pk, "note": "It has."})
    assert Recommendation.objects.get().status == "open"


def test_who_may_not_see_everything_has_neither_page_nor_menu(world, seer):
    other = signed_in(world.owner)
    assert other.get(BOARD).status_code == other.get(PAGE).status_code == 403
    assert other.post(PAGE, {"do": "accept"}).status_code == 403
    assert BOARD not in other.get("/admin/monitor/").content.decode()
    assert BOARD in signed_in(seer).get("/admin/monitor/").content.decode()


@pytest.mark.parametrize("place", ["pacer/nowhere", "nobody/ads.budget", "%27/%3Cb%3E", "x" * 300 + "/y"])
def test_a_pair_that_is_not_there_is_not_found(world, seer, place):
    assert signed_in(seer).get(f"{BOARD}{place}/").status_code == 404


def test_names_are_never_markup(world, seer):
    Agent.objects.filter(pk="pacer").update(name="<script>alert(1)</script>")
    past([True] * 5, model="<b>1</b>")
    compute()
    for address in (BOARD, PAGE, f"{BOARD}?agent=<i>"):
        page = signed_in(seer).get(address).content.decode()
        assert "<script>alert" not in page and "<b>1" not in page and "<i>" not in page


def test_more_agents_cost_no_more_queries(world, django_assert_num_queries):
    publish.active_policy()
    with django_assert_num_queries(5):
        trust_board.rows()
    for number in range(5):
        agent = Agent.objects.create(slug=f"agent-{number}", name="x", owner=world.owner)
        for surface in world.surfaces.values():
            Mandate.objects.create(agent=agent, surface=surface, tier_id="single")
    with django_assert_num_queries(5):
        assert len(trust_board.rows()) == 18


def test_bounds_are_rounded_to_the_careful_side():
    assert words.between(Bounds(0.9459, 0.9941)) == "between 94.5 % and 99.5 %"
    assert words.between(Bounds(0, 1)) == "between 0 % and 100 %"
