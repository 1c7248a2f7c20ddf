"""The facts of one proposal that the policy may look at. PURE: plain values, read by others beforehand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple


class Effect(StrEnum):
    """What a limit or a guardrail does when it strikes."""

    FLAG = "flag"
    TIER = "tier"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one guardrail found in the payload. `tier` is a slug and counts where the effect is `tier`."""

    guardrail: str
    effect: Effect
    tier: str | None
    text: str
    at: str = ""
    """Where in the payload, as a JSON Pointer."""
    start: int = 0
    end: int = 0
    """Which characters of the text there; equal where something is missing."""
    excerpt: str = ""
    """A short quotation of the spot."""


ROWS = "rows"


class Unread(NamedTuple):
    """Rows that were uploaded, or a figure where the surface reads one in the payload and something else is."""

    fact: str
    """amount, audience_size or rows."""
    pointer: str
    found: str
    """What is there, as short JSON; empty where nothing is."""

    def __str__(self) -> str:
        if self.fact == ROWS:
            return f"No rule can look into the {self.found} rows at {self.pointer}, which were uploaded"
        what = FIGURES[self.fact]
        if not self.found:
            return f"The payload has nothing at {self.pointer}, where it says {what}"
        return f"The payload has {self.found} at {self.pointer}, where it says {what}: that is no such number"


FIGURES = {"amount": "the amount", "audience_size": "how many people it reaches"}
"""The facts that a surface reads in the payload, in words."""


@dataclass(frozen=True, slots=True)
class Twin:
    """An open proposal that asks for exactly the same: on the same surface, the same action and payload."""

    proposal: str
    agent: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """What the policy may look at. `amount` is a decimal number; `confidence` runs from 0 to 1."""

    surface: str
    action: str
    agent: str
    agent_is_active: bool
    mandate: str | None
    """The tier of the agent's mandate on the surface; None if it has none."""
    tags: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    confidence: float | None = None
    amount: float | None = None
    currency: str = ""
    audience_size: int | None = None
    payload: Any = None
    before: Any = None
    model: Mapping[str, Any] = field(default_factory=dict)
    switches: tuple[str, ...] = ()
    """Scopes of the engaged kill switches that cover this proposal."""
    is_in_review: bool = False
    """People already look at this proposal, so a new revision of it never passes by itself."""
    expires_at: datetime | None = None
    now: datetime | None = None
    """When this is judged, in the time zone of the surface: weekday and hour are read off it."""
    limits: Mapping[str, float] = field(default_factory=dict)
    """Running totals by limit slug, as they stood before this proposal."""
    conflicts: tuple[str, ...] = ()
    """Ids of the proposals that hold the same target."""
    twins: tuple[Twin, ...] = ()
    """What was open already when this was asked, and is the same."""
    findings: tuple[Finding, ...] = ()
    standing_approval: str = ""
    """The id of the standing approval that covers this; empty where none does."""
    unread: tuple[Unread, ...] = ()
    """The figures that could not be read in the payload; `amount` or `audience_size` is then None."""
