"""Say in words what a proposal does, how sure its agent is and how long is left."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from approvals.models import WAITING, Proposal, State
from approvals.presentation.differences import MISSING
from policies import currencies
from policies.engine.policy import SurfacePolicy

SEPARATOR: Final = ", "


def number(value: float | Decimal) -> str:
    """Write a number with thousands separated and without needless zeros."""
    text = f"{value:,f}" if isinstance(value, Decimal) else f"{value:,}"
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def signed(value: float) -> str:
    """Write a number with its sign."""
    return ("+" if value > 0 else "−" if value < 0 else "±") + number(abs(value))


def share(value: float) -> str:
    """Write a share of one as whole per cent: 0.93 is `93 %`."""
    return f"{value * 100:.0f} %"


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
        return _("The agent gave none, which counts as 0.")
    if surface is None:
        return _("The agent's own figure.")
    bands = {"low": share(surface.confidence_low), "high": share(surface.confidence_high)}
    if confidence < surface.confidence_low:
        return _("Low here (below %(low)s): it calls for a senior look.") % bands
    if confidence < surface.confidence_high:
        return _("Medium here (%(low)s to %(high)s): too low to ship without a person.") % bands
    return _("High here (%(high)s or more): by itself it calls for no review.") % bands


def effect(proposal: Proposal, surface: SurfacePolicy | None, *, state: State, now: datetime) -> str:
    """Say in one or two sentences what approving does, or what was done."""
    return f"{_deed(proposal, surface, state=state, now=now)} {way_back(proposal, state)}".strip()


def _deed(proposal: Proposal, surface: SurfacePolicy | None, *, state: State, now: datetime) -> str:
    if state in WAITING:
        return if_approved(proposal, surface)
    facts = {"action": proposal.action, "surface": proposal.surface.name, "size": _size(proposal)}
    if state == State.APPROVED:
        release = proposal.release_at
        when = _("in %s") % span(release - now) if release and release > now else _("as soon as a worker takes it")
        return _("“%(action)s” runs on %(surface)s%(size)s, %(when)s.") % {**facts, "when": when}
    if state in {State.SHIPPED, State.ROLLED_BACK}:
        return _("“%(action)s” was run on %(surface)s%(size)s.") % facts
    return _("“%(action)s” on %(surface)s%(size)s was not run.") % facts


def if_approved(proposal: Proposal, surface: SurfacePolicy | None) -> str:
    """Say in one sentence what approving does, whatever the payload says."""
    wait = surface.undo_window if surface else timedelta(0)
    facts = {"action": proposal.action, "surface": proposal.surface.name, "size": _size(proposal)}
    return _("If approved, “%(action)s” runs on %(surface)s%(size)s, %(when)s.") % {**facts, "when": later(wait)}


def later(wait: timedelta) -> str:
    """Write when something happens that is held back for `wait`."""
    return _("%s later") % span(wait) if wait else _("at once")


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
        return _("Once run it cannot be rolled back from here.")
    return _("It can be rolled back.") if state == State.SHIPPED else _("It can be rolled back afterwards.")
