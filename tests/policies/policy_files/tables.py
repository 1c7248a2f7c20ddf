"""Tables that hypothesis makes up."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group
from hypothesis import strategies as st

from policies.models import Calendar, Escalation, Guardrail, Limit, PolicyTest, Requirement, Rule, Surface, Tier

TIERS = ("autopilot", "monitored", "batch", "single", "signature", "human_only")
REVIEWED = TIERS[2:]
ROLES = ("Legal", "Finance", "no", "Team: lead # 1")

slugs = st.from_regex(r"\A[a-z0-9][a-z0-9_-]{0,6}(\.[a-z0-9]{1,4})?\Z")
# PostgreSQL writes large decimals out, so that they come back as whole numbers that are not exact.
numbers = st.one_of(st.integers(-(2**53) + 1, 2**53 - 1), st.floats(-1e15, 1e15))
# Everything PostgreSQL can hold, with what YAML finds special made likely.
texts = st.text(
    st.one_of(
        st.sampled_from(" \n\t:#-'\"{}[]&*!|>%@`,?~\\/\r\x85\u2028\ufeff\x7f\u202e"),
        st.characters(exclude_categories=["Cs"], exclude_characters="\x00"),
    ),
    max_size=60,
)
names = st.one_of(
    texts.filter(lambda text: text.strip() == text != ""),
    st.sampled_from(["no", "null", "1", "010", "1e3", "~", "*", "email.*", "true", ".5", "0x1f", "1:30", "=", "<<"]),
)
lists = st.lists(names, max_size=3)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=8,
)
tables = st.dictionaries(texts, values, max_size=3)
durations = st.timedeltas(timedelta(microseconds=1), timedelta(days=300_000))
conditions = st.sampled_from(
    ["", "amount > 100", "amount > 100 &&\n  confidence < 0.5", "action == 'a: # b'", "\n amount > 1\n", '"x" in tags']
)
approvals = st.fixed_dictionaries(
    {"stage": st.integers(1, 9), "name": names, "role": st.sampled_from(ROLES), "approvals": st.integers(1, 5)},
    optional={"denials": st.integers(1, 5)},
)


def rules() -> st.SearchStrategy[dict[str, Any]]:
    fields = dict.fromkeys(("surfaces", "actions", "topics", "agents", "any_tags", "all_tags"), lists)
    decided = st.one_of(
        st.tuples(st.just("deny"), st.none()),
        st.tuples(st.just("allow"), st.sampled_from([None, "autopilot", "monitored"])),
        st.tuples(st.just("require_approval"), st.sampled_from([None, *REVIEWED])),
    )
    return st.fixed_dictionaries(
        {
            **fields,
            "is_enabled": st.booleans(),
            "condition": conditions,
            "decided": decided,
            "requirements": st.one_of(st.none(), st.lists(approvals, max_size=2)),
            "reason": texts.map(lambda text: text.replace("{", "(").replace("}", ")")),
        }
    )


surfaces = st.fixed_dictionaries(
    {
        "name": names, "description": texts, "is_enabled": st.booleans(), "owner_id": st.sampled_from(ROLES),
        "confidence_high": st.floats(0.5, 1), "confidence_low": st.floats(0, 0.5), "deadline": durations,
        "undo_window": durations, "retention": durations, "cool_down": durations, "params": tables,
        "amount_pointer": st.sampled_from(["", "/amount", "/a b/~1"]), "spends_money": st.booleans(),
        "time_zone": st.sampled_from(["UTC", "Europe/Berlin"]), "is_irreversible": st.booleans(),
    }
)  # fmt: skip
limits = st.fixed_dictionaries(
    {
        "surfaces": lists, "agents": lists, "is_enabled": st.booleans(),
        "measure": st.sampled_from(Limit.Measure.values), "per": st.sampled_from(Limit.Per.values),
        "limit": st.floats(1, 1e12), "warning": st.one_of(st.none(), st.floats(0, 1)),
        "length": st.one_of(st.just(timedelta(0)), durations), "effect": st.sampled_from(["flag", "tier", "deny"]),
    }
)  # fmt: skip
guardrails = st.fixed_dictionaries(
    {
        "surfaces": lists, "paths": st.sampled_from([[], ["/html"], ["/variants/*/subject"]]), "text": names,
        "config": st.fixed_dictionaries({"phrases": st.lists(st.sampled_from(["free: now", "#1", "'"]), min_size=1,
                                                             max_size=2, unique=True)}),
        "is_enabled": st.booleans(),
    }
)  # fmt: skip
tests = st.fixed_dictionaries({"payload": values, "amount": numbers})


hours = st.sampled_from(["", "09:00-17:00", "0:00 - 24:00", "08:30-12:00, 13:00-17:30"])
calendars = st.fixed_dictionaries(
    {
        "time_zone": st.sampled_from(["UTC", "Europe/Berlin"]), "monday": hours, "sunday": hours,
        "holidays": st.lists(st.dates(), max_size=2),
    }
)  # fmt: skip


def fill(data: Any) -> None:
    """Write tables that `data` (of st.data) draws."""
    for rank, slug in enumerate(TIERS):
        posture, review = ("in", "single") if slug in REVIEWED else ("on", "none")
        Tier.objects.create(slug=slug, name=slug, rank=rank * 10, posture=posture, review=review)
    for role in ROLES:
        Group.objects.get_or_create(name=role)
    some = lambda what, most=3: data.draw(st.dictionaries(slugs, what, max_size=most))  # noqa: E731
    kept = [Calendar.objects.create(slug=slug, **row) for slug, row in some(calendars, 1).items()]
    for slug, row in some(surfaces, 2).items():
        levels = {"tier_id": "single", "floor_id": "autopilot", "senior_tier_id": "signature"}
        levels |= {"calendar": data.draw(st.sampled_from([None, *kept])), "distinct_people": data.draw(st.booleans())}
        surface = Surface.objects.create(slug=slug, **levels, **row)
        for level in range(data.draw(st.integers(0, 2))):
            Escalation.objects.create(
                surface=surface, level=level + 1, role_id=data.draw(st.sampled_from(ROLES)),
                after=data.draw(durations), widens=data.draw(st.booleans()),
            )  # fmt: skip
        for approval in data.draw(st.lists(approvals, max_size=2, unique_by=lambda row: (row["stage"], row["name"]))):
            Requirement.objects.create(
                surface=surface, tier_id=data.draw(st.sampled_from([None, "single"])), role_id=approval.pop("role"),
                **approval,
            )  # fmt: skip
    for slug, row in some(rules()).items():
        decision, tier = row.pop("decided")
        Rule.objects.create(slug=slug, decision=decision, tier_id=tier, **row)
    for slug, row in some(limits).items():
        tier = "single" if row["effect"] == "tier" else None
        Limit.objects.create(slug=slug, window="rolling" if row["length"] else "day", tier_id=tier, **row)
    for slug, row in some(guardrails).items():
        Guardrail.objects.create(slug=slug, kind="forbidden_phrases", effect="flag", **row)
    for slug, facts in some(tests).items():
        PolicyTest.objects.create(slug=slug, facts={"surface": "ads", **facts}, outcome="deny")
