"""Words for what shipped in a day, in the numbers of each surface: 312 titles rather than one proposal."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from approvals.figures.daily import DailyVolume
from approvals.presentation import words
from policies import currencies, plain_text


def shipped(volume: DailyVolume) -> str:
    """Say what shipped, such as “312 titles · 1 proposal”; what an agent named is cut and on one line."""
    parts = []
    if volume.counted is not None:
        name, number = volume.counted
        parts.append(f"{words.number(number)} {plain_text.cut(plain_text.one_line(name.replace('_', ' ')), 40)}")
    parts += [currencies.money(amount, currency) for currency, amount in sorted(volume.amounts.items())]
    if volume.people:
        parts.append(_("%s people") % words.number(volume.people))
    number = volume.shipped
    parts.append(ngettext("%s proposal", "%s proposals", number) % words.number(number))
    return " · ".join(parts)


def line(volume: DailyVolume) -> str:
    """Say what shipped, and how much of what people had approved was rolled back."""
    parts = [_("%s shipped") % shipped(volume)] if volume.shipped else []
    if volume.rolled_back:
        parts.append(_("%s rolled back after approval") % words.number(volume.rolled_back))
    return ", ".join(parts)
