"""Pydantic AI: a toolset that puts tool calls before the portal.

    tools = PortalToolset(FunctionToolset([shift_budget]), portal, {
        "shift_budget": governs("ads.budget", "shift_budget", "Move ${amount} to {to}", mode="gate"),
    })
    agent = Agent(model, toolsets=[tools], output_type=[str, DeferredToolRequests])

A call that nobody has decided on ends the run with DeferredToolRequests. Go on from the same messages with
`DeferredToolResults(approvals={call_id: True})` whenever you like: that makes the toolset ask the portal again, and
approves nothing. Arguments that are handed in beside it make another proposal.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic_ai import RunContext
from pydantic_ai.exceptions import ApprovalRequired
from pydantic_ai.toolsets import AbstractToolset, ToolsetTool, WrapperToolset

from hitl_portal.adapters.verdicts import Run, Waiting, governs, report, verdict
from hitl_portal.client.portal import Portal
from hitl_portal.governed import Governance

__all__ = ["PortalToolset", "governs"]


@dataclass
class PortalToolset(WrapperToolset[Any]):
    """Governs the tools of `wrapped` that `governed` names; others pass.

    `wait` is how many seconds a call waits before it is deferred.
    """

    wrapped: AbstractToolset[Any]
    portal: Portal
    governed: Mapping[str, Governance] = field(default_factory=dict)
    wait: float = 0.0

    async def call_tool(
        self, name: str, tool_args: dict[str, Any], ctx: RunContext[Any], tool: ToolsetTool[Any]
    ) -> Any:
        """Propose the call; run the tool only where it is a gate's and its approval was consumed."""
        governance = self.governed.get(name)
        if governance is None:
            return await self.wrapped.call_tool(name, tool_args, ctx, tool)
        steps = verdict(
            governance, tool_args, run=ctx.conversation_id or "", call=ctx.tool_call_id or "", wait=self.wait
        )
        found = await asyncio.to_thread(self.portal.driver.run, steps)
        if isinstance(found, Waiting):
            raise ApprovalRequired(metadata={"hitl_portal": found.proposal_id, "says": found.text})
        if not isinstance(found, Run):
            return found.text
        try:
            result = await self.wrapped.call_tool(name, found.arguments, ctx, tool)
        except BaseException as error:
            await asyncio.to_thread(self.portal.driver.run, report(found.work, error=type(error).__name__))
            raise
        await asyncio.to_thread(self.portal.driver.run, report(found.work, result=result))
        return result
