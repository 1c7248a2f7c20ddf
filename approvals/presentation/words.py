"""Put into words what a proposal does, how confident its agent is and how long is left."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext_lazy

from approvals.models import WAITING, Proposal, State
from policies import currencies
from policies.differences import MISSING
from policies.engine.policy import SurfacePolicy

SEPARATOR: Final = ", "
UNITS: Final = (
    (86_400, ngettext_lazy("%s day", "%s days")),
    (3600, ngettext_lazy("%s hour", "%s hours")),
    (60, ngettext_lazy("%s minute", "%s minutes")),
    (1, ngettext_lazy("%s second", "%s seconds")),
)


def number(value: float | Decimal) -> str:
    """Write a number with thousands separated and without needless zeros."""
    text = f"{value:,f}" if isinstance(value, Decimal) else f"{value:,}"
    return _minus(text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text)


def signed(value: float) -> str:
    """Write a number with its sign."""
    return ("+" if value > 0 else "−" if value < 0 else "±") + number(abs(value))


def share(value: float) -> str:
    """Write a share of one as whole per cent: 0.93 is `93 %`."""
    return _minus(f"{value * 100:.0f} %")


def _minus(text: str) -> str:
    """Write a negative number with the minus sign everywhere, not a hyphen."""
    return f"−{text[1:]}" if text.startswith("-") else text


def percent(value: float) -> str:
    """Write a signed share in per cent, as exact as it is useful."""
    return f"{signed(round(value, 1 if abs(value) < 100 else 0))} %"


def value(of: Any) -> str:
    """Write one leaf of a payload as text."""
    match of:
        case bool():
            text = _("yes") if of else _("no")
        case int() | float() | Decimal():
            text = number(of)
        case list():
            text = SEPARATOR.join(value(part) for part in of) or _("empty list")
        case dict():
            text = _("empty")
        case None:
            text = _("nothing")
        case _:
            text = "" if of is MISSING else str(of) or _("empty text")
    return text


def span(time: timedelta) -> str:
    """Write a stretch of time in its two largest units."""
    seconds = max(int(time.total_seconds()), 0)
    days, hours, minutes = seconds // 86_400, seconds % 86_400 // 3600, seconds % 3600 // 60
    if days:
        return _("%(days)s d %(hours)s h") % {"days": days, "hours": hours} if hours else _("%s d") % days
    if hours:
        return _("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": minutes}
    if minutes:
        return _("%s min") % minutes
    return _("%s s") % seconds


def duration(time: timedelta) -> str:
    """Write a stretch of time in its two largest units, spelt out for a sentence: `1 hour 30 minutes`."""
    seconds = max(int(time.total_seconds()), 0)
    for (size, name), (smaller, smaller_name) in pairwise(UNITS):
        if seconds >= size:
            rest = seconds % size // smaller
            return f"{name % (seconds // size)} {smaller_name % rest}" if rest else name % (seconds // size)
    return UNITS[-1][1] % seconds


def joined(names: Sequence[str]) -> str:
    """Write a list as one says it: `a, b and c`."""
    if len(names) < 2:
        return "".join(names)
    return _("%(some)s and %(last)s") % {"some": SEPARATOR.join(names[:-1]), "last": names[-1]}


def moment(at: datetime) -> str:
    """Write a time in the reader's time zone."""
    return formats.date_format(timezone.localtime(at), "j M Y, H:i:s T")


def time_tag(at: datetime, text: str) -> SafeString:
    """Show `text` for a time, with the exact time on hovering and for machines."""
    return format_html('<time datetime="{}" title="{}">{}</time>', at.isoformat(), moment(at), text)


def ago(at: datetime, now: datetime) -> SafeString:
    """Show how long ago a time was."""
    return time_tag(at, _("%s ago") % span(now - at))


def time_left(proposal: Proposal, *, state: State, now: datetime, is_column: bool = False) -> SafeString | str:
    """Show how long people have, or when it ships; empty where no time runs. A column says "left" itself."""
    if state in WAITING:
        left = span(proposal.deadline_at - now)
        return time_tag(proposal.deadline_at, left if is_column else _("%s left") % left)
    if state == State.EXPIRED:
        return time_tag(proposal.deadline_at, _("expired"))
    if state == State.APPROVED and proposal.release_at is not None:
        if proposal.release_at > now:
            return time_tag(proposal.release_at, _("ships in %s") % span(proposal.release_at - now))
        return time_tag(proposal.release_at, _("ships now"))
    return ""


def confidence_meaning(confidence: float | None, surface: SurfacePolicy | None) -> str:
    """Say what the agent's confidence means on this surface."""
    if confidence is None:
        return _("The agent gave no confidence. That counts as 0 %.")
    if surface is None:
        return _("The agent’s own figure.")
    bands = {"low": share(surface.confidence_low), "high": share(surface.confidence_high)}
    if confidence < surface.confidence_low:
        return _("Low (below %(low)s): senior review needed.") % bands
    if confidence < surface.confidence_high:
        return _("Medium (%(low)s to %(high)s): a person has to decide.") % bands
    return _("High (%(high)s or more): no review needed on this ground.") % bands


def effect(proposal: Proposal, surface: SurfacePolicy | None, *, state: State, now: datetime) -> str:
    """Say in one or two sentences what approving does, or what was done."""
    return f"{_deed(proposal, surface, state=state, now=now)} {way_back(proposal, state)}".strip()


def _deed(proposal: Proposal, surface: SurfacePolicy | None, *, state: State, now: datetime) -> str:
    if state in WAITING:
        return if_approved(proposal, surface)
    facts = {"action": proposal.action, "surface": proposal.surface.name, "size": _size(proposal)}
    if state == State.APPROVED:
        release = proposal.release_at
        when = later(release - now) if release and release > now else _("in a moment")
        return _("“%(action)s” runs on %(surface)s%(size)s %(when)s.") % {**facts, "when": when}
    if state in {State.SHIPPED, State.ROLLED_BACK}:
        return _("“%(action)s” ran on %(surface)s%(size)s.") % facts
    return _("“%(action)s” did not run on %(surface)s%(size)s.") % facts


def if_approved(proposal: Proposal, surface: SurfacePolicy | None) -> str:
    """Say in one sentence what approving does, whatever the payload says."""
    wait = surface.undo_window if surface else timedelta(0)
    facts = {"action": proposal.action, "surface": proposal.surface.name, "size": _size(proposal)}
    return _("If approved, “%(action)s” runs on %(surface)s%(size)s %(when)s.") % {**facts, "when": later(wait)}


def later(wait: timedelta) -> str:
    """Write when something happens that is held back for `wait`."""
    return _("in %s") % duration(wait) if wait else _("right away")


def _size(proposal: Proposal) -> str:
    parts = []
    if proposal.amount is not None:
        parts.append(_("worth %s") % currencies.money(proposal.amount, proposal.currency))
    if proposal.audience_size is not None:
        parts.append(_("reaching %s people") % number(proposal.audience_size))
    return "".join(f", {part}" for part in parts)


def way_back(proposal: Proposal, state: State) -> str:
    """Say whether it can be rolled back; empty in states where that means nothing."""
    if state not in {*WAITING, State.APPROVED, State.SHIPPED}:
        return ""
    if proposal.revision.rollback_body is None:
        return _("This can’t be rolled back from the portal.")
    return _("It can be rolled back.") if state == State.SHIPPED else _("It can be rolled back later.")
