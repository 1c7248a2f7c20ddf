"""Gates: the agent's own program runs what was approved, after consuming the approval once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from approvals.models import Dispatch, Proposal
from approvals.shipping import claims
from approvals.shipping.claims import UNHEARD
from policies.models import EVERYWHERE, Connector
from policies.registry import kill_switches
from tests import world as worlds
from tests.approvals.api.conftest import Api, agent_api, problem, stored
from tests.world import World


def gate(world: World) -> None:
    world.connector = Connector.objects.create(slug="own-process", kind="gate")
    world.surface("crm.segments")


@pytest.fixture
def gated(world: World) -> None:
    gate(world)


@pytest.fixture
def approved(world: World, agent: Api, gated: None) -> dict:
    shown = agent.propose(surface="crm.segments")
    world.approve(stored(shown))
    return shown


def path(shown: dict, what: str = "consume") -> str:
    return f"proposals/{shown['id']}/{what}/"


def test_an_approval_is_consumed_once_and_its_receipt_ships_it(agent: Api, approved: dict) -> None:
    claim = agent.post(path(approved)).json()
    assert (claim["proposal"], claim["payload"]) == (approved["id"], approved["revision"]["payload"])
    assert "spent already" in problem(agent.post(path(approved)), 409, "state_conflict")["detail"]
    body = {"fence": claim["fence"], "status": "delivered", "receipt": {"moved": 4000}}
    assert agent.post(f"dispatches/{claim['id']}/receipt/", body).json()["receipt"] == {"moved": 4000}
    assert agent.get(f"proposals/{approved['id']}/").json()["state"] == "shipped"
    problem(agent.post(path(approved)), 409, "state_conflict")


def test_what_nobody_has_approved_is_not_consumed(world: World, agent: Api, gated: None) -> None:
    shown = agent.propose(surface="crm.segments")
    assert "pending" in problem(agent.post(path(shown)), 409, "state_conflict")["detail"]
    world.decide(stored(shown), "reject", comment="No.", reason_code="other")
    problem(agent.post(path(shown)), 409, "state_conflict")


def test_another_agent_consumes_nothing(agent: Api, stranger: Api, approved: dict) -> None:
    problem(stranger.post(path(approved)), 404, "not_found")
    claim = agent.post(path(approved)).json()
    body = {"fence": claim["fence"], "status": "delivered"}
    problem(stranger.post(f"dispatches/{claim['id']}/receipt/", body), 404, "not_found")


def test_what_the_portal_ships_itself_is_not_consumed(world: World, agent: Api) -> None:
    shown = agent.propose()
    world.approve(stored(shown))
    assert "The portal itself ships" in problem(agent.post(path(shown)), 409, "state_conflict")["detail"]


def test_a_kill_switch_and_the_undo_window_hold_it_back(world: World, agent: Api, approved: dict) -> None:
    kill_switches.engage(scope=EVERYWHERE, by=world.owner, reason="Stop.")
    problem(agent.post(path(approved)), 409, "not_yet")
    worlds.release(EVERYWHERE)
    Dispatch.objects.update(next_attempt_at="2100-01-01T00:00:00Z")
    problem(agent.post(path(approved)), 409, "not_yet")
    Dispatch.objects.update(next_attempt_at="2020-01-01T00:00:00Z")
    assert agent.post(path(approved)).status_code == 200


def test_a_stricter_policy_takes_the_approval_back(world: World, agent: Api, approved: dict) -> None:
    world.enforce(rules={"stop": worlds.rule(decision="deny", reason="Not any more.")})
    problem(agent.post(path(approved)), 409, "state_conflict")
    assert stored(approved).state == "blocked"


def test_a_failure_is_final_until_a_person_retries(world: World, agent: Api, approved: dict) -> None:
    claim = agent.post(path(approved)).json()
    body = {"fence": claim["fence"], "status": "failed", "error": "No.", "retry": True}
    assert agent.post(f"dispatches/{claim['id']}/receipt/", body).json()["status"] == "failed"
    problem(agent.post(path(approved)), 409, "state_conflict")


def test_what_is_never_reported_fails_and_is_not_handed_out_again(agent: Api, approved: dict) -> None:
    agent.post(path(approved))
    Dispatch.objects.update(lease_until="2020-01-01T00:00:00Z")
    problem(agent.post(path(approved)), 409, "state_conflict")
    assert agent.post("dispatches/claim/").status_code == 204
    assert (claims.give_up_unheard(), claims.give_up_unheard()) == (1, 0)
    assert (stored(approved).state, Dispatch.objects.get().last_error) == ("failed", UNHEARD)


def test_a_lease_is_renewed_by_whoever_holds_it(agent: Api, stranger: Api, approved: dict) -> None:
    claim = agent.post(path(approved)).json()
    later = agent.post(f"dispatches/{claim['id']}/renew/", {"fence": 1}).json()["lease_until"]
    assert later > claim["lease_until"]
    problem(agent.post(f"dispatches/{claim['id']}/renew/", {"fence": 2}), 409, "lease_lost")
    problem(stranger.post(f"dispatches/{claim['id']}/renew/", {"fence": 1}), 404, "not_found")


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_and_one_gets_it() -> None:
    world = worlds.build()
    gate(world)
    api = agent_api(world.agent)
    shown = api.propose(surface="crm.segments")
    world.approve(Proposal.objects.get(pk=shown["id"]))

    def consume(_number: int) -> int:
        try:
            return Api(api.client.__class__(), api.headers).post(path(shown)).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(consume, range(8)))
    assert answers == [200, *[409] * 7]
