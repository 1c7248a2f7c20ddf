"""A world and its callers: an agent with its key, and people with a session and CSRF."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from approvals.api.http import throttling
from approvals.models import Proposal
from policies.models import Agent
from policies.registry import agents
from tests import world as worlds
from tests.world import World

V1 = "/api/v1/"
SENT: dict[str, Any] = {
    "surface": "ads.budget",
    "action": "shift_budget",
    "title": "Move $4,000 from Search to Social",
    "payload": {"from": "search", "to": "social", "amount": 4000},
    "confidence": 0.95,
}


@dataclass
class Api:
    """One caller. Paths are relative to /api/v1/; bodies are JSON values, or bytes as they are."""

    client: Client
    headers: dict[str, str]

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self.client.get(V1 + path, headers=self._with(headers))

    def post(self, path: str, body: Any = None, *, content_type: str = "application/json", **headers: str):
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return self.client.post(V1 + path, data, content_type=content_type, headers=self._with(headers))

    def propose(self, **fields: Any) -> dict[str, Any]:
        answer = self.post("proposals/", SENT | fields)
        assert answer.status_code == 201, answer.content
        return answer.json()

    def _with(self, headers: dict[str, str]) -> dict[str, str]:
        return self.headers | {name.replace("_", "-"): value for name, value in headers.items()}


def agent_api(agent: Agent) -> Api:
    key = agents.issue_key(agent=agent, by=None).text
    return Api(Client(), {"Authorization": f"Bearer {key}"})


def person_api(person: User) -> Api:
    client = Client(enforce_csrf_checks=True)
    client.force_login(person)
    token = "a" * 32
    client.cookies["csrftoken"] = token
    return Api(client, {"X-CSRFToken": token})


def problem(answer: HttpResponse, status: int, code: str) -> dict[str, Any]:
    """Check that an answer is a whole and proper problem, and return it."""
    said = json.loads(answer.content)
    assert (answer.status_code, said["status"], said["code"]) == (status, status, code), said
    assert answer["Content-Type"] == "application/problem+json"
    assert said["title"] and said["type"].endswith(code)
    return said


def pointers(said: dict[str, Any]) -> dict[str, str]:
    return {error["pointer"]: error["code"] for error in said["errors"]}


def decision(shown: dict[str, Any], verdict: str = "approve", **words: Any) -> dict[str, Any]:
    revision = shown["revision"]
    return {"verdict": verdict, "revision": revision["number"], "digest": revision["digest"], **words}


def stored(shown: dict[str, Any]) -> Proposal:
    return Proposal.objects.get(pk=shown["id"])


@pytest.fixture(autouse=True)
def _a_fresh_count(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """Count each test's requests by themselves, also where a Redis would remember those of the last."""
    settings.REDIS_URL = ""
    monkeypatch.setattr(throttling, "_own", throttling._OwnCounter())


@pytest.fixture
def world(db: None) -> World:
    return worlds.build()


@pytest.fixture
def agent(world: World) -> Api:
    return agent_api(world.agent)


@pytest.fixture
def stranger(world: World) -> Api:
    """Another agent, without a mandate anywhere."""
    return agent_api(Agent.objects.create(slug="stranger", name="Stranger", owner=world.owner))


@pytest.fixture
def owner(world: World) -> Api:
    return person_api(world.owner)
