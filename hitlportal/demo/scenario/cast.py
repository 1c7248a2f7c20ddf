"""The demo's agents and their mandates. Data only."""

from dataclasses import dataclass, field
from typing import Final

WRITER: Final = "journey-writer"
PACER: Final = "budget-pacer"
SCOUT: Final = "price-scout"


@dataclass(frozen=True, slots=True)
class Cast:
    """One agent: its slug, its name for people, its model and its mandates (surface → least oversight).

    `earned` is what two people agree to give it once it is there.
    """

    slug: str
    name: str
    model: str
    mandates: dict[str, str]
    earned: dict[str, str] = field(default_factory=dict)


AGENTS: Final = (
    Cast(
        WRITER,
        "Journey writer",
        "writer-2",
        {"email.lifecycle": "batch", "journeys.lifecycle": "single", "crm.segments": "single"},
        earned={"email.lifecycle": "monitored"},
    ),
    Cast(PACER, "Budget pacer", "pacer-1", {"ads.budget": "single"}),
    Cast(
        SCOUT,
        "Price scout",
        "scout-4",
        {"pricing.catalog": "signature", "leads.enrichment": "batch", "leads.scoring": "single"},
    ),
)
