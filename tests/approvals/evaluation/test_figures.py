"""Figures that the policy reads: what is no number, what is in another currency, what has a sign."""

import json

import pytest

from approvals.errors import InvalidProposal
from approvals.lifecycle import review
from approvals.models import LimitTotal, Proposal
from policies.facts import stored_facts
from tests import world as worlds
from tests.approvals.api.conftest import SENT, agent_api
from tests.kept import kept
from tests.world import World, limit, rule

pytestmark = pytest.mark.django_db


@pytest.fixture
@kept
def world() -> World:
    made = worlds.build()
    made.surface("s.money", "monitored", amount_pointer="/amount")
    return made


def money(world: World, payload, **fields) -> Proposal:
    return world.propose("s.money", content={"payload": payload}, **fields)


def reasons(proposal: Proposal, *sources: str) -> list[str]:
    return [reason["text"] for reason in proposal.verdict.reasons if reason["source"] in sources]


def enforce(world: World, **parts) -> None:
    world.enforce(**{"limits": {"week": limit(measure="amount", limit=40000, currency="USD")}, **parts})


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        pytest.param({"amount": "50000"}, 'has "50000" at /amount', id="text"),
        pytest.param({"amount": ""}, 'has "" at /amount', id="empty-text"),
        pytest.param({"amount": True}, "has true at /amount", id="yes"),
        pytest.param({"amount": None}, "has null at /amount", id="null"),
        pytest.param({"amount": [50000]}, "has [50000] at /amount", id="list"),
        pytest.param({"amount": {"value": 50000}}, 'has {"value": 50000} at /amount', id="nested"),
        pytest.param({"amount": "NaN"}, 'has "NaN" at /amount', id="not-a-number"),
        pytest.param({"amount": "1e999"}, 'has "1e999" at /amount', id="huge-exponent-as-text"),
        pytest.param({"amount": "5\u200b0"}, 'has "5\\u200b0" at /amount', id="invisible"),
        pytest.param({"amount": "x" * 5000}, "xxx… at /amount", id="long"),
        pytest.param({"Amount": 50000}, "has nothing at /amount", id="missing"),
        pytest.param({}, "has nothing at /amount", id="empty"),
    ],
)
def test_an_amount_that_cannot_be_read_needs_a_person(world, payload, found):
    enforce(world)
    proposal = money(world, payload, currency="USD")
    assert (proposal.state, proposal.tier_id, proposal.amount) == ("pending", "single", None)
    assert any(found in text for text in reasons(proposal, "figure"))
    assert any("This limit can’t count it" in text for text in reasons(proposal, "limit"))


@pytest.mark.parametrize("amount", [1e300, -1e300, 1e15, 0.00001, float("nan"), float("inf")])
def test_a_number_that_is_no_amount_is_refused_or_needs_a_person(world, amount):
    enforce(world)
    try:
        proposal = money(world, {"amount": amount}, currency="USD")
    except (InvalidProposal, ValueError):
        return
    assert proposal.state == "pending"


@pytest.mark.parametrize("people", ["9", None, 2.5, -3, True, 1e300, [], {"n": 1}])
def test_an_audience_that_cannot_be_read_needs_a_person(world, people):
    world.surface("s.mail", "monitored", audience_pointer="/people")
    proposal = world.propose("s.mail", content={"payload": {"people": people}})
    assert (proposal.state, proposal.tier_id, proposal.audience_size) == ("pending", "single", None)
    assert any("at /people, where it says how many people it reaches" in text for text in reasons(proposal, "figure"))


def test_a_whole_number_may_be_written_with_a_point(world):
    world.surface("s.mail", "monitored", audience_pointer="/people")
    proposal = world.propose("s.mail", content={"payload": {"people": 5.0}})
    assert (proposal.state, proposal.audience_size) == ("approved", 5)


def test_a_person_who_edits_the_figure_away_is_told_the_same(world):
    enforce(world)
    proposal = money(world, {"amount": "50000"}, currency="USD")
    review.edit(
        proposal_id=proposal.pk, seen=worlds.seen(proposal), by=world.owner, payload={"amount": "60000"}, note="More."
    )
    proposal = Proposal.objects.select_related("verdict").get(pk=proposal.pk)
    assert any('has "60000" at /amount' in text for text in reasons(proposal, "figure"))


def test_a_claim_against_an_unreadable_figure_is_refused_with_what_is_there(world):
    with pytest.raises(InvalidProposal) as refused:
        world.propose("s.money", content={"payload": {"amount": "50000"}, "amount": 5})
    assert '"50000" at /amount' in refused.value.errors[0].detail


@pytest.mark.parametrize(
    ("amount", "currency", "said"),
    [
        pytest.param(900, "KWD", "The amount is 900.000 KWD; amounts here are in USD.", id="worth-more"),
        pytest.param(500_000, "JPY", "The amount is 500,000 JPY; amounts here are in USD.", id="worth-less"),
        pytest.param(5, "", "The amount is 5 without a currency; amounts here are in USD.", id="none"),
        pytest.param(12.345, "KWD", "12.345 KWD", id="three-decimals"),
    ],
)
def test_another_currency_is_not_countable(world, amount, currency, said):
    enforce(world)
    money(world, {"amount": 39_000}, currency="USD")
    proposal = money(world, {"amount": amount}, currency=currency)
    assert (proposal.state, proposal.tier_id) == ("pending", "single")
    assert any(said in text for text in reasons(proposal, "limit"))
    assert LimitTotal.objects.get().total == 39_000
    assert money(world, {"amount": 1000}, currency="USD").state == "approved"
    over = money(world, {"amount": 0.01}, currency="USD")
    assert over.state == "blocked"
    assert reasons(over, "limit") == ["This makes 40,000.01 USD, over the limit of 40,000.00 USD."]


def test_a_limit_without_a_currency_counts_only_amounts_without_one(world):
    enforce(world, limits={"week": limit(measure="amount", limit=40000)})
    assert money(world, {"amount": 39_000}).state == "approved"
    assert money(world, {"amount": 900}, currency="KWD").state == "pending"
    assert money(world, {"amount": 2000}, currency="KWD").state == "blocked"


def test_a_limit_that_is_full_already_strikes_another_currency_too(world):
    enforce(world)
    money(world, {"amount": 39_000}, currency="USD")
    enforce(world, limits={"week": limit(measure="amount", limit=30000, currency="USD")})
    assert money(world, {"amount": 1}, currency="KWD").state == "blocked"


def test_a_surface_names_the_currency_of_its_rules(world):
    world.surface("s.usd", "monitored", amount_pointer="/amount", currency="USD")
    small = rule("has_amount && amount <= 100", "allow", tier="autopilot")
    world.enforce(rules={"small": small}, limits={})
    assert world.propose("s.usd", currency="USD", content={"payload": {"amount": 90}}).state == "approved"
    foreign = world.propose("s.usd", currency="KWD", content={"payload": {"amount": 90}})
    assert (foreign.state, foreign.tier_id) == ("pending", "single")
    assert reasons(foreign, "currency") == ["The amount is 90.000 KWD; amounts here are in USD. Review needed."]


def test_a_limit_counts_anew_once_it_names_its_currency(world):
    enforce(world, limits={"week": limit(measure="amount", limit=40000, effect="flag")})
    money(world, {"amount": 300}, currency="USD")
    money(world, {"amount": 200}, currency="EUR")
    enforce(world)
    money(world, {"amount": 1}, currency="USD")
    assert LimitTotal.objects.latest("id").total == 301


@pytest.mark.parametrize("code", ["ZZZ", "XXX", "XTS", "XAU", "usd", "US", "US$"])
@pytest.mark.parametrize("path", ["proposals/", "evaluations/"])
def test_what_is_no_currency_is_refused_with_its_field(world, code, path):
    answer = agent_api(world.agent).post(path, SENT | {"surface": "s.money", "currency": code})
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/currency"]
    with pytest.raises(InvalidProposal):
        money(world, {"amount": 1}, currency=code)


def test_a_negative_amount_is_as_large_as_a_positive_one(world):
    small = rule("has_amount && amount <= 100", "allow", tier="autopilot")
    large = rule("estimated_cost > 100", "require_approval", tier="signature")
    enforce(world, rules={"small": small, "large": large})
    proposal = money(world, {"amount": -900}, currency="USD")
    assert (proposal.state, proposal.tier_id) == ("pending", "signature")
    assert money(world, {"amount": -90}, currency="USD").state == "approved"
    assert LimitTotal.objects.get().total == 990


def test_a_rule_about_the_direction_reads_the_sign(world):
    enforce(world, rules={"back": rule("signed_amount < 0", "deny")})
    assert money(world, {"amount": -1}, currency="USD").state == "blocked"
    assert money(world, {"amount": 1}, currency="USD").state == "approved"


def test_what_was_unreadable_is_kept_with_the_verdict_and_replayed(world):
    proposal = money(world, {"amount": "1"})
    stored = json.loads(json.dumps(proposal.verdict.facts))
    assert stored["unread"] == [["amount", "/amount", '"1"']]
    assert stored_facts.read(stored).unread[0].found == '"1"'
