"""The demo's agents and their mandates. Data only."""

from dataclasses import dataclass, field
from typing import Final

WRITER: Final = "journey-writer"
PACER: Final = "budget-pacer"
SCOUT: Final = "price-scout"
DESK: Final = "support-desk"
KEEPER: Final = "crm-keeper"


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
        {
            "ads.creatives": "batch",
            "email.lifecycle": "single",
            "journeys.lifecycle": "single",
            "crm.segments": "single",
        },
        earned={"ads.creatives": "monitored"},
    ),
    Cast(
        PACER,
        "Budget pacer",
        "pacer-1",
        {"ads.budget": "single", "ads.bids": "single"},
        earned={"ads.bids": "monitored"},
    ),
    Cast(
        SCOUT,
        "Price scout",
        "scout-4",
        {"pricing.catalog": "signature", "leads.enrichment": "batch", "leads.scoring": "single"},
    ),
    Cast(
        DESK,
        "Support desk",
        "desk-1",
        {"support.refunds": "single", "support.replies": "single"},
        earned={"support.refunds": "monitored"},
    ),
    Cast(
        KEEPER,
        "CRM keeper",
        "keeper-3",
        {"leads.routing": "single", "crm.hygiene": "single"},
        earned={"leads.routing": "monitored", "crm.hygiene": "monitored"},
    ),
)
