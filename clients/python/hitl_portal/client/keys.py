"""Idempotency keys that follow from the tool call, so that a replayed run proposes nothing twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ToolCall:
    """Which call of which run is being made."""

    run: str = ""
    call: str = ""


_UNNAMED = ToolCall()
_current: ContextVar[ToolCall] = ContextVar("hitl_portal_tool_call", default=_UNNAMED)


@contextmanager
def tool_call(*, run: str, call: str = "") -> Iterator[None]:
    """Name the run, and the call within it, that the block makes; the same names mean the same call.

    Without names, two calls with equal arguments are one call for as long as the portal remembers the first
    (a day at least): a run that is replayed proposes nothing twice, and neither does a model that repeats itself.
    """
    token = _current.set(ToolCall(run, call))
    try:
        yield
    finally:
        _current.reset(token)


def of_proposal(body: dict[str, Any]) -> str:
    """Return the key of a proposal: the same for the same body in the same call of the same run."""
    now = _current.get()
    return derived("propose", now.run, now.call, body)


def derived(what: str, *parts: Any) -> str:
    """Return a key that depends on all of `parts` and on nothing else."""
    text = json.dumps([what, *parts], sort_keys=True, separators=(",", ":"), allow_nan=False)
    return f"{what}-{hashlib.sha256(text.encode()).hexdigest()[:40]}"
