"""The portal, for programs that block."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from hitl_portal.client import operations, waiting
from hitl_portal.client.answers import Evaluation, Proposal
from hitl_portal.client.driving import Driver
from hitl_portal.client.keys import tool_call
from hitl_portal.client.waiting import Until
from hitl_portal.configuration import configured
from hitl_portal.executor import Executor, Handler
from hitl_portal.governed import Governance, Mode, governed_function

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from hitl_portal.client.operations import ProposalFields

F = TypeVar("F", bound=Callable[..., Any])


class Portal(AbstractContextManager["Portal"]):
    """The portal as one agent sees it. Safe to share between threads.

    Reads HITL_PORTAL_URL and HITL_PORTAL_KEY where nothing is given. Nothing here can approve anything.
    """

    def __init__(
        self, url: str | None = None, key: str | None = None, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        self.configuration = configured(url, key)
        self.driver = Driver(self.configuration, transport)

    def __repr__(self) -> str:
        return f"Portal({self.configuration.url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self.driver.close()

    def propose(
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
        """Submit a proposal. Its key follows from the call, so the same call again submits nothing new.

        Raises CallRefused and PortalUnavailable.
        """
        body = operations.proposal_body(surface=surface, action=action, title=title, payload=payload, fields=fields)
        steps = operations.propose(body, idempotency_key=idempotency_key, traceparent=traceparent)
        return self.driver.run(steps)

    def evaluate(
        self, *, surface: str, action: str, title: str, payload: Mapping[str, Any], **fields: Unpack[ProposalFields]
    ) -> Evaluation:
        """Return the verdict that such a proposal would get; nothing is stored."""
        body = operations.proposal_body(surface=surface, action=action, title=title, payload=payload, fields=fields)
        return self.driver.run(operations.evaluate(body))

    def get(self, proposal: Proposal | str) -> Proposal:
        """Look at a proposal."""
        shown = self.driver.run(operations.get(identifier(proposal)))
        assert shown is not None, "only a known entity tag is answered without a body"
        return shown

    def wait(self, proposal: Proposal | str, *, until: Until = "decided", timeout: float | None = None) -> Proposal:
        """Wait until the proposal is cleared, or has shipped (`until="settled"`); any process may, by its id.

        Raises ProposalRejected (ProposalReturned where it may be revised), ProposalExpired, ShippingFailed, and
        WaitTimedOut after `timeout` seconds, which is no consent.
        """
        return self.driver.run(waiting.wait(identifier(proposal), until=until, timeout=timeout))

    def changed(self, proposal: Proposal, *, timeout: float | None = None) -> Proposal:
        """Return the proposal once it is another than `proposal` shows it, whatever that means.

        Raises WaitTimedOut after `timeout` seconds.
        """
        return self.driver.run(waiting.changed(proposal, timeout=timeout))

    def surfaces(self) -> list[dict[str, Any]]:
        """List the surfaces on which this agent may propose, with their payload schemas."""
        return self.driver.run(operations.surfaces())

    def withdraw(self, proposal: Proposal | str) -> Proposal:
        """Take a proposal back, before it is on its way."""
        return self.driver.run(operations.withdraw(identifier(proposal)))

    def revise(self, proposal: Proposal, payload: Mapping[str, Any], **fields: Any) -> Proposal:
        """Put another payload before people, in the place of the revision that `proposal` shows."""
        return self.driver.run(operations.revise(proposal.id, payload, since=proposal.revision, fields=fields))

    def report_outcome(
        self,
        proposal: Proposal | str,
        *,
        metric: str,
        value: float,
        observed_at: datetime | str,
        unit: str = "",
        note: str = "",
    ) -> dict[str, Any]:
        """Report what a shipped action did in the world."""
        body = operations.outcome_body(metric=metric, value=value, observed_at=observed_at, unit=unit, note=note)
        return self.driver.run(operations.report_outcome(identifier(proposal), body))

    def executor(self, handlers: Mapping[tuple[str, ...], Handler], **options: Any) -> Executor:
        """Return what claims and executes approved work of the pull connectors that this agent executes."""
        return Executor(self.driver, handlers, **options)

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
        """Make a function a tool that only proposes: see `governed`."""
        governance = Governance(surface, action, title, mode, wait, fields, frozenset(leave_out))
        return lambda function: governed_function(function, governance, run=self.driver.run)

    tool_call = staticmethod(tool_call)


def identifier(proposal: Proposal | str) -> str:
    """Return the id of a proposal, or the id that was given."""
    return proposal.id if isinstance(proposal, Proposal) else str(proposal)
