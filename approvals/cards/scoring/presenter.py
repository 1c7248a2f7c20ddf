"""Lead scoring: each weight before and after as bars, and from which score sales calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from approvals.cards import figures, reading
from approvals.cards.asked import CardSubject
from approvals.cards.figures import Bar
from approvals.presentation import words
from approvals.presentation.marks import Part

LABEL: Final = gettext_lazy("Lead scoring: weights before and after")

MAX_WEIGHTS: Final = 30
Weights = Mapping[str, int | float]


@dataclass(frozen=True, slots=True)
class Weight:
    """One feature's weight before and after; empty where it has none. `change` is as in the field table."""

    name: str
    change: str
    old: str
    new: str
    difference: str
    old_bar: Bar | None
    new_bar: Bar | None


@dataclass(frozen=True, slots=True)
class Scoring:
    """`zero` is where on the scale of the bars nothing stands."""

    model: Sequence[Part]
    weights: Sequence[Weight]
    left_out: int
    changed: int
    has_before: bool
    threshold: Weight | None
    zero: str


def present(subject: CardSubject) -> Scoring | None:
    """Return the weights; None where the payload has none."""
    old, new = _weights(subject.before), _weights(subject.payload)
    if not new:
        return None
    has_before = bool(old)
    scale = (float(min(0, *old.values(), *new.values())), float(max(0, *old.values(), *new.values())))
    names = sorted(dict.fromkeys((*new, *old)), key=lambda name: _order(old.get(name), new.get(name), has_before))
    zero = figures.bar(0, low=scale[0], high=scale[1])
    return Scoring(
        model=subject.marked("model", reading.text(reading.mapping(subject.payload).get("model"))),
        weights=[_weight(name, old.get(name), new.get(name), has_before, scale) for name in names[:MAX_WEIGHTS]],
        left_out=max(len(names) - MAX_WEIGHTS, 0),
        changed=_changed(old, new) if has_before else 0,
        has_before=has_before,
        threshold=_threshold(subject),
        zero=zero.x if zero else "",
    )


def effect(subject: CardSubject, *, when: str) -> str | None:
    """Say how many weights change, and the threshold."""
    old, new = _weights(subject.before), _weights(subject.payload)
    if not old or not new:
        return None
    number = _changed(old, new)
    model = reading.text(reading.mapping(subject.payload).get("model"))
    facts = {"number": number, "model": reading.short(model) or _("the scoring model"), "when": when}
    was, will = _at(subject.before), _at(subject.payload)
    if was is not None and will is not None and was != will:
        facts |= {"was": words.number(was), "will": words.number(will)}
        sentence = ngettext(
            "If approved, %(number)s weight of %(model)s changes and its threshold"
            " moves from %(was)s to %(will)s, %(when)s.",
            "If approved, %(number)s weights of %(model)s change and its threshold"
            " moves from %(was)s to %(will)s, %(when)s.",
            number,
        )
        return sentence % facts
    sentence = ngettext(
        "If approved, %(number)s weight of %(model)s changes %(when)s.",
        "If approved, %(number)s weights of %(model)s change %(when)s.",
        number,
    )
    return sentence % facts


def _weights(document: Any) -> dict[str, int | float]:
    named = reading.mapping(reading.mapping(document).get("weights"))
    weights = ((name, reading.number(value)) for name, value in named.items())
    return {name: weight for name, weight in weights if weight is not None}


def _at(document: Any) -> int | float | None:
    return reading.number(reading.mapping(document).get("threshold"))


def _changed(old: Weights, new: Weights) -> int:
    return sum(old.get(name) != new.get(name) for name in {*old, *new})


def _order(old: float | None, new: float | None, has_before: bool) -> tuple[bool, float]:
    """Sort what changed most to the top; without a before, the heaviest."""
    size = abs((new or 0) - (old or 0))
    return (has_before and old == new, -size)


def _weight(name: str, old: float | None, new: float | None, has_before: bool, scale: tuple[float, float]) -> Weight:
    difference = figures.grown(old, new)
    change = "same"
    if has_before and old != new:
        change = "added" if old is None else "removed" if new is None else "changed"
    return Weight(
        name=reading.label(name),
        change=change,
        old="" if old is None else words.number(old),
        new="" if new is None else words.number(new),
        difference=words.signed(difference) if difference else "",
        old_bar=figures.bar(old, low=scale[0], high=scale[1]),
        new_bar=figures.bar(new, low=scale[0], high=scale[1]),
    )


def _threshold(subject: CardSubject) -> Weight | None:
    old, new = _at(subject.before), _at(subject.payload)
    if new is None:
        return None
    return _weight("threshold", old, new, old is not None, (0.0, 0.0))
