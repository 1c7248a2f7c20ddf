"""Policy documents and facts for tests that need no database."""

from typing import Any

from policies.engine.policy import Policy, compile_policy
from policies.facts.facts import Facts

TIERS = (
    ("autopilot", 0, "out", "none"),
    ("monitored", 10, "on", "none"),
    ("batch", 20, "in", "batch"),
    ("single", 30, "in", "single"),
    ("signature", 40, "in", "signature"),
    ("human_only", 50, "in", "human_only"),
)
RANKS = {slug: rank for slug, rank, _, _ in TIERS}


def tiers() -> dict[str, Any]:
    return {
        slug: {"rank": rank, "posture": posture, "review": review, "hold": 0.0, "sample_rate": 0.0}
        for slug, rank, posture, review in TIERS
    }


def surface(**changes: Any) -> dict[str, Any]:
    return {
        "is_enabled": True,
        "owner": "Channel owner",
        "connector": None,
        "tier": "autopilot",
        "floor": "autopilot",
        "senior_tier": "signature",
        "confidence_high": 0.0,
        "confidence_low": 0.0,
        "deadline": 3600.0,
        "undo_window": 10.0,
        "retention": 3600.0,
        "editor_may_approve": False,
        "agent_owner_may_decide": False,
        "payload_schema": {},
        "derived_tags": [],
        "amount_pointer": "",
        "audience_pointer": "",
        **changes,
    }


def policy(
    rules: dict[str, Any] | None = None, limits: dict[str, Any] | None = None, slug: str = "ads.budget", **changes: Any
) -> Policy:
    """Compile a policy of one surface, changed as given."""
    document = {
        "tiers": tiers(),
        "surfaces": {slug: surface(**changes)},
        "rules": rules or {},
        "limits": limits or {},
    }
    return compile_policy(number=7, digest="sha256:test", document=document)


def facts(**changes: Any) -> Facts:
    """Return what an agent with every freedom proposes, changed as given."""
    usual = {
        "surface": "ads.budget",
        "action": "shift_budget",
        "agent": "pacer",
        "agent_is_active": True,
        "mandate": "autopilot",
        "confidence": 1.0,
        "amount": 50.0,
    }
    return Facts(**{**usual, **changes})
