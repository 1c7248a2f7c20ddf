"""The Model Context Protocol: what goes over the wire, without a client library between."""

import json
from typing import Any

import pytest
from django.test import Client

from approvals.models import Outcome, Proposal
from tests import world as worlds
from tests.approvals.api.conftest import SENT, Api, problem
from tests.world import World

SCHEMA = {
    "type": "object",
    "required": ["size"],
    "properties": {"size": {"$ref": "#/$defs/size"}},
    "$defs": {"size": {"type": "integer", "minimum": 1}},
}


def ask(api: Api, method: str, parameters: Any = None, **headers: str) -> dict[str, Any]:
    body = {"jsonrpc": "2.0", "id": 7, "method": method, **({} if parameters is None else {"params": parameters})}
    answer = api.client.post(
        "/mcp/", json.dumps(body), content_type="application/json",
        headers={**api.headers, "Accept": "application/json, text/event-stream", **headers},
    )  # fmt: skip
    assert answer.status_code == 200, answer.content
    said = answer.json()
    assert said["id"] == 7
    return said


def call(api: Api, name: str, **arguments: Any) -> dict[str, Any]:
    return ask(api, "tools/call", {"name": name, "arguments": arguments})["result"]


def text(result: dict[str, Any]) -> str:
    return result["content"][0]["text"]


def test_it_shakes_hands_in_the_version_that_is_asked_for(agent: Api) -> None:
    result = ask(agent, "initialize", {"protocolVersion": "2025-06-18"})["result"]
    assert (result["protocolVersion"], result["capabilities"]) == ("2025-06-18", {"tools": {"listChanged": False}})
    assert ask(agent, "initialize", {"protocolVersion": "1999-01-01"})["result"]["protocolVersion"] == "2025-11-25"
    assert ask(agent, "ping")["result"] == {}
    body = json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"})
    assert agent.client.post("/mcp/", body, content_type="application/json", headers=agent.headers).status_code == 202


def test_a_proposal_is_a_handle_at_once_and_the_same_call_is_the_same_proposal(world: World, agent: Api) -> None:
    result = call(agent, "propose", **SENT)
    shown = result["structuredContent"]
    assert "has not been done" in text(result) and shown["state"] == "pending" and not result["isError"]
    world.decide(Proposal.objects.get(), "reject", comment="Too early.", reason_code="other")
    assert text(call(agent, "propose", **SENT)).endswith("was rejected and has not been done. Too early.")
    assert text(call(agent, "get_proposal", id=shown["id"])).endswith("Too early.")
    assert Proposal.objects.count() == 1


def test_evaluating_stores_nothing_and_withdrawing_takes_it_back(agent: Api) -> None:
    assert "require_approval" in text(call(agent, "evaluate", **SENT)) and not Proposal.objects.exists()
    identifier = call(agent, "propose", **SENT)["structuredContent"]["id"]
    assert "withdrawn" in text(call(agent, "withdraw", id=identifier))
    again = call(agent, "report_outcome", id=identifier, metric="CPA", value=1, observed_at="2026-11-20T00:00:00Z")
    assert again["isError"] and not Outcome.objects.exists()


def test_each_action_of_a_surface_is_a_tool_with_the_surfaces_schema(world: World, agent: Api) -> None:
    world.surface("crm.segments", payload_schema=SCHEMA)
    world.enforce(rules={"look": worlds.rule(surfaces=["crm.segments"], actions=["resize", "drop_*"])})
    tools = {tool["name"]: tool for tool in ask(agent, "tools/list")["result"]["tools"]}
    assert {"propose", "evaluate", "get_proposal", "withdraw", "report_outcome", "crm_segments__resize"} <= set(tools)
    schema = tools["crm_segments__resize"]["inputSchema"]
    assert schema["properties"]["payload"]["required"] == ["size"] and schema["$defs"] == SCHEMA["$defs"]
    wrong = call(agent, "crm_segments__resize", title="Resize", payload={"size": 0})
    assert wrong["isError"] and "/payload/size" in text(wrong) and not Proposal.objects.exists()
    assert call(agent, "crm_segments__resize", title="Resize", payload={"size": 5}, surface="pricing")["isError"]
    call(agent, "crm_segments__resize", title="Resize", payload={"size": 5})
    assert list(Proposal.objects.values_list("surface", "action")) == [("crm.segments", "resize")]


def test_another_agents_tools_and_proposals_are_not_there(agent: Api, stranger: Api) -> None:
    identifier = call(agent, "propose", **SENT)["structuredContent"]["id"]
    names = {tool["name"] for tool in ask(stranger, "tools/list")["result"]["tools"]}
    assert "ads_budget__shift_budget" not in names
    assert call(stranger, "get_proposal", id=identifier)["isError"]
    assert ask(stranger, "tools/call", {"name": "ads_budget__shift_budget", "arguments": {}})["error"]["code"] == -32602


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"{", -32700), (b"[]", -32600), (b'{"jsonrpc": "2.0", "id": 1}', -32600), (b'{"a": 1, "a": 2}', -32700)],
)
def test_what_is_no_message_is_refused(agent: Api, body: bytes, code: int) -> None:
    answer = agent.client.post("/mcp/", body, content_type="application/json", headers=agent.headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


def test_methods_that_are_not_there_are_named(agent: Api) -> None:
    assert ask(agent, "server/discover")["error"]["code"] == -32601
    assert ask(agent, "tools/call", [])["error"]["code"] == -32602
    assert ask(agent, "tools/call", {"name": "approve", "arguments": {}})["error"]["code"] == -32602


def test_it_wants_a_key_and_no_page_of_somebody_elses(agent: Api) -> None:
    problem(Client().post("/mcp/", b"{}", content_type="application/json"), 401, "not_authenticated")
    answer = agent.client.post(
        "/mcp/", b"{}", content_type="application/json", headers={**agent.headers, "Origin": "https://evil.example.com"}
    )
    problem(answer, 403, "permission_denied")
    assert agent.client.get("/mcp/", headers=agent.headers).status_code == 405
    assert agent.client.delete("/mcp/", headers=agent.headers).status_code == 405
