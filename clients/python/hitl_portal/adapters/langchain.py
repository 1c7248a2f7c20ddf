"""LangChain and LangGraph: a middleware that puts tool calls before the portal.

    agent = create_agent(model, tools=[shift_budget], checkpointer=saver, middleware=[PortalMiddleware(portal, {
        "shift_budget": governs("ads.budget", "shift_budget", "Move ${amount} from {from_} to {to}"),
    })])

A call that nobody has decided on interrupts the run. Resuming it, with any value, makes the middleware ask the portal
again, and nothing else: the value is never read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from langchain.agents.middleware import AgentMiddleware
from langchain.agents.middleware.types import ToolCallRequest
from langchain_core.messages import ToolMessage
from langgraph.errors import GraphBubbleUp
from langgraph.types import Command, interrupt

from hitl_portal.adapters.verdicts import Denied, Done, Run, Waiting, governs, report, verdict
from hitl_portal.client.portal import Portal
from hitl_portal.governed import Governance

__all__ = ["PortalMiddleware", "governs"]

Result: TypeAlias = ToolMessage | Command[Any]


class PortalMiddleware(AgentMiddleware[Any, Any, Any]):
    """Governs the tools that `tools` names; other calls pass, unless `others` says that they are refused.

    `wait` is how many seconds a call waits before it interrupts the run. Without a checkpointer a run cannot be
    interrupted: then the model is told that nobody has decided yet.
    """

    def __init__(
        self, portal: Portal, tools: Mapping[str, Governance], *, wait: float = 0.0, others: str = "pass"
    ) -> None:
        super().__init__()
        if others not in {"pass", "refuse"}:
            raise ValueError("`others` is pass or refuse.")
        self._portal, self._governed, self._wait, self._others = portal, dict(tools), wait, others

    def wrap_tool_call(self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Result]) -> Result:
        """Propose the call; run the tool only where it is a gate's and its approval was consumed."""
        call = _Call(request)
        governance = self._governed.get(call.name)
        if governance is None:
            return handler(request) if self._others == "pass" else call.answer(_UNNAMED, is_error=True)
        found = self._verdict(governance, call)
        while isinstance(found, Waiting):
            if not call.can_pause:
                return call.answer(found.text, is_error=True)
            interrupt({"hitl_portal": found.proposal_id, "tool": call.name, "says": found.text})
            found = self._verdict(governance, call)
        if not isinstance(found, Run):
            return call.answer(found.text, is_error=isinstance(found, Denied))
        try:
            result = handler(call.with_arguments(found.arguments))
        except GraphBubbleUp:
            raise
        except BaseException as error:
            self._portal.driver.run(report(found.work, error=type(error).__name__))
            raise
        self._portal.driver.run(_reported(found, result))
        return result

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[Result]]
    ) -> Result:
        """Do the same where the graph awaits; the portal is asked in a thread."""
        call = _Call(request)
        governance = self._governed.get(call.name)
        if governance is None:
            return await handler(request) if self._others == "pass" else call.answer(_UNNAMED, is_error=True)
        found = await asyncio.to_thread(self._verdict, governance, call)
        while isinstance(found, Waiting):
            if not call.can_pause:
                return call.answer(found.text, is_error=True)
            interrupt({"hitl_portal": found.proposal_id, "tool": call.name, "says": found.text})
            found = await asyncio.to_thread(self._verdict, governance, call)
        if not isinstance(found, Run):
            return call.answer(found.text, is_error=isinstance(found, Denied))
        try:
            result = await handler(call.with_arguments(found.arguments))
        except GraphBubbleUp:
            raise
        except BaseException as error:
            await asyncio.to_thread(self._portal.driver.run, report(found.work, error=type(error).__name__))
            raise
        await asyncio.to_thread(self._portal.driver.run, _reported(found, result))
        return result

    def _verdict(self, governance: Governance, call: _Call) -> Done | Run | Denied | Waiting:
        steps = verdict(governance, call.arguments, run=call.thread, call=call.id, wait=self._wait)
        return self._portal.driver.run(steps)


_UNNAMED = "This tool is not one that may be called here; it was not run."


class _Call:
    """One call of a tool, in one thread of conversation."""

    def __init__(self, request: ToolCallRequest) -> None:
        self._request = request
        self.name = request.tool_call["name"]
        self.id = str(request.tool_call["id"])
        self.arguments: dict[str, Any] = request.tool_call["args"]
        config: Mapping[str, Any] = getattr(request.runtime, "config", None) or {}
        settings = config.get("configurable") or {}
        self.thread = str(settings.get("thread_id", ""))
        self.can_pause = bool(self.thread) and settings.get("__pregel_checkpointer") is not None

    def with_arguments(self, arguments: dict[str, Any]) -> ToolCallRequest:
        return self._request.override(tool_call={**self._request.tool_call, "args": arguments})

    def answer(self, text: str, *, is_error: bool) -> ToolMessage:
        status = "error" if is_error else "success"
        return ToolMessage(content=text, name=self.name, tool_call_id=self.id, status=status)


def _reported(run: Run, result: Result) -> Any:
    """Return the steps that say what came of the tool. A failed message may have done something: it is final."""
    if isinstance(result, ToolMessage) and result.status == "error":
        return report(run.work, error="The tool answered with an error.")
    return report(run.work, result=result.content if isinstance(result, ToolMessage) else None)
