"""Make a function a tool that only proposes.

`propose`, the usual way: the portal ships what was approved, through a connector, and the function's body never
runs. `gate`: the body runs here, once, after the portal has let this very call through; the agent's process then
holds the credentials, which is weaker, and the portal says so on the surface's page.
"""

from __future__ import annotations

import functools
import inspect
import json
import keyword
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, cast

from hitl_portal.client import gates, operations, waiting
from hitl_portal.client.answers import Proposal
from hitl_portal.client.asks import Steps
from hitl_portal.client.operations import Work
from hitl_portal.errors import PortalError

Mode = Literal["propose", "gate"]
F = TypeVar("F", bound=Callable[..., Any])
Run = Callable[[Steps[Any]], Any]
AsyncRun = Callable[[Steps[Any]], Awaitable[Any]]
BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True)
class Governance:
    """How calls of one function are proposed."""

    surface: str
    action: str
    title: str
    mode: Mode
    wait: float
    fields: Any
    leave_out: frozenset[str]

    def body(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the proposal that a call with `arguments` makes. Raises TypeError for what is no JSON."""
        fields = self.fields(dict(arguments)) if callable(self.fields) else self.fields or {}
        sent = {_member(name): value for name, value in arguments.items() if name not in self.leave_out}
        try:
            payload = json.loads(json.dumps(sent, allow_nan=False))
        except (TypeError, ValueError) as error:
            raise TypeError(f"The arguments of a governed function have to be JSON: {error}.") from error
        title = self.title.format(**arguments)[:300]
        return operations.proposal_body(
            surface=self.surface, action=self.action, title=title, payload=payload, fields=fields
        )

    def arguments(self, asked: Mapping[str, Any], permission: Work) -> dict[str, Any]:
        """Return the arguments that were approved, whatever was asked; those that were left out stay as they are."""
        payload = permission.payload
        names = {_member(name): name for name in asked}
        unknown = payload.keys() - names.keys()
        if unknown:
            raise TypeError(f"The approved payload names what the tool does not take: {', '.join(sorted(unknown))}.")
        return {**asked, **{names[member]: value for member, value in payload.items()}}

    def steps(self, body: dict[str, Any]) -> Steps[str | Work]:
        """Propose, wait, and return what to tell the model; in a gate, the one permission to run."""
        proposal = yield from operations.propose(body, idempotency_key=None)
        if self.mode == "gate":
            return (yield from gates.consume(proposal.id, timeout=self.wait))
        settled = yield from waiting.wait(proposal.id, until="settled", timeout=self.wait)
        return told(settled, body["payload"])


def governed_function(function: F, governance: Governance, *, run: Run) -> F:
    """Wrap `function`: a call proposes and waits. A refusal is returned as one sentence for the model."""
    if inspect.iscoroutinefunction(function):
        raise TypeError("Portal governs plain functions; for an `async def` take AsyncPortal.")
    signature = _signature(function)

    @functools.wraps(function)
    def tool(*args: Any, **kwargs: Any) -> Any:
        arguments = _bound(signature, args, kwargs)
        try:
            permission = run(governance.steps(governance.body(arguments)))
        except PortalError as refused:
            return str(refused)
        if not isinstance(permission, Work):
            return permission
        record = gates.Record(permission)
        try:
            record.result = function(**governance.arguments(arguments, permission))
        except BaseException as error:
            record.error = error
            raise
        finally:
            # It has run or not by now; a portal that is away changes nothing of that.
            with suppress(PortalError):
                run(record.steps())
        return record.result

    tool.__doc__ = _documented(function, governance)
    return cast("F", tool)


def governed_coroutine(function: F, governance: Governance, *, run: AsyncRun) -> F:
    """Wrap an `async def` as `governed_function` wraps a function."""
    if not inspect.iscoroutinefunction(function):
        raise TypeError("AsyncPortal governs an `async def`; for a plain function take Portal.")
    signature = _signature(function)

    @functools.wraps(function)
    async def tool(*args: Any, **kwargs: Any) -> Any:
        arguments = _bound(signature, args, kwargs)
        try:
            permission = await run(governance.steps(governance.body(arguments)))
        except PortalError as refused:
            return str(refused)
        if not isinstance(permission, Work):
            return permission
        record = gates.Record(permission)
        try:
            record.result = await function(**governance.arguments(arguments, permission))
        except BaseException as error:
            record.error = error
            raise
        finally:
            # It has run or not by now; a portal that is away changes nothing of that.
            with suppress(PortalError):
                await run(record.steps())
        return record.result

    tool.__doc__ = _documented(function, governance)
    return cast("F", tool)


def told(proposal: Proposal, sent: Mapping[str, Any]) -> str:
    """Say what was done, in words for a model."""
    text = f"Done: “{proposal.raw['title']}” was approved and has shipped."
    if proposal.payload != sent:
        text += f" A person changed it first; this was done: {json.dumps(proposal.payload, ensure_ascii=False)}."
    if proposal.receipt:
        text += f" The answer was: {json.dumps(proposal.receipt, ensure_ascii=False)}."
    return text


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    signature = inspect.signature(function)
    for parameter in signature.parameters.values():
        if parameter.kind not in BY_NAME:
            raise TypeError(f"A governed function names each of its arguments; {parameter} does not.")
    return signature


def _bound(signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    return dict(bound.arguments)


def _member(name: str) -> str:
    """Return the payload's name of an argument: `from_` is written so because `from` is a word of Python's."""
    return name[:-1] if name.endswith("_") and keyword.iskeyword(name[:-1]) else name


def _documented(function: Callable[..., Any], governance: Governance) -> str:
    own = inspect.getdoc(function) or f"Propose the action {governance.action} on {governance.surface}."
    return f"{own}\n\nA person may have to approve it first; the answer says what became of it."
