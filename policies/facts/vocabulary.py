"""The facts that a condition may name, and how each is read. PURE."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from policies.facts.facts import Facts


class Fact(NamedTuple):
    """What a condition may name: its CEL type, a sentence, and an example."""

    declared: str
    help: str
    example: str

    @property
    def kind(self) -> str:
        """The type in plain words."""
        return _KINDS[self.declared]


_TEXTS: Final = "list<string>"
_TABLE: Final = "map<string,dyn>"
_TOTALS: Final = "map<string,map<string,double>>"
_KINDS: Final = {
    "string": "text",
    "double": "number",
    "bool": "yes or no",
    "timestamp": "time",
    "dyn": "anything",
    _TEXTS: "list of text",
    _TABLE: "table",
    _TOTALS: "table",
}

FACTS: Final[Mapping[str, Fact]] = {
    "surface": Fact("string", "Where the action takes effect.", "surface.startsWith('email.')"),
    "action": Fact("string", "What the agent wants done.", "action == 'refund'"),
    "agent": Fact("string", "The slug of the agent that asks.", "agent != 'pacer'"),
    "tags": Fact(_TEXTS, "The agent's tags and those that the portal adds.", "'financial' in tags"),
    "targets": Fact(_TEXTS, "What the action is done to.", "size(targets) > 5"),
    "confidence": Fact("double", "From 0 to 1; 0 if the agent gave none.", "confidence < 0.8"),
    "amount": Fact("double", "How much money moves, either way: never below 0.", "amount > 100"),
    "signed_amount": Fact("double", "The amount with its sign, as sent.", "signed_amount < 0"),
    "estimated_cost": Fact("double", "Another name of amount.", "estimated_cost > 100"),
    "has_amount": Fact("bool", "Whether there is an amount.", "!has_amount"),
    "currency": Fact("string", "The currency of the amount; empty if none was given.", "currency != 'USD'"),
    "audience_size": Fact("double", "How many people it reaches.", "audience_size > 10000"),
    "has_audience_size": Fact("bool", "Whether there is an audience size.", "!has_audience_size"),
    "payload": Fact("dyn", "What would be done, as sent.", "payload.subject.matches('(?i)free')"),
    "before": Fact("dyn", "What is there now, as sent.", "has(before.price) && before.price > 10"),
    "model": Fact(_TABLE, "The model behind the agent, as sent.", "model.name == 'pacer'"),
    "expires_at": Fact("timestamp", "When the proposal expires.", "expires_at - now < duration('1h')"),
    "has_expiry": Fact("bool", "Whether the agent set an expiry.", "!has_expiry"),
    "limits": Fact(_TOTALS, "Running totals before this proposal: total and share.", "limits['spend'].share > 0.8"),
    "params": Fact(_TABLE, "The surface's own numbers and lists.", "amount > 0.1 * params.weekly_budget"),
    "now": Fact("timestamp", "When the proposal is judged.", "now > timestamp('2027-01-01T00:00:00Z')"),
    "weekday": Fact("string", "mon, tue … sun, in the surface's time zone.", "weekday in ['sat', 'sun']"),
    "hour": Fact("double", "0 to 23, in the surface's time zone.", "hour < 8 || hour >= 18"),
}
ALIASES: Final[Mapping[str, str]] = {"estimated_cost": "amount"}
NUMBERS: Final = frozenset(name for name, fact in FACTS.items() if fact.declared == "double")
MEASURED: Final = frozenset(name for name, fact in FACTS.items() if fact.declared in {"dyn", _TEXTS, _TABLE, "string"})
"""The facts that can hold much, so that their sizes matter."""
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Given:
    """All that conditions read: the proposal's facts, the surface's params, and what each limit allows."""

    facts: Facts
    params: Mapping[str, Any] = field(default_factory=dict)
    bounds: Mapping[str, float] = field(default_factory=dict)


class Absent(LookupError):
    """The proposal does not have this fact."""


def number(facts: Facts, name: str) -> float:
    """Return the fact of NUMBERS called `name`. Raises Absent, saying why, where there is none."""
    match name:
        case "confidence":
            given = facts.confidence
            return given if given is not None and given == given else 0.0  # noqa: PLR0124  # NaN is no confidence
        case "amount" | "estimated_cost":
            # The size of the move, so that a sign gets nothing past `amount <= 100`.
            return abs(_finite(facts.amount))
        case "signed_amount":
            return _finite(facts.amount)
        case "audience_size":
            return _finite(facts.audience_size)
        case "hour":
            return float(_moment(facts.now).hour)
    raise KeyError(name)


def _finite(value: float | None) -> float:
    if value is None:
        raise Absent("is missing")
    if value != value:  # noqa: PLR0124  # NaN
        raise Absent("is not a number")
    try:
        return float(value)
    except OverflowError as error:
        raise Absent("is too large a number") from error


def _moment(value: datetime | None) -> datetime:
    if value is None:
        raise Absent("is missing")
    return value


def _totals(given: Given) -> dict[str, dict[str, float]]:
    return {
        slug: {"total": float(total)} | ({"share": total / bound} if (bound := given.bounds.get(slug, 0)) > 0 else {})
        for slug, total in given.facts.limits.items()
    }


_SAME: Final = ("surface", "action", "agent", "tags", "targets", "currency", "payload", "before", "model")
_READERS: Final[Mapping[str, Callable[[Given], Any]]] = {
    "has_amount": lambda given: given.facts.amount is not None,
    "has_audience_size": lambda given: given.facts.audience_size is not None,
    "expires_at": lambda given: _moment(given.facts.expires_at),
    "has_expiry": lambda given: given.facts.expires_at is not None,
    "limits": _totals,
    "params": lambda given: given.params,
    "now": lambda given: _moment(given.facts.now),
    "weekday": lambda given: WEEKDAYS[_moment(given.facts.now).weekday()],
}


def value(given: Given, name: str) -> Any:
    """Return the fact of FACTS called `name`. Raises Absent where the proposal has none."""
    if name in NUMBERS:
        return number(given.facts, name)
    if name in _SAME:
        return getattr(given.facts, name)
    return _READERS[name](given)
