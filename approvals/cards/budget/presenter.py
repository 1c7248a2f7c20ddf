"""Money that moves between channels: bars before and after, the sum, and its share of the week."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from approvals.cards import figures, reading
from approvals.cards.asked import CardSubject
from approvals.cards.figures import Bar
from approvals.presentation.marks import Part

LABEL: Final = gettext_lazy("Budget: bars before and after")

MAX_CHANNELS: Final = 20
WHOLE: Final = ("channels", "budgets", "budget")
"""Where a payload names the new budgets of all channels, and `before` the old ones."""
Amounts = Mapping[str, int | float]


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel's budget before and after; empty where it is not known."""

    name: str
    old: str
    new: str
    difference: str
    share: str
    is_changed: bool
    old_bar: Bar | None
    new_bar: Bar | None


@dataclass(frozen=True, slots=True)
class Budget:
    source: Sequence[Part]
    goal: Sequence[Part]
    moved: str
    weekly_share: str
    until: str
    channels: Sequence[Channel]
    left_out: int


def present(subject: CardSubject) -> Budget | None:
    """Return the budgets; None where the payload names neither a move nor budgets of channels."""
    move, old, new = _move(subject), _before(subject), _after(subject)
    if move is None and not new:
        return None
    channels = _channels(old, new, subject.currency)
    payload = reading.mapping(subject.payload)
    moved = _moved(subject)
    return Budget(
        source=subject.named("from", move[0]) if move else (),
        goal=subject.named("to", move[1]) if move else (),
        moved="" if moved is None else figures.money(moved, subject.currency),
        weekly_share=_weekly_share(subject, moved),
        until=reading.day(payload.get("until")),
        channels=channels[:MAX_CHANNELS],
        left_out=max(len(channels) - MAX_CHANNELS, 0),
    )


def effect(subject: CardSubject, *, when: str) -> str | None:
    """Say what moves from where to where, or how many budgets change."""
    move = _move(subject)
    if move is not None:
        facts = {
            "sum": figures.money(move[2], subject.currency),
            "source": reading.label(move[0]),
            "goal": reading.label(move[1]),
            "when": when,
        }
        return _("If approved, %(sum)s moves from %(source)s to %(goal)s %(when)s.") % facts
    old, new = _before(subject), _after(subject)
    changed = [name for name, amount in new.items() if old.get(name) != amount]
    if not changed:
        return None
    names = ", ".join(reading.label(name) for name in changed[:3]) + ("…" if len(changed) > 3 else "")
    return _("If approved, the budget of %(names)s changes %(when)s.") % {"names": names, "when": when}


def _move(subject: CardSubject) -> tuple[str, str, int | float] | None:
    """Return from where, to where and how much, if the payload says all three."""
    payload = reading.mapping(subject.payload)
    source, goal = reading.text(payload.get("from")), reading.text(payload.get("to"))
    amount = reading.number(payload.get("amount"))
    return (source, goal, amount) if source and goal and amount is not None else None


def _before(subject: CardSubject) -> Amounts:
    return _amounts(subject.before) if _move(subject) or _named(subject.before) else {}


def _after(subject: CardSubject) -> Amounts:
    """Return each channel's budget as it will be, as far as it is known."""
    move = _move(subject)
    if move is None:
        return _amounts(subject.payload) if _named(subject.payload) else {}
    source, goal, amount = move
    after = dict(_amounts(subject.before))
    for name, change in ((source, -amount), (goal, amount)):
        if name in after and (sum_ := reading.number(after[name] + change)) is not None:
            after[name] = sum_
    return after


def _named(document: Any) -> bool:
    return isinstance(reading.first(reading.mapping(document), *WHOLE), dict)


def _amounts(document: Any) -> dict[str, int | float]:
    whole = reading.mapping(document)
    named = reading.first(whole, *WHOLE)
    if not isinstance(named, dict) and {"from", "to"} <= whole.keys():
        return {}  # a move: its sum is the budget of no channel
    fields = reading.mapping(named if isinstance(named, dict) else whole)
    amounts = ((name, reading.number(value)) for name, value in fields.items())
    return {name: amount for name, amount in amounts if amount is not None}


def _channels(old: Amounts, new: Amounts, currency: str) -> list[Channel]:
    """Return what changes first, then the rest as it was written."""
    names = list(dict.fromkeys((*new, *old)))
    names.sort(key=lambda name: old.get(name) == new.get(name))
    sums = [*old.values(), *new.values(), 0]
    low, high = float(min(sums)), float(max(sums))
    return [_channel(name, old.get(name), new.get(name), currency=currency, scale=(low, high)) for name in names]


def _channel(name: str, old: float | None, new: float | None, *, currency: str, scale: tuple[float, float]) -> Channel:
    difference = figures.grown(old, new)
    return Channel(
        name=reading.label(name),
        old="" if old is None else figures.money(old, currency),
        new="" if new is None else figures.money(new, currency),
        difference=figures.moved(difference, currency) if difference else "",
        share=figures.share(difference, old) if difference else "",
        is_changed=old != new,
        old_bar=figures.bar(old, low=scale[0], high=scale[1]),
        new_bar=figures.bar(new, low=scale[0], high=scale[1]),
    )


def _moved(subject: CardSubject) -> int | float | None:
    """Return the sum that moves: as the payload says, or what all the raised budgets gain together."""
    move = _move(subject)
    if move is not None:
        return move[2]
    old, new = _before(subject), _after(subject)
    raised = [difference for name in new if (difference := figures.grown(old.get(name), new[name])) and difference > 0]
    return reading.number(sum(raised)) if raised else None


def _weekly_share(subject: CardSubject, moved: float | None) -> str:
    weekly = reading.number(reading.mapping(subject.params).get("weekly_budget"))
    if moved is None or not weekly or weekly <= 0:
        return ""
    share = round(100 * (moved / weekly), 1)
    return _("%(share)s %% of the weekly budget of %(weekly)s") % {
        "share": f"{share:g}",
        "weekly": figures.money(weekly, subject.currency),
    }
