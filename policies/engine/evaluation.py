"""Decide what the policy says of one revision. PURE: no database, no clock, no randomness.

Everything the decision needs is in the policy (what was published) and the facts (what was proposed,
by whom, and what holds right now), so that a verdict can be replayed to the byte at any later time.

Where a proposal starts is the surface's tier, or what the rules that allow say, if that is milder; an
allowing rule never makes anything stricter, so one that cannot be evaluated can be left out. Everything
else only tightens: rules that require or deny, floor, mandate, confidence, limits, conflicts, twins,
findings, kill switches. So neither the order of rules nor one more restricting rule can ever loosen a verdict.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final

from policies import currencies, plain_text
from policies.engine.policy import LimitPolicy, Policy, SurfacePolicy, TierPolicy
from policies.facts.facts import Effect, Facts, Finding, Twin
from policies.facts.measures import figure
from policies.facts.reasons import PolicyOutcome, Reason, Weighed, only_told, weighed
from policies.facts.vocabulary import Given
from policies.rules.rule import Filled
from policies.rules.rulebook import NONE_HOLD, Holding

__all__ = ["Facts", "Finding", "PolicyOutcome", "Reason", "Verdict", "evaluate"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the policy says. `tier` is None where the outcome is deny."""

    outcome: PolicyOutcome
    tier: TierPolicy | None
    reasons: tuple[Reason, ...]
    policy_number: int
    policy_digest: str
    requirements: tuple[tuple[str, tuple[Mapping[str, Any], ...]], ...] = ()
    """What the rules that hold require instead of the surface's requirements: `(rule, rows)`, all to be met."""


def evaluate(policy: Policy, facts: Facts) -> Verdict:
    """Return the verdict on `facts` under `policy`: the strictest of all contributions wins.

    The order is the design's: first what denies outright, then the rules or the surface's tier, then
    what can only make it stricter. Never raises on facts of the declared types.
    """
    surface = policy.surfaces.get(facts.surface)
    denial = _denial(surface, facts)
    if denial is not None or surface is None:
        return Verdict(PolicyOutcome.DENY, None, (denial,) if denial else (), policy.number, policy.digest)

    held = policy.rules.holding(Given(facts, surface.params, policy.bounds)) if policy.rules else NONE_HOLD
    entries: list[Weighed] = []
    is_milder = bool(held.rules) and _is_milder(surface, held)
    standing = _standing(policy, facts)
    if standing is not None:
        entries.append(
            weighed(STANDING, facts.standing_approval, standing, "Covered by a standing approval that two people gave.")
        )
        is_milder = True
    elif not is_milder:
        entries.append(weighed("surface", surface.slug, surface.tier, "Default review level for this surface."))
    if held.rules:
        entries += _rules(surface, held, facts)
    entries += _restrictions(policy, surface, facts, is_mandate_told=standing is not None)
    if facts.unread or (surface.currency and facts.amount is not None):
        entries += _figures(policy, surface, facts)
    # What a rule allows is always an automatic tier.
    entries += _doubts(policy, surface, facts, is_automatic=is_milder or surface.tier.is_automatic)
    if policy.limits:
        entries += _limits(policy, surface, facts)
    if facts.conflicts or facts.twins or facts.findings:
        entries += _content(policy, surface, facts)
    strictest, is_denied = _strictest(entries)
    return _verdict(policy, entries, None if is_denied else strictest, held)


def _strictest(entries: Iterable[Weighed]) -> tuple[TierPolicy, bool]:
    """Return the strictest tier among `entries` (the mandate always names one), and whether any denies."""
    strictest: TierPolicy | None = None
    is_denied = False
    for tier, _, is_only_told in entries:
        if is_only_told:
            continue
        if tier is None:
            is_denied = True
        elif strictest is None or _strictness(tier) > _strictness(strictest):
            strictest = tier
    assert strictest is not None
    return strictest, is_denied


def _verdict(policy: Policy, entries: list[Weighed], tier: TierPolicy | None, held: Holding) -> Verdict:
    outcome, slug = (PolicyOutcome.DENY, None) if tier is None else (_outcome(tier), tier.slug)
    reasons = []
    is_decided = False
    for own, reason, is_only_told in entries:
        if is_only_told:
            final_reason = reason._replace(tier=slug, outcome=outcome)
        elif is_decided or (own is not tier and (own is None or tier is None or own.rank != tier.rank)):
            final_reason = reason
        else:
            final_reason, is_decided = Reason(*reason[:5], True), True
        reasons.append(final_reason)
    requirements = held.requirements() if held.rules else ()
    return Verdict(outcome, tier, tuple(reasons), policy.number, policy.digest, requirements)


def _strictness(tier: TierPolicy) -> tuple[bool, int]:
    # Where people decide is stricter than where nobody does, even if somebody ranked the tiers otherwise.
    return not tier.is_automatic, tier.rank


def _outcome(tier: TierPolicy) -> PolicyOutcome:
    return PolicyOutcome.ALLOW if tier.is_automatic else PolicyOutcome.REQUIRE_APPROVAL


def _denial(surface: SurfacePolicy | None, facts: Facts) -> Reason | None:
    if surface is None:
        return _deny("surface", facts.surface, f"There is no surface {facts.surface}.")
    if not surface.is_enabled:
        return _deny("surface", facts.surface, f"The surface {facts.surface} is disabled.")
    if not facts.agent_is_active:
        return _deny("agent", facts.agent, f"The agent {facts.agent} is suspended.")
    if facts.mandate is None:
        return _deny("mandate", facts.agent, f"The agent {facts.agent} has no mandate on {facts.surface}.")
    return None


def _deny(source: str, identifier: str, text: str) -> Reason:
    return Reason(source, identifier, None, PolicyOutcome.DENY, text, is_deciding=True)


def _is_milder(surface: SurfacePolicy, held: Holding) -> bool:
    """Whether rules allow a milder tier than the surface's; then it starts at the strictest of theirs."""
    allowing = [rule for rule in held.rules if not rule.restricts and rule.slug not in held.failures]
    return bool(allowing) and all(_strictness(rule.said.tier) < _strictness(surface.tier) for rule in allowing)


def _rules(surface: SurfacePolicy, held: Holding, facts: Facts) -> Iterator[Weighed]:
    """Yield what each rule that holds says, and each that could not be evaluated."""
    is_milder, filled = _is_milder(surface, held), Filled(facts)
    for rule in held.rules:
        if rule.slug in held.failures:
            stated = rule.failed(filled, held.failures[rule.slug])
        else:
            stated = rule.said if rule.is_plain else rule.filled(filled)
        if not rule.restricts and (not is_milder or rule.slug in held.failures):
            stated = stated._replace(is_only_told=True)
        yield stated


STANDING: Final = "standing_approval"


def _standing(policy: Policy, facts: Facts) -> TierPolicy | None:
    """Return the tier by which a standing approval lets the proposal through: the strictest automatic one.

    It stands in for the surface's tier and the agent's mandate. All else restricts as ever.
    """
    if not facts.standing_approval:
        return None
    return max((tier for tier in policy.tiers.values() if tier.is_automatic), key=_strictness, default=None)


def _restrictions(policy: Policy, surface: SurfacePolicy, facts: Facts, *, is_mandate_told: bool) -> Iterator[Weighed]:
    """Yield what surface, agent, confidence and switches add; it only tightens."""
    if surface.floor.rank > 0:
        yield weighed("floor", surface.slug, surface.floor, "Minimum for this surface.")

    mandate = policy.tiers.get(facts.mandate or "")
    if mandate is None:
        text = "The mandate names a tier that is not published."
        yield weighed("mandate", facts.agent, _one_by_one(policy, surface), text)
    else:
        reason = weighed("mandate", facts.agent, mandate, "Minimum for this agent.")
        yield reason._replace(is_only_told=is_mandate_told)

    # Written so that a confidence that is not a number counts as low.
    if not (facts.confidence or 0.0) >= surface.confidence_low:
        senior = max(surface.senior_tier, _one_by_one(policy, surface), key=_strictness)
        text = f"{_confidence(facts)} below {plain_text.percent(surface.confidence_low)}: senior review needed."
        yield weighed("confidence", "low", senior, text)


def _doubts(policy: Policy, surface: SurfacePolicy, facts: Facts, *, is_automatic: bool) -> Iterator[Weighed]:
    """Yield what forbids that the proposal passes by itself.

    It takes away the automatic tier with which a proposal begins, whatever else is required: a floor must
    not soften it. What a rule allowed falls back to the surface's own tier, and an automatic surface to
    one-by-one review. Where people decide from the start, doubt is only told to them.
    """
    one_by_one = _one_by_one(policy, surface) if surface.tier.is_automatic else surface.tier
    if not (facts.confidence or 0.0) >= surface.confidence_high:
        text = f"{_confidence(facts)} below {plain_text.percent(surface.confidence_high)}: review needed."
        yield weighed("confidence", "high", one_by_one, text)._replace(is_only_told=not is_automatic)
    for scope in facts.switches:
        reason = weighed("kill_switch", scope, one_by_one, "A kill switch is engaged.")
        yield reason._replace(is_only_told=not is_automatic)
    if facts.is_in_review:
        reason = weighed("review", facts.surface, one_by_one, "Already under review.")
        yield reason._replace(is_only_told=not is_automatic)


def _figures(policy: Policy, surface: SurfacePolicy, facts: Facts) -> Iterator[Weighed]:
    """Yield what speaks against figures that rules and limits cannot weigh: unreadable, or in another currency."""
    careful = _one_by_one(policy, surface)
    for unread in facts.unread:
        yield weighed("figure", unread.pointer, careful, f"{unread}. Review needed.")
    if surface.currency and facts.amount is not None and facts.currency != surface.currency:
        yield weighed("currency", surface.slug, careful, f"{_foreign(facts, surface.currency)} Review needed.")


def _foreign(facts: Facts, currency: str) -> str:
    """Say that an amount is in another currency than `currency`, or in none."""
    amount = currencies.money(facts.amount or 0, facts.currency)
    there = f"are in {currency}" if currency else "name no currency"
    return f"The amount is {amount}{'' if facts.currency else ' without a currency'}; amounts here {there}."


def _uncounted(limit: LimitPolicy, facts: Facts) -> str:
    """Say why this limit cannot count the proposal; nothing where it can."""
    if limit.measure != "amount" or facts.amount is None:
        return next((f"{unread}." for unread in facts.unread if unread.fact == limit.measure), "")
    return _foreign(facts, limit.currency) if facts.currency != limit.currency else ""


def _limits(policy: Policy, surface: SurfacePolicy, facts: Facts) -> Iterator[Weighed]:
    """Yield what each limit says of its total with this proposal in it."""
    careful = _one_by_one(policy, surface)
    for limit in policy.limits:
        if not limit.covers(surface=facts.surface, agent=facts.agent):
            continue
        before = facts.limits.get(limit.slug)
        if before is None:
            yield weighed("limit", limit.slug, careful, "This limit was not counted: review needed.")
            continue
        adds = figure(limit.measure, facts)
        is_doubtful = limit.measure != "count" and (facts.unread or facts.currency != limit.currency)
        if is_doubtful and (why := _uncounted(limit, facts)):
            yield weighed("limit", limit.slug, careful, f"This limit can’t count it: review needed. {why}")
            adds = 0 if limit.currency else adds
        # Amounts have four decimals; sums of their binary forms are off by less.
        total = round(before + adds, 4)
        # Written so that a total that is not a number is over the limit.
        if not total <= limit.limit:
            text = f"This makes {_sum(total, limit)}, over the limit of {_sum(limit.limit, limit)}."
            yield _struck("limit", limit.slug, limit.effect, limit.tier or careful, text)
        elif limit.warning is not None and not total <= limit.warning:
            text = f"This makes {_sum(total, limit)}, over the warning level of {_sum(limit.warning, limit)}."
            yield _struck("limit", limit.slug, limit.warning_effect, limit.warning_tier or careful, text)


def _sum(value: float, limit: LimitPolicy) -> str:
    return currencies.money(value, limit.currency) if limit.currency else f"{value:,.2f}"


def _content(policy: Policy, surface: SurfacePolicy, facts: Facts) -> Iterable[Weighed]:
    """Yield what stands against the target and the text: conflicts, twins, and what the guardrails found."""
    careful = _one_by_one(policy, surface)
    for proposal in facts.conflicts:
        yield weighed("conflict", proposal, careful, "Conflicts with another proposal for the same target.")
    for twin in facts.twins:
        yield weighed("duplicate", twin.proposal, careful, _twin(twin, facts))
    for finding in facts.findings:
        tier = policy.tiers.get(finding.tier or "", careful)
        yield _struck("guardrail", finding.guardrail, finding.effect, tier, finding.text)


def _twin(twin: Twin, facts: Facts) -> str:
    agent = "this agent" if twin.agent == facts.agent else "another agent"
    since = twin.since.astimezone(UTC)
    return (
        f"Proposal {twin.proposal}, by {agent}, is exactly the same and has been open since {since:%Y-%m-%d %H:%M} UTC."
    )


def _struck(source: str, identifier: str, effect: Effect, tier: TierPolicy, text: str) -> Weighed:
    """Return what a limit or a guardrail does when it strikes."""
    if effect == Effect.FLAG:
        return only_told(source, identifier, text)
    return weighed(source, identifier, None if effect == Effect.DENY else tier, text)


def _confidence(facts: Facts) -> str:
    return (
        "No confidence given, so"
        if facts.confidence is None
        else f"Confidence {plain_text.percent(facts.confidence)} is"
    )


def _one_by_one(policy: Policy, surface: SurfacePolicy) -> TierPolicy:
    """What doubt requires: one-by-one review, or the strictest tier there is where none is published."""
    if policy.single is not None:
        return policy.single
    return max((*policy.tiers.values(), surface.senior_tier), key=_strictness)
