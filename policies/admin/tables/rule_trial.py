"""Try a rule that is not saved yet on proposals of the past, which others keep."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from policies.engine.policy import usual_tiers
from policies.facts.facts import Facts
from policies.facts.vocabulary import Given
from policies.publishing.publish import active_policy
from policies.rules.rule import Filled, RuleInvalid, compile_rule
from policies.rules.rulebook import RuleBook


class Past(Protocol):
    """Where proposals of the past come from: `approvals` knows, `policies` must not."""

    def recent(self, person: User) -> Sequence[tuple[str, str]]:
        """Return `(id, title)` of recent proposals that `person` may see, newest first."""

    def facts(self, person: User, proposal: str) -> Facts | None:
        """Return the facts that were stored of one of them; None if there is no such."""


class _Nothing:
    def recent(self, person: User) -> Sequence[tuple[str, str]]:
        return ()

    def facts(self, person: User, proposal: str) -> Facts | None:
        return None


_past: Past = _Nothing()


def use(past: Past) -> None:
    """Say where proposals of the past come from."""
    global _past  # noqa: PLW0603  # set once, when the program starts
    _past = past


def recent(person: User) -> Sequence[tuple[str, str]]:
    """Return `(id, title)` of what a rule may be tried on."""
    return _past.recent(person)


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of it: a sentence, and whether the rule holds (None: it cannot be said)."""

    said: str
    holds: bool | None = None
    reason: str = ""


def try_rule(row: Mapping[str, Any], *, slug: str, proposal: str, by: User) -> Trial:
    """Ask a rule, written as in the document, of one proposal of the past, under the policy in force."""
    facts = _past.facts(by, proposal)
    if facts is None:
        return Trial(_("Choose a proposal to try it on."))
    policy = active_policy()
    surface = policy.surfaces.get(facts.surface)
    try:
        rule = compile_rule(slug or "new", row, policy.tiers, usual_tiers(policy.tiers))
    except RuleInvalid as error:
        place = f" ({error.cause.line}:{error.cause.column})" if error.cause else ""
        return Trial(f"{error.field}{place}: {error.message}")
    held = RuleBook([rule]).holding(Given(facts, surface.params if surface else {}, policy.bounds))
    if not held.rules:
        return Trial(_("It does not hold for this proposal."), holds=False)
    reason = rule.filled(Filled(facts)).reason.text
    if why := held.failures.get(rule.slug):
        means = _("it counts as holding, because it restricts") if rule.restricts else _("it does not count")
        return Trial(_("It gives no answer (%(why)s): %(means)s.") % {"why": why, "means": means}, None, reason)
    return Trial(_("It holds for this proposal."), holds=True, reason=reason)
