"""Prices: old and new, the difference, and what is left above the cost where it is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from approvals.cards import figures, reading
from approvals.cards.asked import CardSubject
from approvals.presentation import words
from approvals.presentation.marks import Part

LABEL: Final = gettext_lazy("Prices: table with margin")

MAX_PRICES: Final = 50
ARTICLE: Final = ("sku", "article", "product", "name")
SEVERAL: Final = ("items", "prices")


@dataclass(frozen=True, slots=True)
class Price:
    """One article; empty where something is not known. `is_loss`: the new price is below the cost."""

    article: Sequence[Part]
    old: str
    new: str
    difference: str
    share: str
    is_raised: bool
    cost: str
    old_margin: str
    new_margin: str
    is_loss: bool


@dataclass(frozen=True, slots=True)
class Prices:
    rows: Sequence[Price]
    left_out: int
    has_cost: bool
    valid_from: str
    valid_until: str
    losses: int


@dataclass(frozen=True, slots=True)
class _Change:
    """What one article costs the customer, and us, before and after; where its name stands in the payload."""

    article: str
    path: str
    old: int | float | None
    new: int | float
    cost: int | float | None
    old_cost: int | float | None

    @property
    def difference(self) -> int | float | None:
        return figures.grown(self.old, self.new)


def present(subject: CardSubject) -> Prices | None:
    """Return the prices; None where the payload has none. The largest cuts and losses come first."""
    changes = _changes(subject)
    if not changes:
        return None
    payload = reading.mapping(subject.payload)
    shown = sorted(changes, key=lambda change: (not _is_loss(change), _relative(change) or 0))[:MAX_PRICES]
    return Prices(
        rows=[_price(change, subject) for change in shown],
        left_out=len(changes) - len(shown),
        has_cost=any(change.cost is not None for change in shown),
        valid_from=reading.day(payload.get("valid_from")),
        valid_until=reading.day(payload.get("valid_until")),
        losses=sum(map(_is_loss, changes)),
    )


def effect(subject: CardSubject, *, when: str) -> str | None:
    """Say what one article will cost instead, or how many prices change and by how much."""
    changes = _changes(subject)
    if not changes:
        return None
    if len(changes) == 1:
        return _of_one(changes[0], subject, when)
    facts: dict[str, object] = {"number": len(changes), "when": when}
    shares = [share for change in changes if (share := _relative(change)) is not None]
    if not shares:
        sentence = ngettext(
            "If approved, this sets %(number)s price %(when)s.",
            "If approved, this sets %(number)s prices %(when)s.",
            len(changes),
        )
        return sentence % facts
    facts |= {"low": figures.share(min(shares), 1), "high": figures.share(max(shares), 1)}
    sentence = ngettext(
        "If approved, this changes %(number)s price by %(low)s to %(high)s %(when)s.",
        "If approved, this changes %(number)s prices by %(low)s to %(high)s %(when)s.",
        len(changes),
    )
    return sentence % facts


def _of_one(change: _Change, subject: CardSubject, when: str) -> str:
    begins = reading.day(reading.mapping(subject.payload).get("valid_from"))
    facts = {
        "article": reading.short(change.article) or _("the article"),
        "old": "" if change.old is None else figures.money(change.old, subject.currency),
        "new": figures.money(change.new, subject.currency),
        "share": figures.share(change.difference, change.old),
        "when": _("from %s") % begins if begins else when,
    }
    if change.old is None or not change.difference:
        return _("If approved, the price of %(article)s is set to %(new)s %(when)s.") % facts
    if change.difference > 0:
        sentence = _("If approved, the price of %(article)s goes up from %(old)s to %(new)s (%(share)s) %(when)s.")
    else:
        sentence = _("If approved, the price of %(article)s goes down from %(old)s to %(new)s (%(share)s) %(when)s.")
    return sentence % facts


def _changes(subject: CardSubject) -> list[_Change]:
    payload, before = reading.mapping(subject.payload), reading.mapping(subject.before)
    name = next((name for name in SEVERAL if isinstance(payload.get(name), list)), None)
    old = _old_prices(before)
    if name is None:
        change = _change(payload, "", old or {"": before})
        return [change] if change else []
    rows = enumerate(reading.rows(payload[name]), start=1)
    changes = (_change(reading.mapping(row), f"{name}[{number}].", old) for number, row in rows)
    return [change for change in changes if change]


def _old_prices(before: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the old rows by article: of `{"items": […]}`, `{"sku": …, "price": …}` or `{"A-1": 29}`."""
    rows = [reading.mapping(row) for row in reading.rows(reading.first(before, *SEVERAL))]
    if not rows and "price" in before:
        rows = [before]
    if not rows:
        return {name: {"price": price} for name, price in before.items() if reading.number(price) is not None}
    return {_article(row)[1]: row for row in rows}


def _article(row: Mapping[str, Any]) -> tuple[str, str]:
    return next(((name, row[name]) for name in ARTICLE if isinstance(row.get(name), str)), ("", ""))


def _change(row: Mapping[str, Any], path: str, before: Mapping[str, Mapping[str, Any]]) -> _Change | None:
    new = reading.number(row.get("price"))
    if new is None:
        return None
    name, article = _article(row)
    # The only article there was may go without its name.
    alone = next(iter(before.values())) if len(before) == 1 and "" in before else {}
    old = before.get(article, alone)
    cost = reading.number(row.get("cost"))
    old_cost = reading.number(old.get("cost"))
    return _Change(
        article=article,
        path=path + name,
        old=reading.number(old.get("price")),
        new=new,
        cost=old_cost if cost is None else cost,
        old_cost=cost if old_cost is None else old_cost,
    )


def _relative(change: _Change) -> float | None:
    return change.difference / abs(change.old) if change.difference is not None and change.old else None


def _is_loss(change: _Change) -> bool:
    return change.cost is not None and change.new < change.cost


def _price(change: _Change, subject: CardSubject) -> Price:
    difference = change.difference
    return Price(
        article=subject.line(change.path, change.article),
        old="" if change.old is None else figures.money(change.old, subject.currency),
        new=figures.money(change.new, subject.currency),
        difference=figures.moved(difference, subject.currency) if difference else "",
        share=figures.share(difference, change.old) if difference else "",
        is_raised=bool(difference and difference > 0),
        cost="" if change.cost is None else figures.money(change.cost, subject.currency),
        old_margin=_margin(change.old, change.old_cost),
        new_margin=_margin(change.new, change.cost),
        is_loss=_is_loss(change),
    )


def _margin(price: float | None, cost: float | None) -> str:
    """Return what is left of a price above the cost, in per cent of the price."""
    if price is None or cost is None or price <= 0:
        return ""
    return f"{words.number(round(100 * ((price - cost) / price), 1))} %"
