"""Acts of one agent of the demo. Data only."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class Act:
    """One agent proposes something.

    `second` is the content it sends when people send it back; `within` is how soon it asks people to decide.
    """

    name: str
    agent: str
    proposal: dict[str, Any]
    second: dict[str, Any] | None = None
    within: timedelta | None = None
