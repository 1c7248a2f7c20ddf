"""The toolset in a real Pydantic AI agent, with its own function model; messages go to another process as JSON."""

import re
from pathlib import Path

import pytest
from pydantic_ai import Agent, DeferredToolRequests, DeferredToolResults, ToolApproved
from pydantic_ai.messages import ModelMessagesTypeAdapter, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import FunctionModel
from pydantic_ai.models.test import TestModel
from pydantic_ai.toolsets import FunctionToolset

from hitl_portal.adapters.pydantic_ai import PortalToolset, governs
from hitl_portal.testing import FakePortal

ARGUMENTS = {"to": "social", "amount": 4000}


class Conversation:
    """An agent of its own, as another process would have it."""

    def __init__(self, portal, mode="gate"):
        self.ran = []

        def shift_budget(to: str, amount: int) -> str:
            """Move budget."""
            self.ran.append((to, amount))
            return f"moved {amount}"

        def respond(messages, info):
            returned = any(isinstance(part, ToolReturnPart) for message in messages for part in message.parts)
            part = TextPart("Finished.") if returned else ToolCallPart("shift_budget", ARGUMENTS, tool_call_id="c1")
            return ModelResponse(parts=[part])

        governed = {"shift_budget": governs("ads.budget", "shift_budget", "Move ${amount} to {to}", mode=mode)}
        tools = PortalToolset(FunctionToolset([shift_budget]), portal, governed)
        self.agent = Agent(FunctionModel(respond), toolsets=[tools], output_type=[str, DeferredToolRequests])

    def begin(self):
        return self._kept(self.agent.run_sync("Move the budget."))

    def go_on(self, messages, approval=True):
        history = ModelMessagesTypeAdapter.validate_json(messages)
        results = DeferredToolResults(approvals={"c1": approval})
        return self._kept(self.agent.run_sync(message_history=history, deferred_tool_results=results))

    def _kept(self, result):
        returned = [p.content for m in result.all_messages() for p in m.parts if isinstance(p, ToolReturnPart)]
        return result.output, result.all_messages_json(), returned


def test_a_call_waits_in_one_process_and_runs_in_another_once():
    portal = FakePortal(ships=False)
    output, messages, _ = Conversation(portal).begin()
    assert isinstance(output, DeferredToolRequests) and [call.tool_call_id for call in output.approvals] == ["c1"]
    portal.decide(portal.proposals[0]["id"], "approve")
    second, third = Conversation(portal), Conversation(portal)
    assert second.go_on(messages)[2] == ["moved 4000"] and second.ran == [("social", 4000)]
    assert "not done" in third.go_on(messages)[2][0] or "spent already" in third.go_on(messages)[2][0]
    assert third.ran == [] and len(portal.proposals) == 1 and portal.proposals[0]["state"] == "shipped"


def test_what_is_handed_in_approves_nothing_and_changes_nothing():
    portal = FakePortal(ships=False)
    process = Conversation(portal)
    _, messages, _ = process.begin()
    assert isinstance(process.go_on(messages)[0], DeferredToolRequests)
    portal.decide(portal.proposals[0]["id"], "approve")
    other = process.go_on(messages, ToolApproved(override_args={"to": "me", "amount": 9}))
    assert isinstance(other[0], DeferredToolRequests) and process.ran == []
    assert [shown["state"] for shown in portal.proposals] == ["approved", "pending"]


def test_an_edit_is_what_runs():
    portal = FakePortal(ships=False)
    process = Conversation(portal)
    _, messages, _ = process.begin()
    portal.decide(portal.proposals[0]["id"], "approve", payload={"to": "social", "amount": 2000})
    assert process.go_on(messages)[2] == ["moved 2000"] and process.ran == [("social", 2000)]


@pytest.mark.parametrize(
    ("decides", "sentence"),
    [("reject", "rejected"), ("block", "blocked by policy"), ("expire", "Nobody decided"), ("return", "sent back")],
)
@pytest.mark.parametrize("mode", ["propose", "gate"])
def test_a_refusal_is_told_in_one_sentence_and_nothing_runs(decides, sentence, mode):
    process = Conversation(FakePortal(decides, because="Too early.", ships=False), mode)
    _, _, (told,) = process.begin()
    assert sentence in told and "\n" not in told and process.ran == []


def test_a_portal_that_is_away_is_a_refusal(monkeypatch):
    monkeypatch.setattr("hitl_portal.client.asks.pause_seconds", lambda *_: 0)
    portal = FakePortal("approve", ships=False)
    portal.is_down = True
    process = Conversation(portal)
    assert "cannot be reached" in process.begin()[2][0] and process.ran == []


def test_what_the_portal_ships_itself_does_not_run_here():
    portal = FakePortal("approve", receipt={"moved": 4000})
    process = Conversation(portal, "propose")
    assert process.begin()[2][0].startswith("Done:") and process.ran == []


def test_the_page_of_the_documents_runs_as_it_stands(monkeypatch):
    page = Path(__file__).resolve().parents[3] / "docs" / "connect" / "pydantic_ai.md"
    (block,) = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    portal, ran = FakePortal("approve", ships=False), []
    monkeypatch.setattr("hitl_portal.Portal", lambda: portal)

    def shift_budget(to: str, amount: int) -> str:
        """Move budget."""
        ran.append((to, amount))
        return "moved"

    names = {
        "Agent": Agent,
        "FunctionToolset": FunctionToolset,
        "DeferredToolRequests": DeferredToolRequests,
        "model": TestModel(),
        "shift_budget": shift_budget,
    }
    exec(compile(block, "pydantic_ai.md", "exec"), names)
    names["agent"].run_sync("Move the budget.")
    assert len(ran) == 1 and portal.proposals[0]["state"] == "shipped"
