"""What people do over the API besides deciding: session, CSRF, and no agent key anywhere."""

import pytest
from django.test import Client

from approvals.shipping import claims, dispatches
from tests.approvals.api.conftest import Api, decision, problem, stored
from tests.approvals.lifecycle.test_life import ship
from tests.world import World


def test_without_the_csrf_token_nothing_happens(world: World, agent: Api, owner: Api) -> None:
    shown = agent.propose()
    without = Api(owner.client, {})
    problem(without.post(f"proposals/{shown['id']}/decisions/", decision(shown)), 403, "csrf_failed")
    assert stored(shown).state == "pending"


def test_a_session_next_to_a_key_is_refused(agent: Api, owner: Api) -> None:
    shown = agent.propose()
    for header in (agent.headers["Authorization"], "Bearer wrong", "Basic YTpi"):
        answer = owner.post(f"proposals/{shown['id']}/decisions/", decision(shown), Authorization=header)
        problem(answer, 403, "agent_key_not_accepted")
    assert stored(shown).state == "pending"


def test_a_person_cannot_submit(owner: Api) -> None:
    problem(owner.post("proposals/", {"surface": "ads.budget"}), 401, "not_authenticated")


def test_who_is_no_longer_active_is_out(world: World, owner: Api) -> None:
    world.owner.is_active = False
    world.owner.save()
    problem(owner.get("proposals/"), 401, "not_authenticated")


def test_an_edit_makes_a_new_revision(agent: Api, owner: Api) -> None:
    shown = agent.propose()
    revision = shown["revision"]
    body = {"revision": 1, "digest": revision["digest"], "payload": {"amount": 1}, "note": "Less."}
    said = owner.post(f"proposals/{shown['id']}/edits/", body).json()
    assert (said["state"], said["revision"]["number"], said["revision"]["author"]) == ("edited", 2, "channel-owner")
    problem(owner.post(f"proposals/{shown['id']}/edits/", body), 409, "stale_revision")


@pytest.mark.parametrize("approve", [False, True])
def test_an_edit_that_a_guardrail_denies_is_refused_by_field(
    world: World, agent: Api, owner: Api, approve: bool
) -> None:
    row = {"kind": "forbidden_phrases", "surfaces": [], "paths": [], "effect": "deny", "tier": None}
    world.enforce(guardrails={"promises": row | {"config": {"phrases": ["guaranteed"]}, "text": "No guarantees."}})
    shown = agent.propose()
    body = {"revision": 1, "digest": shown["revision"]["digest"], "payload": {"text": "It is guaranteed."}}
    answer = owner.post(f"proposals/{shown['id']}/edits/", body | {"approve": approve})
    problem(answer, 422, "edit_refused")
    (fault,) = answer.json()["errors"]
    assert (fault["pointer"], fault["code"]) == ("/payload/text", "guardrail")
    assert fault["detail"].startswith("No guarantees.") and "guaranteed" in fault["detail"]
    assert owner.get(f"proposals/{shown['id']}/").json()["state"] == "pending"
    assert stored(shown).revisions.count() == 1


def test_edit_and_approve_in_one_act(world: World, agent: Api, owner: Api) -> None:
    world.surface("crm.segments", editor_may_approve=True)
    shown = agent.propose(surface="crm.segments")
    body = {"revision": 1, "digest": shown["revision"]["digest"], "payload": {"amount": 1}, "approve": True}
    assert owner.post(f"proposals/{shown['id']}/edits/", body).json()["state"] == "approved"


def test_undo_before_the_claim_and_not_after(agent: Api, owner: Api) -> None:
    shown = agent.propose()
    owner.post(f"proposals/{shown['id']}/decisions/", decision(shown))
    said = owner.post(f"proposals/{shown['id']}/undo/", {"comment": "Not yet."}).json()
    assert (said["state"], said["dispatch"]["status"]) == ("pending", "cancelled")
    owner.post(f"proposals/{shown['id']}/decisions/", decision(shown))
    assert claims.claim_next(worker="test", kind="webhook") is not None
    problem(owner.post(f"proposals/{shown['id']}/undo/"), 409, "state_conflict")


def test_roll_back_what_has_shipped(world: World, agent: Api, owner: Api) -> None:
    shown = agent.propose(rollback={"amount": -4000})
    world.approve(stored(shown))
    problem(owner.post(f"proposals/{shown['id']}/rollback/"), 409, "state_conflict")
    ship(world)
    said = owner.post(f"proposals/{shown['id']}/rollback/").json()
    assert (said["state"], said["dispatch"]["kind"]) == ("shipped", "rollback")
    ship(world)
    assert owner.get(f"proposals/{shown['id']}/").json()["state"] == "rolled_back"


def test_what_came_without_a_way_back_has_none(world: World, agent: Api, owner: Api) -> None:
    shown = agent.propose()
    world.approve(stored(shown))
    ship(world)
    problem(owner.post(f"proposals/{shown['id']}/rollback/"), 409, "no_rollback")


def test_what_has_failed_is_tried_again(world: World, agent: Api, owner: Api) -> None:
    shown = agent.propose()
    world.approve(stored(shown))
    claim = claims.claim_next(worker="test", kind="webhook")
    dispatches.postpone(dispatch_id=claim.dispatch.pk, fence=claim.fence, error="Gone.", is_final=True)
    said = owner.post(f"proposals/{shown['id']}/retry/").json()
    assert (said["state"], said["dispatch"]["status"]) == ("approved", "waiting")
    problem(owner.post(f"proposals/{shown['id']}/retry/"), 409, "state_conflict")


@pytest.mark.parametrize("action", ["decisions", "edits", "undo", "rollback", "retry"])
def test_none_of_it_is_done_by_get(agent: Api, owner: Api, action: str) -> None:
    shown = agent.propose()
    answer = owner.get(f"proposals/{shown['id']}/{action}/")
    problem(answer, 405, "method_not_allowed")
    assert answer["Allow"] == "POST"


def test_nobody_is_nobody(agent: Api) -> None:
    shown = agent.propose()
    problem(Client().get(f"/api/v1/proposals/{shown['id']}/"), 401, "not_authenticated")
