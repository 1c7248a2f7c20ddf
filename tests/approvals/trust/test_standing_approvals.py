"""Standing approvals: two people give one, it is used and it ends, and it passes nothing that it must not."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.utils import IntegrityError
from django.test import Client

from approvals import invariants
from approvals.lifecycle import reevaluation, submission
from approvals.models import Proposal
from approvals.shipping import claims, dispatches
from approvals.trust import recalculation
from audit.clock import database_now
from audit.models import Entry
from policies.models import Agent, Loosening, Mandate, StandingApproval, Surface
from policies.publishing.loosenings import LooseningRefused, NotAllowed
from policies.registry import agents, agreement, kill_switches, mandates
from policies.registry.standing import approvals
from tests import world as worlds
from tests.approvals.races import race
from tests.world import World, limit

pytestmark = pytest.mark.django_db
PAGE = "/admin/trust/standing-approvals/"
SEES = ("view_all_proposals", "view_mandate", "view_proposal")


@pytest.fixture
def world() -> World:
    return build()


def build() -> World:
    """A world in which people decide every proposal on `ads.budget`, and nothing waits once it may ship."""
    world = worlds.build()
    Mandate.objects.filter(surface="ads.budget").update(tier_id="single")
    return world


def ask(**bounds: Any) -> Loosening:
    first, _ = worlds.publishers()
    words = {
        "agent": "pacer", "surface": "ads.budget", "action": "shift_budget", "most_amount": Decimal(500),
        "most_uses": 5, "ends_at": database_now() + timedelta(days=2), "note": "Black Friday.", **bounds,
    }  # fmt: skip
    words["agent"] = Agent.objects.get(pk=words["agent"])
    words["surface"] = Surface.objects.get(pk=words["surface"])
    return approvals.ask(by=words.pop("by", first), **words)


def give(**bounds: Any) -> StandingApproval:
    _, second = worlds.publishers()
    assert agreement.agree(loosening_id=ask(**bounds).pk, by=second).status == "done"
    return StandingApproval.objects.latest("pk")


def propose(world: World, amount: float | None = 400, **fields: Any) -> Proposal:
    content = {"amount": amount, **fields.pop("content", {})}
    return world.propose(content=content, **fields)


def stopper() -> User:
    return worlds.person("stopper", permissions=("engage_killswitch",))


def ship_all() -> list[Proposal]:
    Proposal.objects.filter(state="approved").update(release_at=database_now() - timedelta(seconds=1))
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE approvals_dispatch SET next_attempt_at = now() - interval '1 s' WHERE status = 'waiting'"
        )
    found = []
    while claim := claims.claim_next(worker="test", kind="webhook"):
        dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={"done": True})
        found.append(claim.dispatch.proposal)
    return found


def end_now() -> None:
    approvals.end(standing_approval_id=StandingApproval.objects.get().pk, by=stopper())


def end_by_time() -> None:
    """Let its time pass; nobody could write that."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            "UPDATE policies_standingapproval SET begins_at = now() - interval '2 d', ends_at = now() - interval '1 s'"
        )
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


def test_what_it_covers_ships_after_a_hold_and_is_marked(world):
    given = give()
    proposal = propose(world)
    assert (proposal.state, proposal.tier_id, proposal.standing_approval) == ("approved", "monitored", given.pk)
    assert proposal.release_at > proposal.created_at
    (deciding,) = [reason for reason in proposal.verdict.reasons if reason["is_deciding"]]
    assert (deciding["source"], deciding["id"]) == ("standing_approval", str(given.pk))
    assert Entry.objects.get(kind="proposal.submitted").data["standing_approval"] == given.pk
    assert [one.pk for one in ship_all()] == [proposal.pk]
    given.refresh_from_db()
    assert given.used == 1
    assert all(result.breach is None for result in invariants.check())


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"amount": 501}, id="more-than-it-allows"),
        pytest.param({"amount": -501}, id="more-in-the-other-direction"),
        pytest.param({"amount": None}, id="no-amount-at-all"),
        pytest.param({"currency": "EUR"}, id="another-currency"),
        pytest.param({"action": "raise_budget"}, id="another-action"),
        pytest.param({"content": {"confidence": 0.6}}, id="an-agent-that-is-unsure"),
        pytest.param({"content": {"confidence": None}}, id="no-confidence"),
    ],
)
def test_what_it_does_not_cover_waits_for_people(world, fields):
    given = give()
    proposal = propose(world, **fields)
    assert (proposal.state, proposal.standing_approval) == ("pending", None)
    given.refresh_from_db()
    assert given.used == 0


@pytest.mark.parametrize(
    ("change", "state"),
    [
        pytest.param(lambda world: world.enforce(surfaces={"ads.budget": {"floor": "single"}}), "pending", id="floor"),
        pytest.param(
            lambda world: world.enforce(limits={"a": limit(limit=0, effect="deny")}), "blocked", id="limit-that-denies"
        ),
        pytest.param(
            lambda world: world.enforce(limits={"a": limit(limit=0, effect="tier", tier="single")}), "pending",
            id="limit-that-asks",
        ),
        pytest.param(
            lambda world: world.enforce(rules={"r": worlds.rule(tier="signature")}), "pending", id="rule-that-restricts"
        ),
        pytest.param(
            lambda world: kill_switches.engage(scope="surface:ads.budget", by=world.owner, reason="Stop."), "pending",
            id="kill-switch",
        ),
        pytest.param(lambda world: agents.suspend(agent=world.agent, by=world.owner), "blocked", id="suspension"),
        pytest.param(
            lambda world: mandates.take_away(mandate=Mandate.objects.get(surface="ads.budget"), by=world.owner),
            "blocked", id="no-mandate",
        ),
    ],
)  # fmt: skip
def test_it_passes_nothing_that_restricts(world, change, state):
    given = give()
    change(world)
    assert propose(world).state == state
    given.refresh_from_db()
    assert given.used == 0


@pytest.mark.parametrize(
    ("change", "state"),
    [
        pytest.param(lambda world: world.enforce(surfaces={"ads.budget": {"floor": "single"}}), "pending", id="floor"),
        pytest.param(lambda _: end_now(), "pending", id="ended"),
        pytest.param(lambda _: end_by_time(), "pending", id="its-time-is-over"),
        pytest.param(lambda world: agents.suspend(agent=world.agent, by=world.owner), "blocked", id="suspension"),
        pytest.param(
            lambda world: kill_switches.engage(scope="everywhere", by=world.owner, reason="Stop."), "approved",
            id="kill-switch",
        ),
    ],
)  # fmt: skip
def test_what_has_passed_and_not_shipped_is_held_back(world, change, state):
    give()
    proposal = propose(world)
    change(world)
    assert ship_all() == []
    assert Proposal.objects.get(pk=proposal.pk).state == state


def test_the_sweep_holds_back_what_passed_by_one_that_has_ended(world):
    given = give()
    proposal = propose(world)
    assert reevaluation.reevaluate_open() == 0
    approvals.end(standing_approval_id=given.pk, by=stopper())
    assert reevaluation.reevaluate_open() == 1
    assert Proposal.objects.get(pk=proposal.pk).state == "pending"
    assert reevaluation.reevaluate_open() == 0


def test_after_its_last_use_people_decide_again(world):
    given = give(most_uses=2)
    assert [propose(world).state for _ in range(3)] == ["approved", "approved", "pending"]
    assert len(ship_all()) == 2
    given.refresh_from_db()
    assert given.used == 2


def test_a_use_is_not_given_back(world):
    give(most_uses=1)
    proposal = propose(world)
    submission.withdraw(agent=world.agent, proposal_id=proposal.pk)
    assert propose(world).state == "pending"


def test_without_an_amount_only_what_has_none_passes(world):
    give(most_amount=None)
    assert propose(world, None).state == "approved"
    assert propose(world, 0).state == "pending"


def test_one_person_alone_gives_nothing(world):
    asked, (first, _) = ask(), worlds.publishers()
    with pytest.raises(NotAllowed):
        agreement.agree(loosening_id=asked.pk, by=first)
    assert not StandingApproval.objects.exists() and propose(world).state == "pending"


def test_who_answers_for_the_agent_does_not_agree(world):
    world.agent.owner.user_permissions.add(*worlds.Permission.objects.filter(codename="agree_loosening"))
    owner = User.objects.get(pk=world.agent.owner_id)
    with pytest.raises(NotAllowed):
        agreement.agree(loosening_id=ask().pk, by=owner)


@pytest.mark.parametrize(
    "bounds",
    [
        pytest.param({"ends_at": database_now}, id="ends-at-once"),
        pytest.param({"ends_at": lambda: database_now() + timedelta(days=32)}, id="lasts-too-long"),
        pytest.param({"most_uses": 0}, id="never"),
        pytest.param({"most_uses": 1_001}, id="too-often"),
        pytest.param({"most_amount": Decimal(-1)}, id="below-nothing"),
        pytest.param({"most_amount": Decimal("NaN")}, id="no-number"),
        pytest.param({"action": " "}, id="no-action"),
        pytest.param({"note": ""}, id="no-reason"),
        pytest.param({"surface": "pricing"}, id="a-floor-with-people"),
    ],
)
def test_bounds_that_make_no_sense_are_refused(world, bounds):
    world.enforce(surfaces={"pricing": {"floor": "signature"}})
    with pytest.raises(LooseningRefused):
        ask(**{name: value() if callable(value) else value for name, value in bounds.items()})


def test_what_makes_no_sense_any_more_is_not_given(world):
    asked, (_, second) = ask(), worlds.publishers()
    world.enforce(surfaces={"ads.budget": {"floor": "single"}})
    assert agreement.agree(loosening_id=asked.pk, by=second).status == "outdated"
    assert not StandingApproval.objects.exists()


def test_who_may_not_stop_shipping_does_not_end_it(world):
    given = give()
    with pytest.raises(NotAllowed):
        approvals.end(standing_approval_id=given.pk, by=world.owner)
    approvals.end(standing_approval_id=given.pk, by=stopper())
    with pytest.raises(LooseningRefused):
        approvals.end(standing_approval_id=given.pk, by=User.objects.get(username="stopper"))
    assert [entry.kind for entry in Entry.objects.filter(kind__startswith="standing_approval.").order_by("id")] == [
        "standing_approval.given", "standing_approval.ended",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"most_amount": 5_000}, {"most_uses": 9}, {"used": 9}, {"action": "other"}, {"ends_at": "2030-01-01T00:00Z"},
    ],
)  # fmt: skip
def test_the_database_refuses_other_bounds(world, change):
    give()
    with pytest.raises((IntegrityError, Exception), match=r"Cannot|standing_approval_"), transaction.atomic():
        StandingApproval.objects.update(**change)


@pytest.mark.django_db(transaction=True)
def test_the_last_use_is_given_once():
    world = build()
    given = [give(most_uses=1, action=f"act-{number}") for number in range(5)]
    race(5, *[lambda number: propose(world, action=f"act-{number}")] * 4)
    for one in given:
        one.refresh_from_db()
        assert one.used == 1
        assert Proposal.objects.filter(action=one.action, state="approved").count() == 1
        assert Proposal.objects.filter(action=one.action, state="pending").count() == 3


@pytest.mark.django_db(transaction=True)
def test_nothing_passes_by_one_that_has_ended():
    world, by = build(), stopper()
    given = [give(most_uses=9, action=f"act-{number}") for number in range(6)]

    def end(number: int) -> None:
        approvals.end(standing_approval_id=given[number].pk, by=by)

    race(6, lambda number: propose(world, action=f"act-{number}"), end)
    ends = dict(StandingApproval.objects.values_list("action", "ended_at"))
    for proposal in Proposal.objects.filter(state="approved"):
        assert proposal.created_at < ends[proposal.action]
    assert ship_all() == []
    assert not Proposal.objects.filter(state="approved").exists()


def client_of(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


FORM = {"agent": "pacer", "surface": "ads.budget", "action": "shift_budget", "most_amount": "500", "most_uses": "3",
        "note": "Black Friday."}  # fmt: skip


def form(**fields: str) -> dict[str, str]:
    return {**FORM, "ends_at": f"{database_now() + timedelta(days=2):%Y-%m-%dT%H:%M}", **fields}


def test_the_page_tries_one_on_the_past_and_asks_for_it(world):
    first, second = worlds.publishers()
    first.user_permissions.add(*worlds.Permission.objects.filter(codename__in=SEES))
    client = client_of(User.objects.get(pk=first.pk))
    assert "None. The policy decides each proposal" in client.get(PAGE).content.decode()
    world.approve(propose(world))
    world.decide(propose(world), "reject", reason_code="too_risky")
    propose(world, 700)
    recalculation.recalculate()
    page = client.post(PAGE, form(do="try")).content.decode()
    assert "last 3 proposals there, 2 would have shipped" in page and "1 of these did people reject" in page
    assert not Loosening.objects.filter(kind="standing").exists()
    assert client.post(PAGE, form(do="ask")).status_code == 302
    asked = Loosening.objects.get(kind="standing")
    assert "asked for by publisher" in client.get(PAGE).content.decode()
    agreement.agree(loosening_id=asked.pk, by=second)
    propose(world)
    assert "Used 1 of 3 times" in client.get(PAGE).content.decode()


def test_the_second_person_reads_every_bound(world):
    ask()
    _, second = worlds.publishers()
    second.user_permissions.add(
        *worlds.Permission.objects.filter(codename__in=("view_policyversion", "view_loosening"))
    )
    page = client_of(User.objects.get(pk=second.pk)).get("/admin/policies/publish/").content.decode()
    assert "shift_budget by pacer on ads.budget ships automatically: up to 500" in page and "at most 5 times" in page


def test_who_may_stop_shipping_ends_one_on_the_page(world):
    given = give()
    person = worlds.person("stopper", permissions=("engage_killswitch", *SEES))
    client = client_of(person)
    assert "Ask for it" not in client.get(PAGE).content.decode()
    answer = client.post(PAGE, {"do": "end", "standing_approval": given.pk}, follow=True).content.decode()
    assert "waits for people now" in answer and "ended by stopper" in answer


@pytest.mark.parametrize("number", ["", "x", "0", "9" * 40, "-1"])
def test_odd_numbers_end_nothing(world, number):
    given = give()
    client = client_of(worlds.person("stopper", permissions=("engage_killswitch", *SEES)))
    assert client.post(PAGE, {"do": "end", "standing_approval": number}).status_code == 404
    given.refresh_from_db()
    assert given.ended_at is None


def test_who_may_not_see_everything_has_no_page(world):
    assert client_of(world.owner).get(PAGE).status_code == 403
    assert client_of(world.owner).post(PAGE, form(do="ask")).status_code == 403
