"""Write the policy tables as one JSON document: what a policy version is made of. `policy.compile_policy` reads it.

Names and descriptions are for people and stay outside: changing them changes no policy. Rows that are
switched off are not in it.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from policies.engine import risk
from policies.engine.calendars.business_time import DAYS
from policies.models import Calendar, Escalation, Guardrail, Limit, PolicyTest, Requirement, Rule, Surface, Tier
from policies.policy_files.tables import MODELS

TIER_FIELDS: Final = ("rank", "posture", "review", "sample_rate")
SURFACE_FIELDS: Final = (
    "is_enabled",
    "confidence_high",
    "confidence_low",
    "editor_may_approve",
    "agent_owner_may_decide",
    "distinct_people",
    "payload_schema",
    "derived_tags",
    "amount_pointer",
    "audience_pointer",
    "currency",
    "params",
    "time_zone",
)
SURFACE_REFERENCES: Final = ("owner", "connector", "tier", "floor", "senior_tier", "calendar")
SURFACE_DURATIONS: Final = ("deadline", "undo_window", "retention", "cool_down")
MATCH: Final = ("surfaces", "actions", "topics", "agents", "any_tags", "all_tags")
REQUIREMENT_FIELDS: Final = ("surface", "tier", "stage", "name", "role", "approvals", "denials")


def document() -> dict[str, Any]:
    """Return what the tables say now; durations in seconds, references as slugs and role names."""
    return document_of({name: model._default_manager.all() for name, model in MODELS.items()})  # noqa: SLF001


def document_of(rows: Mapping[str, Iterable[Any]]) -> dict[str, Any]:
    """Return what these rows say, saved or not: all tables of MODELS."""
    return {
        "tiers": {tier.slug: _tier(tier) for tier in rows["tiers"]},
        "surfaces": {surface.slug: _surface(surface) for surface in rows["surfaces"]},
        "rules": {rule.slug: _rule(rule) for rule in rows["rules"] if rule.is_enabled},
        "limits": {limit.slug: _limit(limit) for limit in rows["limits"] if limit.is_enabled},
        "guardrails": {row.slug: _guardrail(row) for row in rows["guardrails"] if row.is_enabled},
        "requirements": sorted(
            (_requirement(row) for row in rows["requirements"]),
            key=lambda row: tuple(str(row[name] or "") for name in REQUIREMENT_FIELDS),
        ),
        "calendars": {row.slug: _calendar(row) for row in rows["calendars"]},
        "escalations": sorted(
            (_escalation(row) for row in rows["escalations"]), key=lambda row: (row["surface"], row["level"])
        ),
        "tests": {test.slug: _test(test) for test in rows["tests"]},
    }


def _tier(row: Tier) -> dict[str, Any]:
    return {name: getattr(row, name) for name in TIER_FIELDS} | {"hold": row.hold.total_seconds()}


def _surface(row: Surface) -> dict[str, Any]:
    return (
        {name: getattr(row, name) for name in SURFACE_FIELDS}
        | {name: getattr(row, f"{name}_id") for name in SURFACE_REFERENCES}
        | {name: getattr(row, name).total_seconds() for name in SURFACE_DURATIONS}
        | {"shelf_life": None if row.shelf_life is None else row.shelf_life.total_seconds()}
        | {"confirms_number": risk.is_high({name: getattr(row, name) for name in risk.WORDS})}
    )


def _rule(row: Rule) -> dict[str, Any]:
    # Lists of a match are sets: their order says nothing, and must not look like a change.
    return {name: sorted(set(getattr(row, name))) for name in MATCH} | {
        "condition": row.condition.strip(),
        "decision": row.decision,
        "tier": row.tier_id,
        "requirements": row.requirements or None,
        "reason": row.reason,
    }


def _limit(row: Limit) -> dict[str, Any]:
    return {
        "surfaces": sorted(set(row.surfaces)),
        "agents": sorted(set(row.agents)),
        "measure": row.measure,
        "currency": row.currency,
        "per": row.per,
        "window": {"kind": row.window, "length_seconds": row.length.total_seconds(), "time_zone": row.time_zone},
        "limit": row.limit,
        "effect": row.effect,
        "tier": row.tier_id,
        "warning": row.warning,
        "warning_effect": row.warning_effect,
        "warning_tier": row.warning_tier_id,
    }


def _guardrail(row: Guardrail) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "surfaces": sorted(set(row.surfaces)),
        "paths": sorted(set(row.paths)),
        "config": row.config,
        "effect": row.effect,
        "tier": row.tier_id,
        "text": row.text,
    }


def _requirement(row: Requirement) -> dict[str, Any]:
    return {
        "surface": row.surface_id,
        "tier": row.tier_id,
        "stage": row.stage,
        "name": row.name,
        "role": row.role_id,
        "approvals": row.approvals,
        "denials": row.denials,
    }


def _calendar(row: Calendar) -> dict[str, Any]:
    return {
        "time_zone": row.time_zone,
        "hours": {day: getattr(row, day).strip() for day in DAYS},
        "holidays": sorted({day.isoformat() for day in row.holidays}),
    }


def _escalation(row: Escalation) -> dict[str, Any]:
    return {
        "surface": row.surface_id,
        "level": row.level,
        "role": row.role_id,
        "after": row.after.total_seconds(),
        "widens": row.widens,
    }


def _test(row: PolicyTest) -> dict[str, Any]:
    return {"facts": row.facts, "outcome": row.outcome, "tier": row.tier, "deciding": row.deciding}
