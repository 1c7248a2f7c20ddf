"""Run the policy's own tests: given these facts, it must say this. PURE.

A test names only the facts that matter. The rest is as favourable as can be, so that what the policy says
comes from the facts that are named: see `FAVOURABLE`, and

- `mandate`: the mildest tier there is;
- `now`: a Wednesday at noon, in the time zone of the surface;
- `tags`: the surface's derived tags are added, as they are to a real proposal;
- `amount`, `audience_size`: what the payload says where the surface says where to look; a person looks where it
  is no number, but not where the test names no payload;
- `limits`: every limit has a total of 0 so far;
- `findings`: what the guardrails find in `payload`, and then those that are named.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

from policies import guardrails
from policies.engine import payloads
from policies.engine.evaluation import Facts, Finding, Reason, evaluate
from policies.engine.policy import Policy, PolicyCase
from policies.facts.facts import Effect
from policies.facts.vocabulary import ALIASES

FAVOURABLE: Final[Mapping[str, Any]] = MappingProxyType({
    "action": "act",
    "agent": "test-agent",
    "agent_is_active": True,
    "confidence": 1.0,
})  # fmt: skip
"""Any action by an active agent that is certain."""
NOON: Final = datetime(2026, 1, 7, 12, 0)  # noqa: DTZ001  # in the zone of whichever surface it is
"""A Wednesday."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one test; `wanted` and `said` put into words what was expected and what the policy said."""

    slug: str
    wanted: str
    said: str
    problems: tuple[str, ...] = ()
    """What differs, in sentences; nothing where it passed."""
    reasons: tuple[Reason, ...] = ()

    @property
    def is_passed(self) -> bool:
        return not self.problems


class FactsInvalid(ValueError):
    """The facts of a test cannot be used."""

    code = "test_facts_invalid"


def run(policy: Policy, tests: Iterable[PolicyCase] | None = None) -> tuple[Result, ...]:
    """Run each test (left out: the policy's own), in the order of their slugs.

    A test whose facts cannot be used fails.
    """
    chosen = policy.tests if tests is None else tests
    return tuple(_run(policy, test) for test in sorted(chosen, key=lambda test: test.slug))


def _run(policy: Policy, test: PolicyCase) -> Result:
    wanted = _told(test.outcome, test.tier, test.deciding)
    try:
        facts = completed(policy, test.facts)
    except FactsInvalid as error:
        return Result(test.slug, wanted, "nothing", (str(error),))
    verdict = evaluate(policy, facts)
    tier = verdict.tier.slug if verdict.tier else ""
    deciding = next((reason for reason in verdict.reasons if reason.is_deciding), None)
    outcome = _told(verdict.outcome, tier, deciding.id if deciding else "")
    return Result(test.slug, wanted, outcome, tuple(_problems(test, verdict.outcome, tier, deciding)), verdict.reasons)


def _told(outcome: str, tier: str, deciding: str) -> str:
    parts = [outcome.replace("_", " "), f"at {tier}" if tier else "", f"because of {deciding}" if deciding else ""]
    return " ".join(part for part in parts if part)


def _problems(test: PolicyCase, outcome: str, tier: str, deciding: Reason | None) -> Iterator[str]:
    if outcome != test.outcome:
        yield f"Expected {test.outcome}, got {outcome}."
    if test.tier and test.tier != tier:
        yield f"Expected the tier {test.tier}, got {tier or 'none'}."
    if test.deciding and (deciding is None or test.deciding != deciding.id):
        got = f"{deciding.source} {deciding.id}" if deciding else "nothing"
        yield f"Expected {test.deciding} to decide, but {got} did."


def completed(policy: Policy, given: Mapping[str, Any]) -> Facts:
    """Return the facts of a test with all that it leaves out. Raises FactsInvalid."""
    facts = {**FAVOURABLE, **_by_their_own_names(given)}
    if unknown := sorted(facts.keys() - Facts.__slots__):
        raise FactsInvalid(f"There is no fact {unknown[0]}.")
    if not isinstance(facts.get("surface"), str):
        raise FactsInvalid("The facts name no surface.")
    try:
        return Facts(**_read(policy, facts))
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        raise FactsInvalid(f"The facts cannot be used: {error}.") from error


def _by_their_own_names(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts with each other name, as estimated_cost, read as the fact it names. Raises FactsInvalid."""
    facts = {name: value for name, value in given.items() if name not in ALIASES}
    for alias in given.keys() & ALIASES.keys():
        if facts.setdefault(ALIASES[alias], given[alias]) != given[alias]:
            raise FactsInvalid(f"{ALIASES[alias]} and {alias} are the same, and say two different things.")
    return facts


def _read(policy: Policy, facts: dict[str, Any]) -> dict[str, Any]:
    surface = policy.surfaces.get(facts["surface"])
    # A test that names neither the figure nor a payload is not about the figure.
    has_payload, facts["unread"] = "payload" in facts, ()
    payload = facts.setdefault("payload", {})
    mildest = min(policy.tiers.values(), key=lambda tier: tier.rank, default=None)
    facts.setdefault("mandate", mildest.slug if mildest else None)
    facts["limits"] = {limit.slug: 0.0 for limit in policy.limits} | facts.get("limits", {})
    if surface is not None:
        derived = payloads.derive(surface, payload)
        facts["tags"] = (*dict.fromkeys([*facts.get("tags", ()), *derived.tags]),)
        for name in ("amount", "audience_size"):
            if facts.get(name) is None:
                facts[name] = getattr(derived, name)
        if has_payload:
            facts["unread"] = tuple(one for one in derived.unread if facts.get(one.fact) is None)
    zone = ZoneInfo(surface.time_zone) if surface else UTC
    facts["now"] = _moment(facts["now"]).astimezone(zone) if facts.get("now") else NOON.replace(tzinfo=zone)
    if facts.get("expires_at") is not None:
        facts["expires_at"] = _moment(facts["expires_at"])
    for name in ("tags", "targets", "switches", "conflicts"):
        facts[name] = tuple(facts.get(name, ()))
    findings = guardrails.run(guardrails.for_surface(policy.guardrails, facts["surface"]), payload)
    named = [_finding(row) for row in facts.get("findings", ())]
    facts["findings"] = (
        *(Finding(one.guardrail, Effect(one.effect), one.tier, one.found or one.text, one.pointer) for one in findings),
        *named,
    )
    return facts


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return moment


def _finding(row: Mapping[str, Any]) -> Finding:
    return Finding(row["guardrail"], Effect(row["effect"]), row.get("tier"), row.get("text", ""))
