"""The compiled policy: what a published document means. PURE: no database, no clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from policies import guardrails
from policies.engine.calendars import business_time
from policies.engine.calendars.business_time import BusinessCalendar
from policies.engine.calendars.deadlines import LONGEST_KEPT
from policies.engine.requirements import RequirementPolicy
from policies.facts.facts import Effect
from policies.facts.reasons import PolicyOutcome
from policies.guardrails import GuardrailPolicy
from policies.rules.rule import compile_rule, matches
from policies.rules.rulebook import EMPTY_BOOK, RuleBook


@dataclass(frozen=True, slots=True)
class TierPolicy:
    slug: str
    rank: int
    posture: str
    review: str
    hold: timedelta
    sample_rate: float

    @property
    def is_automatic(self) -> bool:
        return self.posture != "in"


@dataclass(frozen=True, slots=True)
class SurfacePolicy:
    """All that the policy says of one surface; durations are timedeltas."""

    slug: str
    is_enabled: bool
    owner: str
    connector: str | None
    tier: TierPolicy
    floor: TierPolicy
    senior_tier: TierPolicy
    confidence_high: float
    confidence_low: float
    deadline: timedelta
    undo_window: timedelta
    retention: timedelta
    editor_may_approve: bool
    agent_owner_may_decide: bool
    payload_schema: Mapping[str, Any]
    derived_tags: tuple[Mapping[str, Any], ...]
    amount_pointer: str
    audience_pointer: str
    params: Mapping[str, Any] = field(default_factory=dict)
    """Numbers and lists that people keep for this surface, for conditions to name."""
    time_zone: str = "UTC"
    cool_down: timedelta = timedelta(0)
    shelf_life: timedelta | None = None
    """How long an approval stays good while it is held up; None: as long as people have to decide."""
    distinct_people: bool = False
    """Whether nobody counts for more than one of the names whose approvals are required."""
    calendar: BusinessCalendar | None = None
    """When deadline and escalations run; None: always."""
    currency: str = ""
    """In which all amounts here are; empty: none is named, so any may be."""
    confirms_number: bool = False
    """Whether the approver confirms the amount, or else the number of people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitPolicy:
    """A running total and what happens when a proposal takes it to its warning level or over its limit.

    `per` and `window` say how it is counted; that is done elsewhere, here only the total is weighed.
    """

    slug: str
    measure: str
    """count, amount or audience_size."""
    limit: float
    effect: Effect
    tier: TierPolicy | None = None
    warning: float | None = None
    warning_effect: Effect = Effect.FLAG
    warning_tier: TierPolicy | None = None
    surfaces: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    per: str = "surface"
    window: Mapping[str, Any] = field(default_factory=dict)
    currency: str = ""
    """Of the amounts that are added up; empty: only amounts without a currency can be."""

    def covers(self, *, surface: str, agent: str) -> bool:
        """Whether proposals of `agent` on `surface` count; an empty list of globs covers all."""
        return _is_among(surface, self.surfaces) and _is_among(agent, self.agents)


def _is_among(name: str, globs: tuple[str, ...]) -> bool:
    return not globs or any(matches(glob, name) for glob in globs)


@dataclass(frozen=True, slots=True)
class PolicyCase:
    """A test of the policy: given these facts, it must say this. An empty tier or deciding reason means any."""

    slug: str
    facts: Mapping[str, Any]
    outcome: str
    tier: str = ""
    deciding: str = ""


@dataclass(frozen=True, slots=True)
class EscalationPolicy:
    """A role that is called once a proposal on `surface` has waited `after`, in business time; `widens`: to decide."""

    surface: str
    level: int
    role: str
    after: timedelta
    widens: bool


MEASURES: Final = frozenset({"count", "amount", "audience_size"})


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy version, ready to evaluate."""

    number: int
    digest: str
    tiers: Mapping[str, TierPolicy]
    surfaces: Mapping[str, SurfacePolicy]
    single: TierPolicy | None
    """The mildest tier in the loop that is reviewed one by one: what doubt falls back to."""
    rules: RuleBook = EMPTY_BOOK
    limits: tuple[LimitPolicy, ...] = ()
    """By slug."""
    bounds: Mapping[str, float] = field(default_factory=dict)
    """What each limit allows, by slug."""
    guardrails: tuple[GuardrailPolicy, ...] = ()
    """By slug."""
    requirements: tuple[RequirementPolicy, ...] = ()
    escalations: tuple[EscalationPolicy, ...] = ()
    """By surface and level."""
    tests: tuple[PolicyCase, ...] = ()
    """By slug."""


EMPTY = Policy(number=0, digest="", tiers={}, surfaces={}, single=None)
"""Before anything is published: every surface is unknown, so every proposal is denied."""


def _seconds(value: float) -> timedelta:
    # What was published before durations had an end must not run into the end of the calendar.
    return timedelta(seconds=min(value, LONGEST_KEPT.total_seconds()))


def _rank(tier: TierPolicy) -> int:
    return tier.rank


def _one_by_one(tiers: Mapping[str, TierPolicy]) -> TierPolicy | None:
    return min((tier for tier in tiers.values() if tier.review in {"single", "signature"}), key=_rank, default=None)


def usual_tiers(tiers: Mapping[str, TierPolicy]) -> dict[PolicyOutcome, TierPolicy | None]:
    """Return which tier a rule gives that names none, by what it decides."""
    automatic = [tier for tier in tiers.values() if tier.is_automatic]
    reviewed = [tier for tier in tiers.values() if not tier.is_automatic]
    return {
        # What is let through still waits for the longest hold there is, so that a person can stop it.
        PolicyOutcome.ALLOW: max(automatic, key=_rank, default=None),
        PolicyOutcome.REQUIRE_APPROVAL: _one_by_one(tiers) or max(reviewed, key=_rank, default=None),
    }


def compile_policy(*, number: int, digest: str, document: Mapping[str, Any]) -> Policy:
    """Compile a published document `{"tiers": {slug: …}, "surfaces": {slug: …}}` (durations in seconds).

    `"rules"`, `"limits"`, `"guardrails"` and `"tests"` may follow in the same form, each row as
    `rules.compile_rule`, LimitPolicy, GuardrailPolicy and PolicyCase have it, with tiers as slugs;
    `"requirements"` and `"escalations"` as lists of rows; `"calendars"` as `business_time.read` has them.
    Raises RuleInvalid for a rule that cannot be used, GuardrailInvalid for such a guardrail, and KeyError,
    TypeError or ValueError on a document that `document` did not write.
    """
    tiers = compile_tiers(document)
    usual = usual_tiers(tiers)
    calendars = {slug: business_time.read(row) for slug, row in document.get("calendars", {}).items()}
    limits = [compile_limit(slug, row, tiers) for slug, row in sorted(document.get("limits", {}).items())]
    return Policy(
        number=number,
        digest=digest,
        tiers=tiers,
        surfaces={slug: _surface(slug, row, tiers, calendars) for slug, row in document["surfaces"].items()},
        single=_one_by_one(tiers),
        rules=RuleBook(compile_rule(slug, row, tiers, usual) for slug, row in document.get("rules", {}).items()),
        limits=tuple(limits),
        bounds={limit.slug: limit.limit for limit in limits},
        guardrails=tuple(compile_guardrail(*item) for item in sorted(document.get("guardrails", {}).items())),
        requirements=tuple(RequirementPolicy(**row) for row in document.get("requirements", ())),
        escalations=tuple(map(_escalation, document.get("escalations", ()))),
        tests=tuple(PolicyCase(slug, **row) for slug, row in sorted(document.get("tests", {}).items())),
    )


def compile_tiers(document: Mapping[str, Any]) -> dict[str, TierPolicy]:
    """Return the tiers of a document by slug."""
    return {
        slug: TierPolicy(slug=slug, **{**row, "hold": _seconds(row["hold"])}) for slug, row in document["tiers"].items()
    }


_SURFACE_DURATIONS: Final = ("deadline", "undo_window", "retention", "cool_down")


def _surface(
    slug: str, row: Mapping[str, Any], tiers: Mapping[str, TierPolicy], calendars: Mapping[str, BusinessCalendar]
) -> SurfacePolicy:
    return SurfacePolicy(
        slug=slug,
        **{
            **row,
            **{name: tiers[row[name]] for name in ("tier", "floor", "senior_tier")},
            **{name: _seconds(row[name]) for name in _SURFACE_DURATIONS if name in row},
            "shelf_life": None if row.get("shelf_life") is None else _seconds(row["shelf_life"]),
            "derived_tags": tuple(row["derived_tags"]),
            "calendar": calendars[row["calendar"]] if row.get("calendar") else None,
        },
    )


def _escalation(row: Mapping[str, Any]) -> EscalationPolicy:
    return EscalationPolicy(**{**row, "after": _seconds(row["after"])})


def compile_guardrail(slug: str, row: Mapping[str, Any]) -> GuardrailPolicy:
    """Make one guardrail of its row in the document. Raises GuardrailInvalid, or ValueError for its kind."""
    return GuardrailPolicy(
        slug=slug,
        kind=guardrails.GuardrailKind(row["kind"]),
        surfaces=tuple(row["surfaces"]),
        paths=tuple(row["paths"]),
        config=row["config"],
        effect=guardrails.GuardrailEffect(row["effect"]),
        tier=row["tier"],
        text=row["text"],
    )


def compile_limit(slug: str, row: Mapping[str, Any], tiers: Mapping[str, TierPolicy]) -> LimitPolicy:
    """Make one limit of its row in the document. Raises KeyError or ValueError for what there is not."""
    if row["measure"] not in MEASURES:
        raise ValueError(f"Limit {slug} measures {row['measure']}, which is none of {', '.join(sorted(MEASURES))}.")
    read = {
        **{name: tuple(row.get(name, ())) for name in ("surfaces", "agents")},
        **{name: Effect(row[name]) for name in ("effect", "warning_effect") if name in row},
        **{name: tiers[row[name]] for name in ("tier", "warning_tier") if row.get(name)},
    }
    return LimitPolicy(slug=slug, **{**row, **read})
