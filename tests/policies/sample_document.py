"""A small policy document to change in tests."""

from copy import deepcopy
from typing import Any


def _tier(rank: int, posture: str, review: str) -> dict[str, Any]:
    return {"rank": rank, "posture": posture, "review": review, "sample_rate": 0.1, "hold": 0.0}


TIERS = {
    "autopilot": _tier(0, "out", "none"),
    "monitored": _tier(10, "on", "none") | {"hold": 1800.0},
    "batch": _tier(20, "in", "batch"),
    "single": _tier(30, "in", "single"),
    "signature": _tier(40, "in", "signature"),
    "human_only": _tier(50, "in", "human_only"),
}
SURFACE: dict[str, Any] = {
    "is_enabled": True,
    "owner": "Channel owner",
    "connector": None,
    "tier": "single",
    "floor": "monitored",
    "senior_tier": "signature",
    "confidence_high": 0.9,
    "confidence_low": 0.5,
    "deadline": 86400.0,
    "undo_window": 10.0,
    "retention": 1000000.0,
    "cool_down": 0.0,
    "editor_may_approve": False,
    "agent_owner_may_decide": False,
    "payload_schema": {},
    "derived_tags": [],
    "amount_pointer": "",
    "audience_pointer": "",
    "params": {},
    "time_zone": "UTC",
}
RULE: dict[str, Any] = {
    **{name: [] for name in ("surfaces", "actions", "topics", "agents", "any_tags", "all_tags")},
    "condition": "",
    "decision": "require_approval",
    "tier": None,
    "requirements": None,
    "reason": "",
}
LIMIT: dict[str, Any] = {
    "surfaces": [],
    "agents": [],
    "measure": "amount",
    "per": "surface",
    "window": {"kind": "rolling", "length_seconds": 604800.0, "time_zone": "UTC"},
    "limit": 1000.0,
    "effect": "tier",
    "tier": "single",
    "warning": 500.0,
    "warning_effect": "flag",
    "warning_tier": None,
}
GUARDRAIL: dict[str, Any] = {
    "kind": "forbidden_phrases",
    "surfaces": ["email*"],
    "paths": ["/html"],
    "config": {"phrases": ["free"]},
    "effect": "tier",
    "tier": "single",
    "text": "No hype.",
}
_SAMPLE: dict[str, Any] = {
    "tiers": TIERS,
    "surfaces": {
        "ads.budget": SURFACE,
        "email": SURFACE | {"tier": "monitored", "floor": "autopilot", "calendar": "office"},
    },
    "rules": {
        "large": RULE | {"surfaces": ["ads.*"], "condition": "amount > 100", "tier": "signature"},
        "never": RULE | {"condition": "'opted_out' in tags", "decision": "deny"},
        "small": RULE | {"surfaces": ["ads.*"], "condition": "amount < 10", "decision": "allow", "tier": "autopilot"},
    },
    "limits": {"spend": LIMIT | {"surfaces": ["ads.*"]}},
    "guardrails": {"hype": GUARDRAIL},
    "requirements": [
        {
            "surface": "ads.budget", "tier": None, "stage": 1, "name": "money", "role": "Finance",
            "approvals": 1, "denials": 1,
        },
    ],
    "calendars": {
        "office": {"time_zone": "UTC", "hours": {"monday": "09:00-17:00"}, "holidays": ["2026-12-25"]},
        "unused": {"time_zone": "UTC", "hours": {"friday": "09:00-17:00"}, "holidays": []},
    },
    "escalations": [
        {"surface": "ads.budget", "level": 1, "role": "Executive", "after": 3600.0, "widens": True},
        {"surface": "ads.budget", "level": 2, "role": "Legal", "after": 7200.0, "widens": False},
    ],
    "tests": {
        "large-is-signed": {
            "facts": {"surface": "ads.budget", "action": "x", "agent": "a", "amount": 5000, "confidence": 0.99},
            "outcome": "require_approval",
            "tier": "signature",
            "deciding": "large",
        }
    },
}  # fmt: skip


def sample() -> dict[str, Any]:
    """Return a document with something of everything."""
    return deepcopy(_SAMPLE)


def with_row(document: Any, table: str, slug: str, row: Any) -> Any:
    """Return `document` with one row more."""
    more = deepcopy(document)
    more[table][slug] = deepcopy(row)
    return more
