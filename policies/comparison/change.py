"""One difference between two policy documents, and how it is told. PURE."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final


class Direction(StrEnum):
    """What a change does to oversight. Whatever cannot be proved to be something else is LOOSER."""

    TIGHTER = "tighter"
    LOOSER = "looser"
    NEUTRAL = "neutral"


TIGHTER, LOOSER, NEUTRAL = Direction.TIGHTER, Direction.LOOSER, Direction.NEUTRAL
_SAID: Final = {TIGHTER: "more oversight", LOOSER: "less oversight", NEUTRAL: "no more and no less oversight"}
_LONGEST: Final = 80
Row = Mapping[str, Any]
Judge = Callable[[Any, Any], Direction]


@dataclass(frozen=True, slots=True)
class Change:
    """One field of one row that differs. An empty `field` means the whole row came or went."""

    thing: str
    """tier, surface, rule, limit, guardrail, requirement, calendar, escalation or test."""
    id: str
    field: str
    before: Any
    after: Any
    direction: Direction
    why: str = ""
    """Why it counts as looser where that does not show."""

    @property
    def sentence(self) -> str:
        """The change in plain words, e.g. "`ads.budget`: tier batch → monitored: less oversight"."""
        what = f"{self.field.replace('_', ' ')} {_shown(self)}" if self.field else _whole(self)
        reason = f" ({self.why})" if self.why else ""
        return f"`{self.id}`: {what}: {_SAID[self.direction]}{reason}"


def _whole(change: Change) -> str:
    return f"{change.thing} {'added' if change.before is None else 'removed'}"


def _shown(change: Change) -> str:
    before, after = (_value(change.field, value) for value in (change.before, change.after))
    if len(before) + len(after) > _LONGEST or "\n" in before + after:
        return "rewritten"
    return f"{before} → {after}"


_SECONDS: Final = frozenset(
    {"hold", "deadline", "undo_window", "retention", "cool_down", "shelf_life", "length", "after"}
)
_EMPTY: Final[Mapping[str, str]] = {
    "condition": "always",
    "amount_pointer": "nowhere",
    "audience_pointer": "nowhere",
    "calendar": "around the clock",
    "shelf_life": "as the deadline",
}


def _value(field: str, value: Any) -> str:
    if field == "params" and value and isinstance(value, dict):
        value = [f"{name} {_value('', row)}" for name, row in value.items()]
    match value:
        case _ if value in (None, "", [], {}):  # as a pattern, {} would match every mapping
            return _EMPTY.get(field, "all" if value == [] else "none")
        case bool():
            return "yes" if value else "no"
        case int() | float() if field in _SECONDS:
            return duration(value)
        case int() | float():
            return f"{value:,.4f}".rstrip("0").rstrip(".")
        case list() if all(isinstance(item, str) for item in value):
            return ", ".join(value)
    return str(value)


def duration(seconds: float) -> str:
    """Write a duration as people say it."""
    for name, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds and seconds % length == 0:
            count = int(seconds // length)
            return f"{count:,} {name}{'s' if count != 1 else ''}"
    return f"{seconds:,g} seconds"


# Judges of one field ------------------------------------------------------------------------------


def unproved(before: Any, after: Any) -> Direction:
    """Nobody can prove from the values alone that this is not looser."""
    return LOOSER


def neutral(before: Any, after: Any) -> Direction:
    """Read by people; no verdict depends on it."""
    return NEUTRAL


def more_is_tighter(before: float, after: float) -> Direction:
    """The larger, the more oversight."""
    return TIGHTER if after >= before else LOOSER


def less_is_tighter(before: float, after: float) -> Direction:
    """The smaller, the more oversight."""
    return TIGHTER if after <= before else LOOSER
