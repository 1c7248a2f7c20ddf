"""The middleware in a real LangChain agent, with LangChain's own fake model and two processes' worth of graphs."""

import asyncio
import re
from pathlib import Path

import pytest
from langchain.agents import create_agent
from langchain_core.language_models.fake_chat_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Command

from hitl_portal.adapters.langchain import PortalMiddleware, governs
from hitl_portal.testing import FakePortal

ASK = {"messages": [{"role": "user", "content": "Move the budget."}]}
THREAD = {"configurable": {"thread_id": "t1"}}


class Model(FakeMessagesListChatModel):
    def bind_tools(self, tools, **_options):
        return self


def model(*arguments):
    calls = [
        AIMessage("", tool_calls=[{"name": "shift_budget", "args": args, "id": f"call-{number}"}])
        for number, args in enumerate(arguments)
    ]
    return Model(responses=[*calls, AIMessage("Finished.")])


class Scene:
    """A graph over a stored conversation; a new graph over the same file is another process."""

    def __init__(self, path, portal, mode="gate", *arguments, is_resumed=False):
        self.ran = []

        @tool
        def shift_budget(to: str, amount: int) -> str:
            """Move budget."""
            self.ran.append((to, amount))
            if amount == 13:
                raise ValueError("unlucky")
            return f"moved {amount}"

        self._saver = SqliteSaver.from_conn_string(str(path))
        governed = {"shift_budget": governs("ads.budget", "shift_budget", "Move ${amount} to {to}", mode=mode)}
        self.graph = create_agent(
            model(*([] if is_resumed else arguments or [{"to": "social", "amount": 4000}])),
            tools=[shift_budget],
            middleware=[PortalMiddleware(portal, governed)],
            checkpointer=self._saver.__enter__(),
        )

    def run(self, given=ASK):
        state = self.graph.invoke(given, THREAD)
        told = [message.content for message in state["messages"] if message.type == "tool"]
        return told, state.get("__interrupt__", ())


@pytest.fixture
def file(tmp_path):
    return tmp_path / "conversations.sqlite3"


def test_a_call_waits_in_one_process_and_runs_in_another_once(file):
    portal = FakePortal(ships=False)
    first = Scene(file, portal)
    told, interrupts = first.run()
    assert told == [] and interrupts[0].value["hitl_portal"] == portal.proposals[0]["id"]
    portal.decide(portal.proposals[0]["id"], "approve")
    second = Scene(file, portal, is_resumed=True)
    told, interrupts = second.run(Command(resume="go"))
    assert (told, second.ran, first.ran) == (["moved 4000"], [("social", 4000)], [])
    assert [shown["state"] for shown in portal.proposals] == ["shipped"]


@pytest.mark.parametrize("value", ["approve", True, {"decisions": [{"type": "approve"}]}])
def test_what_is_handed_in_on_resume_approves_nothing(file, value):
    portal = FakePortal(ships=False)
    scene = Scene(file, portal)
    scene.run()
    told, interrupts = scene.run(Command(resume=value))
    assert told == [] and interrupts and scene.ran == []
    assert [shown["state"] for shown in portal.proposals] == ["pending"]


@pytest.mark.parametrize(
    ("decides", "sentence"),
    [
        ("reject", "rejected"),
        ("block", "blocked by policy"),
        ("expire", "Nobody decided in time"),
        ("return", "sent back"),
    ],
)
@pytest.mark.parametrize("mode", ["propose", "gate"])
def test_a_refusal_is_told_and_nothing_runs(file, decides, sentence, mode):
    scene = Scene(file, FakePortal(decides, because="Too early.", ships=False), mode)
    (told,), interrupts = scene.run()
    assert sentence in told and "\n" not in told and scene.ran == [] and not interrupts


def test_a_portal_that_is_away_is_a_refusal(file, monkeypatch):
    monkeypatch.setattr("hitl_portal.client.asks.TRIES", 1)
    monkeypatch.setattr("hitl_portal.client.asks.pause_seconds", lambda *_: 0)
    portal = FakePortal("approve", ships=False)
    portal.is_down = True
    scene = Scene(file, portal)
    (told,), _ = scene.run()
    assert "cannot be reached" in told and scene.ran == []


def test_an_edit_is_what_runs(file):
    portal = FakePortal(ships=False)
    scene = Scene(file, portal)
    scene.run()
    portal.decide(portal.proposals[0]["id"], "approve", payload={"to": "social", "amount": 2000})
    scene.run(Command(resume="wake"))
    assert scene.ran == [("social", 2000)]


def test_a_replay_after_a_crash_proposes_and_runs_nothing_twice(file):
    portal = FakePortal("approve", ships=False)
    first = Scene(file, portal)
    first.run()
    config = next(state.config for state in first.graph.get_state_history(THREAD) if state.next == ("tools",))
    again = Scene(file, portal)
    state = again.graph.invoke(None, config)
    told = [message.content for message in state["messages"] if message.type == "tool"]
    assert len(portal.proposals) == 1 and first.ran == [("social", 4000)] and again.ran == []
    assert "spent already" in told[-1]


def test_other_arguments_after_an_approval_get_nothing(file):
    portal = FakePortal(ships=False)
    scene = Scene(file, portal, "gate", {"to": "social", "amount": 1}, {"to": "me", "amount": 999})
    scene.run()
    portal.decide(portal.proposals[0]["id"], "approve")
    _told, interrupts = scene.run(Command(resume="wake"))
    assert scene.ran == [("social", 1)] and interrupts
    assert [shown["state"] for shown in portal.proposals] == ["shipped", "pending"]


def test_what_the_portal_ships_itself_does_not_run_here(file):
    portal = FakePortal("approve", receipt={"moved": 4000})
    scene = Scene(file, portal, "propose")
    (told,), _ = scene.run()
    assert told.startswith("Done:") and scene.ran == []


def test_a_tool_that_fails_is_reported_and_final(file):
    portal = FakePortal("approve", ships=False)
    scene = Scene(file, portal, "gate", {"to": "social", "amount": 13})
    with pytest.raises(ValueError, match="unlucky"):
        scene.run()
    assert portal.proposals[0]["state"] == "failed"


def test_tools_that_nobody_named_pass_or_are_refused(file):
    portal = FakePortal()
    scene = Scene(file, portal)
    middleware = PortalMiddleware(portal, {}, others="refuse")
    scene.graph = create_agent(model({"to": "x", "amount": 1}), tools=[_open(scene.ran)], middleware=[middleware])
    state = scene.graph.invoke(ASK)
    assert "may not" in state["messages"][-2].content or "not run" in state["messages"][-2].content
    assert scene.ran == [] and portal.proposals == []


def _open(ran):
    @tool
    def shift_budget(to: str, amount: int) -> str:
        """Move budget."""
        ran.append((to, amount))
        return "moved"

    return shift_budget


def test_without_a_checkpointer_the_model_is_told_to_wait():
    portal = FakePortal(ships=False)
    ran = []
    governed = {"shift_budget": governs("ads.budget", "shift_budget", "Move ${amount}", mode="gate")}
    graph = create_agent(
        model({"to": "x", "amount": 1}), tools=[_open(ran)], middleware=[PortalMiddleware(portal, governed)]
    )
    state = asyncio.run(graph.ainvoke(ASK))
    assert "has not been done" in state["messages"][-2].content and ran == []


def test_the_page_of_the_documents_runs_as_it_stands(monkeypatch):
    page = Path(__file__).resolve().parents[3] / "docs" / "connect" / "langchain.md"
    (block,) = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    portal, ran = FakePortal("approve", ships=False), []
    monkeypatch.setattr("hitl_portal.Portal", lambda: portal)
    names = {
        "create_agent": create_agent,
        "model": model({"to": "social", "amount": 5}),
        "shift_budget": _open(ran),
        "checkpointer": InMemorySaver(),
    }
    exec(compile(block, "langchain.md", "exec"), names)
    names["agent"].invoke(ASK, THREAD)
    assert ran == [("social", 5)] and portal.proposals[0]["state"] == "shipped"
