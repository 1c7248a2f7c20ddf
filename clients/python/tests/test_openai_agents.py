"""Governed tools in a real run of the OpenAI Agents SDK, with a model of our own; states go from process to process."""

import asyncio
import json
import re
from pathlib import Path

import pytest
from agents import Agent, Model, ModelResponse, RunConfig, Runner, RunState, Usage, function_tool
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

from hitl_portal.adapters.openai_agents import govern, governs
from hitl_portal.testing import FakePortal

ARGUMENTS = {"to": "social", "amount": 4000}
QUIET = RunConfig(tracing_disabled=True)


class Scripted(Model):
    """Calls the tool once, and says that it has finished when it sees what the tool answered."""

    async def get_response(self, system_instructions, input, *rest, **options):  # noqa: A002  # the SDK's name
        items = [] if isinstance(input, str) else input
        if any(item.get("type") == "function_call_output" for item in items):
            text = ResponseOutputText(text="Finished.", type="output_text", annotations=[])
            answer = ResponseOutputMessage(id="m", content=[text], role="assistant", status="completed", type="message")
        else:
            answer = ResponseFunctionToolCall(
                call_id="c1", name="shift_budget", arguments=json.dumps(ARGUMENTS), type="function_call"
            )
        return ModelResponse(output=[answer], usage=Usage(), response_id=None)

    def stream_response(self, *arguments, **options):
        raise NotImplementedError


class SavedRun:
    """An agent of its own, as another process would have it."""

    def __init__(self, portal, mode="gate"):
        self.ran = []

        @function_tool
        def shift_budget(to: str, amount: int) -> str:
            """Move budget."""
            self.ran.append((to, amount))
            return f"moved {amount}"

        governed = {"shift_budget": governs("ads.budget", "shift_budget", "Move ${amount} to {to}", mode=mode)}
        self.agent = Agent(name="Pacer", model=Scripted(), tools=govern(portal, [shift_budget], governed))

    def run(self, given="Move the budget."):
        result = asyncio.run(Runner.run(self.agent, given, run_config=QUIET))
        told = [item.output for item in result.new_items if item.type == "tool_call_output_item"]
        return result, told

    def go_on(self, text):
        async def state():
            return await RunState.from_string(self.agent, text)

        saved = asyncio.run(state())
        for item in saved.get_interruptions():
            saved.approve(item)
        return self.run(saved)


def test_a_call_waits_in_one_process_and_runs_in_another_once():
    portal = FakePortal(ships=False)
    result, told = SavedRun(portal).run()
    assert len(result.interruptions) == 1 and told == []
    text = result.to_state().to_string()
    portal.decide(portal.proposals[0]["id"], "approve")
    second, third = SavedRun(portal), SavedRun(portal)
    assert second.go_on(text)[1] == ["moved 4000"] and second.ran == [("social", 4000)]
    third.go_on(text)
    assert third.ran == [] and len(portal.proposals) == 1 and portal.proposals[0]["state"] == "shipped"


def test_what_the_state_says_approves_nothing():
    portal = FakePortal(ships=False)
    process = SavedRun(portal)
    text = process.run()[0].to_state().to_string()
    assert "has not been done" in process.go_on(text)[1][0] and process.ran == []
    assert [shown["state"] for shown in portal.proposals] == ["pending"]


def test_an_edit_is_what_runs():
    portal = FakePortal(ships=False)
    process = SavedRun(portal)
    text = process.run()[0].to_state().to_string()
    portal.decide(portal.proposals[0]["id"], "approve", payload={"to": "social", "amount": 2000})
    assert process.go_on(text)[1] == ["moved 2000"]


@pytest.mark.parametrize(
    ("decides", "sentence"),
    [("reject", "rejected"), ("block", "blocked by policy"), ("expire", "Nobody decided"), ("return", "sent back")],
)
@pytest.mark.parametrize("mode", ["propose", "gate"])
def test_a_refusal_is_told_in_one_sentence_and_nothing_runs(decides, sentence, mode):
    process = SavedRun(FakePortal(decides, because="Too early.", ships=False), mode)
    (told,) = process.run()[1]
    assert sentence in told and "\n" not in told and process.ran == []


def test_a_portal_that_is_away_is_a_refusal(monkeypatch):
    monkeypatch.setattr("hitl_portal.client.asks.pause_seconds", lambda *_: 0)
    portal = FakePortal("approve", ships=False)
    portal.is_down = True
    process = SavedRun(portal)
    assert "cannot be reached" in process.run()[1][0] and process.ran == []


def test_what_the_portal_ships_itself_does_not_run_here():
    process = SavedRun(FakePortal("approve", receipt={"moved": 4000}), "propose")
    assert process.run()[1][0].startswith("Done:") and process.ran == []


def test_a_name_that_no_tool_has_is_refused_when_it_is_made():
    with pytest.raises(ValueError, match="no function tool"):
        govern(FakePortal(), [], {"shift_budget": governs("a", "b", "c")})


def test_the_page_of_the_documents_runs_as_it_stands(monkeypatch):
    page = Path(__file__).resolve().parents[3] / "docs" / "connect" / "openai_agents.md"
    (block,) = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    portal, ran = FakePortal("approve", ships=False), []
    monkeypatch.setattr("hitl_portal.Portal", lambda: portal)

    @function_tool
    def shift_budget(to: str, amount: int) -> str:
        """Move budget."""
        ran.append((to, amount))
        return "moved"

    names = {"Agent": Agent, "model": Scripted(), "shift_budget": shift_budget}
    exec(compile(block, "openai_agents.md", "exec"), names)
    asyncio.run(Runner.run(names["agent"], "Move the budget.", run_config=QUIET))
    assert ran == [("social", 4000)] and portal.proposals[0]["state"] == "shipped"
