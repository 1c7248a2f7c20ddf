"""The portal, for programs that await."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from hitl_portal.client import operations, waiting
from hitl_portal.client.answers import Evaluation, Proposal
from hitl_portal.client.driving import AsyncDriver
from hitl_portal.client.keys import tool_call
from hitl_portal.client.portal import identifier
from hitl_portal.client.waiting import Until
from hitl_portal.configuration import configured
from hitl_portal.governed import Governance, Mode, governed_coroutine

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from hitl_portal.client.operations import ProposalFields

F = TypeVar("F", bound=Callable[..., Any])


class AsyncPortal(AbstractAsyncContextManager["AsyncPortal"]):
    """`Portal` for programs that await: the same calls with the same meaning."""

    def __init__(
        self, url: str | None = None, key: str | None = None, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.configuration = configured(url, key)
        self.driver = AsyncDriver(self.configuration, transport)

    def __repr__(self) -> str:
        return f"AsyncPortal({self.configuration.url!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self.driver.close()

    async def propose(
        self,
        *,
        surface: str,
        action: str,
        title: str,
        payload: Mapping[str, Any],
        idempotency_key: str | None = None,
        traceparent: str | None = None,
        **fields: Unpack[ProposalFields],
    ) -> Proposal:
        """See `Portal.propose`."""
        body = operations.proposal_body(surface=surface, action=action, title=title, payload=payload, fields=fields)
        steps = operations.propose(body, idempotency_key=idempotency_key, traceparent=traceparent)
        return await self.driver.run(steps)

    async def evaluate(
        self, *, surface: str, action: str, title: str, payload: Mapping[str, Any], **fields: Unpack[ProposalFields]
    ) -> Evaluation:
        """See `Portal.evaluate`."""
        body = operations.proposal_body(surface=surface, action=action, title=title, payload=payload, fields=fields)
        return await self.driver.run(operations.evaluate(body))

    async def get(self, proposal: Proposal | str) -> Proposal:
        """See `Portal.get`."""
        shown = await self.driver.run(operations.get(identifier(proposal)))
        assert shown is not None, "only a known entity tag is answered without a body"
        return shown

    async def wait(
        self, proposal: Proposal | str, *, until: Until = "decided", timeout: float | None = None
    ) -> Proposal:
        """See `Portal.wait`."""
        return await self.driver.run(waiting.wait(identifier(proposal), until=until, timeout=timeout))

    async def changed(self, proposal: Proposal, *, timeout: float | None = None) -> Proposal:
        """See `Portal.changed`."""
        return await self.driver.run(waiting.changed(proposal, timeout=timeout))

    async def surfaces(self) -> list[dict[str, Any]]:
        """See `Portal.surfaces`."""
        return await self.driver.run(operations.surfaces())

    async def withdraw(self, proposal: Proposal | str) -> Proposal:
        """See `Portal.withdraw`."""
        return await self.driver.run(operations.withdraw(identifier(proposal)))

    async def revise(self, proposal: Proposal, payload: Mapping[str, Any], **fields: Any) -> Proposal:
        """See `Portal.revise`."""
        return await self.driver.run(operations.revise(proposal.id, payload, since=proposal.revision, fields=fields))

    async def report_outcome(
        self,
        proposal: Proposal | str,
        *,
        metric: str,
        value: float,
        observed_at: datetime | str,
        unit: str = "",
        note: str = "",
    ) -> dict[str, Any]:
        """See `Portal.report_outcome`."""
        body = operations.outcome_body(metric=metric, value=value, observed_at=observed_at, unit=unit, note=note)
        return await self.driver.run(operations.report_outcome(identifier(proposal), body))

    def governed(
        self,
        *,
        surface: str,
        action: str,
        title: str,
        mode: Mode = "propose",
        wait: float = 300.0,
        fields: ProposalFields | Callable[[dict[str, Any]], ProposalFields] | None = None,
        leave_out: Collection[str] = (),
    ) -> Callable[[F], F]:
        """Make an `async def` a tool that only proposes: see `Portal.governed`."""
        governance = Governance(surface, action, title, mode, wait, fields, frozenset(leave_out))
        return lambda function: governed_coroutine(function, governance, run=self.driver.run)

    tool_call = staticmethod(tool_call)
