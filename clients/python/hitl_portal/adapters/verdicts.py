"""Verdicts on one tool call, for every adapter alike. Asking again is always safe."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hitl_portal.client import gates, keys, operations, waiting
from hitl_portal.client.answers import OPEN
from hitl_portal.client.asks import Steps
from hitl_portal.client.operations import Work
from hitl_portal.errors import PortalError, WaitTimedOut
from hitl_portal.governed import Governance, Mode, told


def governs(
    surface: str,
    action: str,
    title: str,
    *,
    mode: Mode = "propose",
    fields: Mapping[str, Any] | Callable[[dict[str, Any]], Mapping[str, Any]] | None = None,
) -> Governance:
    """Say how the calls of one tool are proposed; `title` may name its arguments in braces."""
    return Governance(surface, action, title, mode, 0.0, fields, frozenset())


@dataclass(frozen=True)
class Done:
    """The portal has shipped it; `text` is for the model. Do not run the tool."""

    text: str


@dataclass(frozen=True)
class Run:
    """The gate is open for `arguments`, this once; report what came of it."""

    work: Work
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Denied:
    """Do not run the tool; `text` says why in one sentence."""

    text: str


@dataclass(frozen=True)
class Waiting:
    """Nobody has decided yet: pause, and ask again later."""

    proposal_id: str
    text: str


Verdict = Done | Run | Denied | Waiting


def verdict(
    governance: Governance, arguments: Mapping[str, Any], *, run: str, call: str, wait: float
) -> Steps[Verdict]:
    """Propose the call `call` of the run `run`, if it is not proposed yet, and say what became of it.

    Whatever goes wrong is a refusal: a tool runs where the portal has said so and nowhere else.
    """
    try:
        body = governance.body(arguments)
        key = keys.derived("propose", run, call, body)
        proposal = yield from operations.propose(body, idempotency_key=key)
        if governance.mode == "gate":
            work = yield from gates.consume(proposal.id, timeout=wait)
            return Run(work, governance.arguments(arguments, work))
        settled = yield from waiting.wait(proposal.id, until="settled", timeout=wait)
        return Done(told(settled, body["payload"]))
    except WaitTimedOut as waits:
        return Waiting(waits.proposal_id, str(waits))
    except (PortalError, TypeError, KeyError) as refused:
        return Denied(str(refused))


def is_waiting(governance: Governance, arguments: Mapping[str, Any], *, run: str, call: str) -> Steps[bool]:
    """Propose the call, if it is not proposed yet, and say whether people still have to decide; nothing is consumed.

    Whatever goes wrong is no waiting: the verdict says what it is.
    """
    try:
        body = governance.body(arguments)
        proposal = yield from operations.propose(body, idempotency_key=keys.derived("propose", run, call, body))
        now = yield from operations.get(proposal.id)
    except (PortalError, TypeError, KeyError):
        return False
    return now is not None and now.state in OPEN


def report(work: Work, *, result: Any = None, error: str = "") -> Steps[None]:
    """Say what came of a tool that was let run; a portal that is away by now changes nothing of that."""
    record = gates.Record(work)
    record.result = result
    record.error = RuntimeError(error) if error else None
    with contextlib.suppress(PortalError):
        yield from record.steps()
