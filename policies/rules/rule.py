"""One rule of the policy: what it matches, what it says, and why. PURE."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from string import Formatter
from typing import Any, Final

from policies import currencies, plain_text
from policies.facts.facts import Facts
from policies.facts.reasons import PolicyOutcome, Reason, Weighed, weighed
from policies.facts.vocabulary import ALIASES
from policies.rules.conditions import Condition, ConditionInvalid, compile_condition

PLACEHOLDERS: Final = frozenset(
    {"surface", "action", "agent", "tags", "targets", "confidence", "amount", "currency", "audience_size", *ALIASES}
)
MAX_FILLED: Final = 200
_UNSAID: Final = {
    PolicyOutcome.ALLOW: "Allowed by rule “%s”.",
    PolicyOutcome.REQUIRE_APPROVAL: "Rule “%s” requires approval.",
    PolicyOutcome.DENY: "Blocked by rule “%s”.",
}


class RuleInvalid(ValueError):
    """A rule that cannot be used: which, in which field, and why. `cause` says where in its condition."""

    code = "rule_invalid"

    def __init__(self, slug: str, name: str, message: str, cause: ConditionInvalid | None = None) -> None:
        super().__init__(f"Rule {slug}, {name}: {message}")
        self.slug, self.field, self.message, self.cause = slug, name, message, cause


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePolicy:
    """One rule. An empty part of the match matches everything; the requirements are opaque here."""

    slug: str
    surfaces: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    """Globs of which the surface or the action must match one."""
    agents: tuple[str, ...] = ()
    any_tags: tuple[str, ...] = ()
    all_tags: tuple[str, ...] = ()
    condition: Condition = field(default_factory=lambda: compile_condition(""))
    requirements: tuple[Mapping[str, Any], ...] | None = None
    restricts: bool
    said: Weighed
    """What the rule contributes when it holds; the text still has its placeholders."""
    is_plain: bool
    """The text has no placeholders."""

    def filled(self, facts: "Filled") -> Weighed:
        """Return the contribution with the placeholders of its text filled in."""
        return self._saying(self.said.reason.text.format_map(facts))

    def failed(self, facts: "Filled", why: str) -> Weighed:
        """Return the contribution of a rule whose condition gave no answer."""
        means = "so it counts as holding" if self.restricts else "so it does not count"
        text = self.said.reason.text.format_map(facts)
        return self._saying(f"{text} (It could not be evaluated: {why}; {means}.)")

    def _saying(self, text: str) -> Weighed:
        tier, (source, slug, tier_slug, outcome, *_), is_only_told = self.said
        return Weighed(tier, Reason(source, slug, tier_slug, outcome, text), is_only_told)


class Filled(dict[str, str]):
    """What placeholders become for one proposal, each worked out when first asked for."""

    def __init__(self, facts: Facts) -> None:
        super().__init__()
        self._facts = facts

    def __missing__(self, name: str) -> str:
        text = self[name] = _shown(self._facts, name)
        return text


_LISTS: Final = ("surfaces", "actions", "topics", "agents", "any_tags", "all_tags")


def compile_rule(
    slug: str, row: Mapping[str, Any], tiers: Mapping[str, Any], usual: Mapping[PolicyOutcome, Any]
) -> RulePolicy:
    """Make one rule of its row in the document. Raises RuleInvalid.

    `usual` is the TierPolicy of rules that allow or require approval and name no tier.
    """
    try:
        decision = PolicyOutcome(row["decision"])
    except ValueError as error:
        raise RuleInvalid(slug, "decision", f"It is none of {', '.join(PolicyOutcome)}.") from error
    reason = row.get("reason", "")
    _require_placeholders(slug, reason)
    try:
        condition = compile_condition(row.get("condition", ""))
    except ConditionInvalid as error:
        raise RuleInvalid(slug, "condition", f"{error.message} {error.suggestion}".strip(), error) from error
    requirements = row.get("requirements")
    return RulePolicy(
        slug=slug,
        condition=condition,
        requirements=tuple(requirements) if requirements else None,
        restricts=decision is not PolicyOutcome.ALLOW,
        said=weighed(
            "rule", slug, _tier(slug, decision, row.get("tier"), tiers, usual), reason or _UNSAID[decision] % slug
        ),
        is_plain="{" not in reason and "}" not in reason,
        **{name: tuple(map(plain_text.name, row.get(name, ()))) for name in _LISTS},
    )


def _tier(
    slug: str, decision: PolicyOutcome, named: str | None, tiers: Mapping[str, Any], usual: Mapping[PolicyOutcome, Any]
) -> Any:
    """Return the TierPolicy that the rule gives; None to deny."""
    if named is None:
        tier = usual.get(decision)
        if tier is None and decision is not PolicyOutcome.DENY:
            raise RuleInvalid(slug, "tier", f"There is no tier that could {decision}.")
        return tier
    if named not in tiers:
        raise RuleInvalid(slug, "tier", f"There is no tier {named}.")
    if decision is PolicyOutcome.DENY or tiers[named].is_automatic != (decision is PolicyOutcome.ALLOW):
        raise RuleInvalid(slug, "tier", f"The tier {named} does not go with {decision}.")
    return tiers[named]


def _require_placeholders(slug: str, reason: str) -> None:
    try:
        names = [(name, spec, conversion) for _, name, spec, conversion in Formatter().parse(reason)]
    except ValueError as error:
        raise RuleInvalid(slug, "reason", "Braces come in pairs; write {{ for a brace.") from error
    for name, spec, conversion in names:
        if name is not None and (name not in PLACEHOLDERS or spec or conversion):
            known = ", ".join(sorted(PLACEHOLDERS))
            raise RuleInvalid(slug, "reason", f"{{{name}}} cannot be filled in. There are: {known}.")


def _shown(facts: Facts, name: str) -> str:
    name = ALIASES.get(name, name)
    value = getattr(facts, name)
    if value is None:
        return f"no {name.replace('_', ' ')}"
    if isinstance(value, tuple):
        text = ", ".join(value) or "none"
    elif name == "amount" and facts.currency in currencies.DECIMALS:
        text = currencies.digits(value, facts.currency)
    elif name == "confidence":
        text = plain_text.percent(value)
    elif isinstance(value, int | float):
        text = f"{value:,.2f}".removesuffix(".00")
    else:
        text = value
    return text if len(text) <= MAX_FILLED else text[: MAX_FILLED - 1] + "…"


def matches(glob: str, name: str) -> bool:
    """Whether `name` fits `glob`, in which only `*` is special and stands for any text. Linear time."""
    first, *middle = glob.split("*")
    if not middle:
        return glob == name
    *middle, last = middle
    if len(name) < len(first) + len(last) or not name.startswith(first) or not name.endswith(last):
        return False
    at, end = len(first), len(name) - len(last)
    for part in middle:
        start = name.find(part, at, end)
        if start < 0:
            return False
        at = start + len(part)
    return True
