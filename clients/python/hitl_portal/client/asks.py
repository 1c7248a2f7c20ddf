"""Wishes of a call: ask the portal, or pause. Calls are generators; their driver does the I/O.

What was not sent, and what does no more when it comes twice, is asked again; nothing else is.
"""

from __future__ import annotations

import json
import random
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from hitl_portal.errors import CallRefused, PortalUnavailable

T = TypeVar("T")
TRIES: Final = 6
LONGEST_PAUSE_SECONDS: Final = 30.0
COME_AGAIN: Final = frozenset({429, 502, 503, 504})
"""The portal, or what stands before it, is busy. Any other answer is one."""


@dataclass(frozen=True)
class Ask:
    """One HTTP request. With `is_repeatable`, sending it twice does no more than sending it once."""

    method: str
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    is_repeatable: bool = True
    wait_seconds: float = 0.0
    """How long the portal is asked to hold the answer back; no reason to give up on it."""


@dataclass(frozen=True)
class Pause:
    """Do nothing for so long."""

    seconds: float


@dataclass(frozen=True)
class Answered:
    """What the portal answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """Return the object in the body; an empty one where there is none."""
        try:
            value = json.loads(self.body) if self.body else {}
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


@dataclass(frozen=True)
class Lost:
    """No answer came. `was_sent` is whether the request may have reached the portal."""

    reason: str
    was_sent: bool


Steps = Generator["Ask | Pause", "Answered | Lost | None", T]


def written(value: Any) -> bytes:
    """Write JSON as it is sent. Raises ValueError for NaN and TypeError for what is no JSON."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def refusal(answer: Answered) -> CallRefused:
    """Return the error that a problem document describes."""
    problem = answer.json()
    errors = problem.get("errors")
    return CallRefused(
        answer.status,
        str(problem.get("code", "")),
        str(problem.get("detail") or problem.get("title") or ""),
        [fault for fault in errors if isinstance(fault, dict)] if isinstance(errors, list) else (),
    )


def answered(ask: Ask, *, tries: int = TRIES) -> Steps[Answered]:
    """Return the answer of the 200s or 304. Raises CallRefused, and PortalUnavailable once all tries are used up."""
    reason = ""
    for attempt in range(1, tries + 1):
        result = yield ask
        assert result is not None, "an Ask is answered or lost"
        if isinstance(result, Answered) and result.status not in COME_AGAIN:
            if result.status < 300 or result.status == 304:
                return result
            raise refusal(result)
        reason = result.reason if isinstance(result, Lost) else f"it answered {result.status}"
        if attempt == tries or not may_repeat(ask, result):
            break
        yield Pause(pause_seconds(result, attempt))
    raise PortalUnavailable(f"The approval portal cannot be reached ({reason}). Nothing is known to have been done.")


def may_repeat(ask: Ask, result: Answered | Lost) -> bool:
    """Whether asking again cannot do anything twice. 429 is answered before anything is done."""
    if isinstance(result, Lost):
        return ask.is_repeatable or not result.was_sent
    return ask.is_repeatable or result.status == 429


def pause_seconds(result: Answered | Lost, attempt: int) -> float:
    """Return how long to wait: what the portal asked for, or twice as long each time, with chance in it."""
    wish = result.headers.get("retry-after", "") if isinstance(result, Answered) else ""
    if wish.isascii() and wish.isdecimal():
        return min(max(float(wish), 0.1), 2 * LONGEST_PAUSE_SECONDS)
    # The chance keeps many clients from coming back together; it decides nothing.
    return min(0.2 * 2.0**attempt, LONGEST_PAUSE_SECONDS) * random.uniform(0.5, 1)  # noqa: S311
