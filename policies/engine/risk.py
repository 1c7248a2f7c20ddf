"""Advise the least oversight a surface should have, from what it touches. PURE."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_CUSTOMERS: Final = "is_customer_facing"
_MONEY: Final = "spends_money"
_LAW: Final = "has_legal_effect"
_FINAL: Final = "is_irreversible"
_PEOPLE: Final = "has_personal_data"
_PRODUCTION: Final = "writes_to_production"

WORDS: Final[Mapping[str, str]] = {
    _CUSTOMERS: "customers see it",
    _PEOPLE: "it holds personal data",
    _PRODUCTION: "it writes to production",
    _MONEY: "it spends money",
    _LAW: "it has legal effect",
    _FINAL: "it cannot be undone",
}
"""The classification of a surface, in the order in which reasons are told."""

# Each line: if all of these hold, then at least this tier and floor. The strictest line that holds counts.
_TABLE: Final[Sequence[tuple[tuple[str, ...], str, str]]] = (
    ((), "monitored", "autopilot"),
    ((_PRODUCTION,), "batch", "monitored"),
    ((_CUSTOMERS,), "batch", "monitored"),
    ((_PEOPLE,), "single", "monitored"),
    ((_MONEY,), "single", "monitored"),
    ((_FINAL,), "single", "batch"),
    ((_CUSTOMERS, _FINAL), "single", "single"),
    ((_PEOPLE, _FINAL), "single", "single"),
    ((_LAW,), "signature", "single"),
    ((_MONEY, _FINAL), "signature", "single"),
    ((_LAW, _FINAL), "signature", "signature"),
)
RANKS: Final[Mapping[str, int]] = {"autopilot": 0, "monitored": 10, "batch": 20, "single": 30, "signature": 40}
"""How strict the proposed tiers are, on the ladder that comes with the portal."""


@dataclass(frozen=True, slots=True)
class Advice:
    """Tier and floor that fit what a surface touches, and why; ranks to compare other ladders with."""

    tier: str
    floor: str
    why: tuple[str, ...]

    @property
    def tier_rank(self) -> int:
        return RANKS[self.tier]

    @property
    def floor_rank(self) -> int:
        return RANKS[self.floor]


def advise(touches: Mapping[str, bool]) -> Advice:
    """Return the advice for the classification fields that are true in `touches`; unknown names count for nothing."""
    holding = [row for row in _TABLE if all(touches.get(name) for name in row[0])]
    tier = max((row[1] for row in holding), key=RANKS.__getitem__)
    floor = max((row[2] for row in holding), key=RANKS.__getitem__)
    why = tuple(words for name, words in WORDS.items() if touches.get(name))
    return Advice(tier, floor, why)


def is_high(touches: Mapping[str, bool]) -> bool:
    """Whether what a surface touches is so grave that a reviewer confirms the number that matters."""
    return bool(touches.get(_FINAL)) or advise(touches).tier == "signature"


def is_low(touches: Mapping[str, bool]) -> bool:
    """Whether a line and a key are enough: inside the company, free of charge, without legal effect, to be undone."""
    return not any(touches.get(name) for name in (_CUSTOMERS, _MONEY, _LAW, _FINAL))


def warnings(advice: Advice, *, tier_rank: int, floor_rank: int) -> tuple[str, ...]:
    """Say, in sentences, where a surface is laxer than advised."""
    warnings = []
    if tier_rank < advice.tier_rank:
        warnings.append(f"Its tier is laxer than {advice.tier}.")
    if floor_rank < advice.floor_rank:
        warnings.append(f"Its floor is laxer than {advice.floor}: a rule may bring oversight down below that.")
    return tuple(warnings)
