"""A policy against the past: who would be gated, freed or blocked, had it been in force. PURE.

Each case is judged by the facts that were stored with its own verdict: running totals, conflicts and
switches are as they stood then. What the new policy itself reads in a payload (tags, amount, audience,
findings of its guardrails) is read again, by its own rules. Totals of a limit that was not counted then
are not known; such a limit weighs each proposal alone, and the result says so. No model is asked.
"""

import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from policies import guardrails
from policies.engine import payloads
from policies.engine.evaluation import Verdict, evaluate
from policies.engine.payloads import Derived
from policies.engine.policy import Policy, SurfacePolicy
from policies.engine.simulation_figures import Seen, Tally, Was
from policies.facts import stored_facts
from policies.facts.facts import Facts
from policies.facts.stored_facts import FactsUnreadable
from policies.guardrails import GuardrailKind, GuardrailPolicy

_TIMES: Final = frozenset({"now", "weekday", "hour"})


class Case(NamedTuple):
    """One recorded proposal as the agent first sent it, what was said of it, and what became of it.

    `payload` and `before` are JSON text, or None where the reader was not asked for them.
    """

    proposal: str
    facts: str
    """As stored with the verdict, JSON text."""
    outcome: str
    tier: str | None
    at: datetime
    is_rejected: bool = False
    is_edited: bool = False
    is_rolled_back: bool = False
    payload: str | bytes | None = None
    before: str | bytes | None = None


class Needs(NamedTuple):
    """What a policy looks at beyond the stored facts."""

    payload: bool
    before: bool


@dataclass(frozen=True, slots=True)
class _Ground:
    """What judging on one surface takes, looked up once."""

    surface: SurfacePolicy | None
    zone: tzinfo | None
    """None where no rule asks for the time."""
    reads_payload: bool
    derive: Callable[[Any], Derived] | None
    checks: tuple[GuardrailPolicy, ...]
    limits: tuple[str, ...]
    """The limits that hold here."""


class Replay:
    """One policy and how it judges recorded cases."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._grounds: dict[tuple[str, str], _Ground] = {}
        self._ranks = {slug: (not tier.is_automatic, tier.rank) for slug, tier in policy.tiers.items()}
        named = {name for rule in policy.rules.rules for name in rule.condition.facts}
        self._rules_read_payload = "payload" in named
        self._rules_read_time = not _TIMES.isdisjoint(named)
        self.needs = Needs(
            payload=self._rules_read_payload
            or any(check.kind is not GuardrailKind.CHECKLIST for check in policy.guardrails)
            or any(_derives(surface) for surface in policy.surfaces.values()),
            before="before" in named,
        )

    def weigh(self, cases: Iterable[Case], tally: Tally) -> None:
        """Judge each case and count what would be different. A case that cannot be read is counted as such."""
        for case in cases:
            try:
                facts, uncounted = self.facts(case)
            except (FactsUnreadable, json.JSONDecodeError):
                tally.unreadable += 1
                continue
            verdict = evaluate(self.policy, facts)
            was = Was(case.proposal, case.outcome, case.tier, case.is_rejected, case.is_edited, case.is_rolled_back)
            tally.count(was, self._seen(verdict, facts), uncounted)

    def _seen(self, verdict: Verdict, facts: Facts) -> Seen:
        tier = verdict.tier.slug if verdict.tier else None
        return Seen(facts.surface, facts.agent, facts.action, verdict.outcome.value, tier, verdict.reasons, self._ranks)

    def facts(self, case: Case) -> tuple[Facts, Collection[str]]:
        """Return what this policy looks at in `case`, and the limits whose totals were not counted then.

        Raises FactsUnreadable, or JSONDecodeError for stored text that is no JSON.
        """
        stored = json.loads(case.facts)
        try:
            where = stored["surface"], stored["agent"]
            limits = stored.get("limits") or {}
            ground = self._grounds.get(where)
        except (KeyError, TypeError, AttributeError) as error:
            raise FactsUnreadable("These facts do not say whose proposal it was, and where.") from error
        if ground is None:
            ground = self._grounds[where] = self._ground(*where)
        payload = None
        if case.payload is not None and ground.reads_payload:
            payload = json.loads(case.payload)
            _derive(ground, stored, payload)
        uncounted = [slug for slug in ground.limits if slug not in limits]
        if uncounted:
            stored["limits"] = {**limits, **dict.fromkeys(uncounted, 0.0)}
        stored["findings"] = _findings(ground, payload) if ground.checks and case.payload is not None else ()
        before = json.loads(case.before) if case.before is not None and self.needs.before else None
        return stored_facts.read(stored, payload=payload, before=before, at=case.at, zone=ground.zone), uncounted

    def _ground(self, slug: str, agent: str) -> _Ground:
        surface = self.policy.surfaces.get(slug)
        here = guardrails.for_surface(self.policy.guardrails, slug)
        checks = tuple(check for check in here if check.kind is not GuardrailKind.CHECKLIST)
        derive = payloads.deriving(surface) if surface is not None and _derives(surface) else None
        return _Ground(
            surface=surface,
            zone=ZoneInfo(surface.time_zone) if surface is not None and self._rules_read_time else None,
            reads_payload=self._rules_read_payload or derive is not None or bool(checks),
            derive=derive,
            checks=checks,
            limits=tuple(limit.slug for limit in self.policy.limits if limit.covers(surface=slug, agent=agent)),
        )


def _derives(surface: SurfacePolicy) -> bool:
    return bool(surface.derived_tags or surface.amount_pointer or surface.audience_pointer)


def _derive(ground: _Ground, stored: dict[str, Any], payload: Any) -> None:
    """Put in the facts what the surface reads in the payload itself."""
    if ground.derive is None or ground.surface is None:
        return
    read = ground.derive(payload)
    stored["tags"] = dict.fromkeys((*(stored.get("tags") or ()), *read.tags))
    stored["unread"] = read.unread
    if ground.surface.amount_pointer:
        stored["amount"] = read.amount
    if ground.surface.audience_pointer:
        stored["audience_size"] = read.audience_size


def _findings(ground: _Ground, payload: Any) -> list[dict[str, Any]]:
    """Return what the guardrails find, in the form in which verdicts keep it."""
    return [
        {"guardrail": one.guardrail, "effect": one.effect.value, "tier": one.tier, "at": one.pointer}
        | {"text": f"{one.text} {one.found}".strip()}
        for one in guardrails.run(ground.checks, payload)
    ]


def replay(policy: Policy, cases: Iterable[Case]) -> Tally:
    """Return what `policy` would have said of `cases`. Cost: one evaluation each; memory does not grow."""
    tally = Tally()
    Replay(policy).weigh(cases, tally)
    return tally
