"""The surface's page asks for the parameters that rules wait for."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from policies.models import Rule, Surface
from policies.publishing.lint.parameters import read_on
from tests import world as worlds
from tests.policies.admin.test_tables import complaints, form_of

pytestmark = pytest.mark.django_db
PAGE = "/admin/policies/surface/ads.budget/change/"
ASKED = "Weekly budget is not set."


@pytest.fixture
def root(client):
    worlds.build()
    Surface.objects.filter(slug="ads.budget").update(params={"weekly_budget": None})
    over_a_tenth = {"condition": "amount > 0.1 * params.weekly_budget", "decision": "require_approval"}
    Rule.objects.create(slug="budget-over-a-tenth", surfaces=["ads.*"], **over_a_tenth)
    client.force_login(User.objects.create_superuser("root"))
    return client


def text(client) -> str:
    return client.get(PAGE).content.decode()


def params() -> dict:
    return Surface.objects.get(slug="ads.budget").params


def test_an_unset_figure_is_asked_for_with_the_rules_that_wait_for_it(root):
    page = text(root)
    assert ASKED in page
    assert "budget-over-a-tenth" in page
    assert 'type="number" name="figure_weekly_budget"' in page


@pytest.mark.parametrize("value", [40000, 0.5])
def test_a_figure_is_set_in_its_own_field_and_not_asked_for_any_more(root, value):
    answer = root.post(PAGE, form_of(root, PAGE) | {"figure_weekly_budget": str(value)})
    assert answer.status_code == 302, complaints(answer)
    assert params() == {"weekly_budget": value}
    assert ASKED not in text(root)
    assert root.get(PAGE).context["adminform"].form["figure_weekly_budget"].value() == value


def test_an_emptied_figure_is_asked_for_again(root):
    Surface.objects.filter(slug="ads.budget").update(params={"weekly_budget": 40000, "regions": ["DE"]})
    form = form_of(root, PAGE)
    assert "weekly_budget" not in form["params"]
    assert root.post(PAGE, form | {"figure_weekly_budget": ""}).status_code == 302
    assert params() == {"weekly_budget": None, "regions": ["DE"]}
    assert ASKED in text(root)


def test_saving_the_page_as_it_is_changes_no_parameter(root):
    Surface.objects.filter(slug="ads.budget").update(params={"weekly_budget": 40000, "regions": ["DE"]})
    assert root.post(PAGE, form_of(root, PAGE)).status_code == 302
    assert params() == {"weekly_budget": 40000, "regions": ["DE"]}


def test_a_figure_stays_when_its_rules_go_while_the_page_is_open(root):
    Surface.objects.filter(slug="ads.budget").update(params={"weekly_budget": 40000})
    form = form_of(root, PAGE)
    Rule.objects.update(is_enabled=False)
    assert root.post(PAGE, form).status_code == 302
    assert params() == {"weekly_budget": 40000}


@pytest.mark.parametrize("typed", ["a lot", "nan", "inf", "1e300"])
def test_a_figure_that_is_no_number_is_refused(root, typed):
    answer = root.post(PAGE, form_of(root, PAGE) | {"figure_weekly_budget": typed})
    assert [*complaints(answer)] == ["figure_weekly_budget"]


def test_two_values_for_one_figure_are_refused(root):
    sent = form_of(root, PAGE) | {"params": '{"weekly_budget": 3}', "figure_weekly_budget": "4"}
    assert [*complaints(root.post(PAGE, sent))] == ["figure_weekly_budget"]


def test_a_figure_that_no_rule_reads_is_not_asked_for(root):
    Rule.objects.update(is_enabled=False)
    page = text(root)
    assert ASKED not in page
    assert "figure_weekly_budget" not in page


def test_a_parameter_may_stand_without_a_value(root):
    sent = form_of(root, PAGE)
    answer = root.post(PAGE, sent | {"params": '{"weekly_budget": null}'})
    assert answer.status_code == 302, complaints(answer)
    assert root.post(PAGE, sent | {"params": '{"weekly_budget": {}}'}).status_code == 200


def test_people_who_only_read_see_the_parameters_as_they_are(root):
    client = Client()
    client.force_login(worlds.person("reader", permissions=("view_surface",)))
    page = text(client)
    assert ASKED in page
    assert "figure_weekly_budget" not in page


@pytest.mark.parametrize(
    ("condition", "is_number"),
    [
        ("amount > 0.1 * params.x", True),
        ("payload.region in params.x", False),
        ("size(params.x) > 1 && amount > 1", False),
        ("params.x.exists(r, r == 'DE')", False),
        ("params.x == 'strict'", False),
        ("'strict' != params.x", False),
        ("params.x[0] > 3", False),
        ("'in params.x' in tags && amount > params.x", True),
    ],
)
def test_how_rules_read_a_parameter_says_whether_it_is_a_figure(condition, is_number):
    (found,) = read_on("s", [("r", {"surfaces": [], "condition": condition})])
    assert (found.name, found.is_number) == ("x", is_number)


def test_publishing_tells_what_is_not_set(root):
    page = root.get("/admin/policies/publish/").content.decode()
    assert "weekly_budget is not set" in page
