"""OpenAI Agents SDK: function tools that are put before the portal.

    tools = govern(portal, [shift_budget], {
        "shift_budget": governs("ads.budget", "shift_budget", "Move ${amount} to {to}", mode="gate"),
    })
    result = await Runner.run(Agent(name="Pacer", tools=tools), "…")
    if result.interruptions:
        keep(result.to_state().to_string())

A call that nobody has decided on interrupts the run. Approve the interruption in the saved state whenever you like, and
run that state: the tool asks the portal again, and what the state says opens nothing.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from agents import FunctionTool, RunContextWrapper, Tool
from agents.tool_context import ToolContext

from hitl_portal.adapters.verdicts import Run, governs, is_waiting, report, verdict
from hitl_portal.client.portal import Portal
from hitl_portal.governed import Governance

__all__ = ["govern", "governs"]


def govern(
    portal: Portal, tools: Iterable[Tool], governed: Mapping[str, Governance], *, run: str = "", wait: float = 0.0
) -> list[Tool]:
    """Return `tools`, with those that `governed` names behind the portal.

    `run` names the run where ids of calls are not unique by themselves. `wait` is how many seconds a call that was
    let go on waits for a decision. Raises ValueError for a name that none of the function tools has.
    """
    ready = list(tools)
    missing = governed.keys() - {tool.name for tool in ready if isinstance(tool, FunctionTool)}
    if missing:
        raise ValueError(f"There is no function tool {', '.join(sorted(missing))}.")
    return [
        _Governed(portal, tool, governed[tool.name], run, wait).tool()
        if isinstance(tool, FunctionTool) and tool.name in governed
        else tool
        for tool in ready
    ]


class _Governed:
    """One function tool behind the portal."""

    def __init__(self, portal: Portal, tool: FunctionTool, governance: Governance, run: str, wait: float) -> None:
        self._portal, self._tool, self._governance, self._run, self._wait = portal, tool, governance, run, wait

    def tool(self) -> FunctionTool:
        return replace(self._tool, needs_approval=self._needs_approval, on_invoke_tool=self._invoke)

    async def _needs_approval(self, context: RunContextWrapper[Any], arguments: dict[str, Any], call_id: str) -> bool:
        steps = is_waiting(self._governance, arguments, run=self._run, call=call_id)
        return await asyncio.to_thread(self._portal.driver.run, steps)

    async def _invoke(self, context: ToolContext[Any], text: str) -> Any:
        try:
            arguments = dict(json.loads(text or "{}"))
        except (ValueError, TypeError):
            return "The arguments are no JSON object, so nothing was done."
        call = context.tool_call_id
        steps = verdict(self._governance, arguments, run=self._run, call=call, wait=self._wait)
        found = await asyncio.to_thread(self._portal.driver.run, steps)
        if not isinstance(found, Run):
            return found.text
        try:
            result = await self._tool.on_invoke_tool(context, json.dumps(found.arguments))
        except BaseException as error:
            await asyncio.to_thread(self._portal.driver.run, report(found.work, error=type(error).__name__))
            raise
        await asyncio.to_thread(self._portal.driver.run, report(found.work, result=result))
        return result
