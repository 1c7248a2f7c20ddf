"""Record the corpus anew: `python -m tests.policies.corpus.generate`.

The policies and facts are always the same ones; the verdicts are what the evaluation says today. To be run
only when a change of verdicts is wanted, and its difference to be read before it is committed: it is what
becomes of proposals of a year ago.
"""

import json
from random import Random
from typing import Any

from tests.policies.corpus.cases import CASES, POLICIES, policies, verdict_of

SEED = 20_261_120
POLICY_COUNT, CASE_COUNT = 20, 500
TIERS = (
    ("autopilot", 0, "out", "none"), ("monitored", 10, "on", "none"), ("batch", 20, "in", "batch"),
    ("single", 30, "in", "single"), ("signature", 40, "in", "signature"), ("human_only", 50, "in", "human_only"),
)  # fmt: skip
REVIEWED = [slug for slug, _, posture, _ in TIERS if posture == "in"]
SURFACES = ("ads.budget", "email.lifecycle", "email.promo", "pricing.catalog")
ACTIONS = ("shift_budget", "send", "refund", "set_price")
AGENTS = ("pacer", "writer", "desk.night")
TAGS = ("financial", "vip", "personal_data", "do_not_email", "größe")
TARGETS = ("campaign:search", "campaign:social", "contact:17", "sku:Ä-1")
ROLES = ("Finance", "Legal", "Channel owner")
MONEY = (0.0, 0.01, 99.99, 100.0, 100.01, 4000.0, 10_000.0, 1e9)
CONDITIONS = (
    "", "amount > 100", "estimated_cost > 100 && confidence < 0.8", "amount > 0.1 * params.weekly_budget",
    "payload.subject.matches('(?i)free')", "has(payload.vip) && payload.vip", "size(targets) > 1",
    "limits['spend'].share > 0.8", "weekday in ['sat', 'sun']", "hour < 8.0 || hour >= 18.0",
    "before.price < payload.price", "tags.exists(t, t == 'vip')", "!has_amount", "currency != 'USD'",
    "has_expiry && expires_at - now < duration('1h')", "model.name == 'pacer'", "audience_size > 10000",
    "payload.items.all(i, i.price > 0.0)", "agent.startsWith('desk.')", "amount >= 100 && amount <= 4000",
)  # fmt: skip
REASONS = (
    "",
    "Over {amount} {currency} on {surface}.",
    "Tags: {tags}; targets: {targets}.",
    "Asked by {agent}: {action}",
)


def some(chance: Random, what: tuple[Any, ...], most: int) -> list[Any]:
    return chance.sample(what, chance.randint(0, most))


def document(chance: Random) -> dict[str, Any]:
    """Make one published policy document."""
    return {
        "tiers": {
            slug: {"rank": rank, "posture": posture, "review": review, "hold": 0.0, "sample_rate": 0.0}
            for slug, rank, posture, review in TIERS
        },
        "surfaces": {slug: surface(chance) for slug in SURFACES},
        "rules": {f"rule-{n}": rule(chance) for n in range(chance.choice((0, 0, 1, 2, 4, 12)))},
        "limits": {slug: limit(chance) for slug in some(chance, ("spend", "sends", "reach"), 3)},
        "guardrails": {},
        "requirements": [],
        "tests": {},
    }


def surface(chance: Random) -> dict[str, Any]:
    low = chance.choice((0.0, 0.3, 0.5))
    return {
        "is_enabled": chance.random() > 0.05, "owner": "Channel owner", "connector": None,
        "tier": chance.choice(("autopilot", "monitored", "monitored", "batch", "single")),
        "floor": chance.choice(("autopilot", "autopilot", "monitored", "batch")),
        "senior_tier": chance.choice(("single", "signature")), "confidence_high": chance.choice((low, 0.7, 0.9)),
        "confidence_low": low, "deadline": 86_400.0, "undo_window": 10.0, "retention": 86_400.0, "cool_down": 0.0,
        "editor_may_approve": False, "agent_owner_may_decide": False, "payload_schema": {}, "derived_tags": [],
        "amount_pointer": "", "audience_pointer": "",
        "params": chance.choice(({}, {"weekly_budget": 20_000}, {"weekly_budget": 500.5})),
        "time_zone": chance.choice(("UTC", "Europe/Berlin")),
    }  # fmt: skip


def rule(chance: Random) -> dict[str, Any]:
    decision = chance.choice(("allow", "require_approval", "require_approval", "deny"))
    tiers = {"allow": [None, "autopilot", "monitored"], "require_approval": [None, *REVIEWED], "deny": [None]}
    approvals = [{"stage": 1, "name": "money", "role": chance.choice(ROLES), "approvals": 1, "denials": 1}]
    return {
        "surfaces": chance.choice(([], ["email.*"], ["ads.budget"], ["*.catalog"])),
        "actions": chance.choice(([], [], ["send"], ["*_budget"])),
        "topics": chance.choice(([], [], ["refund", "ads.*"])),
        "agents": chance.choice(([], [], ["desk.*"])),
        "any_tags": some(chance, TAGS, 2) if chance.random() < 0.3 else [],
        "all_tags": some(chance, TAGS, 2) if chance.random() < 0.2 else [],
        "condition": chance.choice(CONDITIONS),
        "decision": decision,
        "tier": chance.choice(tiers[decision]),
        "requirements": approvals if decision == "require_approval" and chance.random() < 0.3 else None,
        "reason": chance.choice(REASONS),
    }


def limit(chance: Random) -> dict[str, Any]:
    effect, most = chance.choice(("flag", "tier", "deny")), chance.choice((5.0, 1000.0, 50_000.0))
    return {
        "surfaces": chance.choice(([], ["email.*"])), "agents": [],
        "measure": chance.choice(("count", "amount", "audience_size")), "per": "surface",
        "window": {"kind": "day", "length_seconds": 0.0, "time_zone": "UTC"}, "limit": most, "effect": effect,
        "tier": chance.choice((None, "signature")) if effect == "tier" else None,
        "warning": chance.choice((None, most / 2)), "warning_effect": "flag", "warning_tier": None,
    }  # fmt: skip


def facts(chance: Random, limits: list[str]) -> dict[str, Any]:
    """Make one proposal's facts, as JSON; what is left out is missing."""
    made: dict[str, Any] = {
        "surface": chance.choice((*SURFACES, *SURFACES, *SURFACES, "nowhere")), "action": chance.choice(ACTIONS),
        "agent": chance.choice(AGENTS), "agent_is_active": chance.random() > 0.05,
        "mandate": chance.choice((*["autopilot"] * 6, "monitored", "single", "gone", None)),
        "tags": some(chance, TAGS, 3), "targets": some(chance, TARGETS, 2),
        "confidence": chance.choice((None, 0.29, 0.3, 0.5, 0.7, 0.89, 0.9, 0.95, 0.99, 1.0, 1.0, 1.0)),
        "payload": {"subject": chance.choice(("Free now", "News")), "price": chance.choice((1, 9.5)),
                    "items": [{"price": n} for n in range(chance.randint(0, 3))]},
        "before": chance.choice((None, {"price": 5}, {})), "now": f"2026-{chance.randint(1, 12):02}-"
        f"{chance.randint(1, 28):02}T{chance.randint(0, 23):02}:30:00+01:00",
    }  # fmt: skip
    optional = {
        "amount": MONEY, "currency": ("USD", "EUR"), "audience_size": (1, 10_000, 10_001),
        "model": ({"name": "pacer"}, {}), "expires_at": ("2026-06-15T12:00:00+00:00",), "is_in_review": (True,),
        "switches": (["everywhere"], ["surface:ads.budget"]), "conflicts": (["019a-1"],),
        "findings": tuple([{"guardrail": "no-free", "effect": effect, "tier": tier, "text": "Says “free”.",
                            "at": "/subject"}] for effect, tier in (("flag", None), ("tier", "signature"),
                                                                    ("tier", "gone"), ("deny", None))),
    }  # fmt: skip
    chances = {"amount": 0.7, "currency": 0.6, "audience_size": 0.5, "model": 0.5}
    made |= {name: chance.choice(of) for name, of in optional.items() if chance.random() < chances.get(name, 0.12)}
    made["limits"] = {
        slug: chance.choice((0.0, 4.0, 499.0, 990.0, 49_999.0)) for slug in limits if chance.random() < 0.9
    }
    return made


def main() -> None:
    chance = Random(SEED)  # the same corpus each time
    documents = [document(chance) for _ in range(POLICY_COUNT)]
    POLICIES.write_text(json.dumps(documents, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    compiled = policies()
    lines = []
    for number in range(CASE_COUNT):
        index = number % POLICY_COUNT
        given = facts(chance, [*documents[index]["limits"]])
        case = {"policy": index, "facts": given, "verdict": verdict_of(compiled[index], given)}
        lines.append(json.dumps(case, ensure_ascii=False))
    CASES.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
