"""The pull connector: claim and receipt."""

import json

import jwt
import pytest
from django.conf import settings

from approvals.models import Dispatch
from audit import canonical
from policies.models import Agent, Connector
from tests import world as worlds
from tests.approvals.api.conftest import Api, agent_api, problem, stored
from tests.world import World


@pytest.fixture
def executor(world: World) -> Api:
    runner = Agent.objects.create(slug="runner", name="Runner", owner=world.owner)
    pull = Connector.objects.create(slug="crm", kind="pull", executor=runner)
    surface = world.surface("crm.segments")
    surface.connector = pull
    surface.save()
    worlds.publish()
    return agent_api(runner)


@pytest.fixture
def approved(world: World, agent: Api, executor: Api) -> dict:
    shown = agent.propose(surface="crm.segments")
    world.approve(stored(shown))
    return shown


def test_the_executor_claims_and_reports(agent: Api, executor: Api, approved: dict) -> None:
    answer = executor.post("dispatches/claim/")
    claim = answer.json()
    assert answer.status_code == 200
    assert claim["id"] == claim["webhook-id"] == str(Dispatch.objects.get().pk)
    assert (claim["proposal"], claim["surface"], claim["kind"]) == (approved["id"], "crm.segments", "execute")
    assert canonical.digest(canonical.encode(claim["payload"])) == claim["digest"] == approved["revision"]["digest"]

    body = {"fence": claim["fence"], "status": "delivered", "receipt": {"rows": 3}}
    said = executor.post(f"dispatches/{claim['id']}/receipt/", body).json()
    assert (said["status"], said["receipt"]) == ("delivered", {"rows": 3})
    assert executor.post(f"dispatches/{claim['id']}/receipt/", body).json() == said
    assert agent.get(f"proposals/{approved['id']}/").json()["state"] == "shipped"


def test_there_is_nothing_for_anybody_else(agent: Api, stranger: Api, executor: Api, approved: dict) -> None:
    for other in (agent, stranger):
        answer = other.post("dispatches/claim/")
        assert (answer.status_code, answer.content) == (204, b"")
    claim = executor.post("dispatches/claim/").json()
    body = {"fence": claim["fence"], "status": "delivered"}
    for other in (agent, stranger):
        problem(other.post(f"dispatches/{claim['id']}/receipt/", body), 404, "not_found")
    assert executor.post("dispatches/claim/").status_code == 204


def test_a_webhooks_work_is_not_to_be_had(world: World, agent: Api, executor: Api) -> None:
    world.approve(stored(agent.propose()))
    assert executor.post("dispatches/claim/").status_code == 204


def test_a_receipt_may_say_nothing_more(executor: Api, approved: dict) -> None:
    claim = executor.post("dispatches/claim/").json()
    for receipt in ({}, {"receipt": None}):
        body = {"fence": claim["fence"], "status": "delivered", **receipt}
        assert executor.post(f"dispatches/{claim['id']}/receipt/", body).json()["receipt"] == {}


def test_an_old_fence_is_a_conflict(executor: Api, approved: dict) -> None:
    claim = executor.post("dispatches/claim/").json()
    body = {"fence": claim["fence"] + 1, "status": "delivered"}
    problem(executor.post(f"dispatches/{claim['id']}/receipt/", body), 409, "lease_lost")


def test_a_failure_is_tried_again_or_given_up(agent: Api, executor: Api, approved: dict) -> None:
    claim = executor.post("dispatches/claim/").json()
    body = {"fence": claim["fence"], "status": "failed", "error": "CRM is down."}
    said = executor.post(f"dispatches/{claim['id']}/receipt/", body).json()
    assert (said["status"], said["last_error"]) == ("waiting", "CRM is down.")
    Dispatch.objects.update(next_attempt_at="2020-01-01T00:00:00Z")
    claim = executor.post("dispatches/claim/").json()
    body = {"fence": claim["fence"], "status": "failed", "retry": False}
    assert executor.post(f"dispatches/{claim['id']}/receipt/", body).json()["status"] == "failed"
    assert agent.get(f"proposals/{approved['id']}/").json()["state"] == "failed"


def test_the_grant_verifies_with_the_published_keys(client, executor: Api, approved: dict) -> None:
    grant = executor.post("dispatches/claim/").json()["grant"]
    answer = client.get("/.well-known/jwks.json")
    assert "max-age=300" in answer["Cache-Control"]
    keys = jwt.PyJWKSet.from_dict(json.loads(answer.content))
    key = keys[jwt.get_unverified_header(grant)["kid"]]
    claims = jwt.decode(grant, key, algorithms=["EdDSA"], audience="crm", issuer=settings.SITE_URL)
    assert claims["sub"] == approved["id"]
