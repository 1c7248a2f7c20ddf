"""Pull kill switches alone and at once; release them with a second person. The only writer of KillSwitch."""

from typing import Final

from django.contrib.auth.models import User
from django.db import transaction
from django.dispatch import Signal
from django.utils.translation import gettext as _

from audit.clock import database_now
from audit.ledger import entries
from audit.ledger.entries import SYSTEM, Actor
from audit.models import Entry
from policies import plain_text
from policies.actors import actor
from policies.models import EVERYWHERE, KillSwitch, Loosening
from policies.publishing import loosenings

RELEASE: Final = "policies.release_killswitch"
# For the transaction of a restore, by psql, so that nobody ever sees the restored rows with an open switch.
# `record_restored` then tells of it.
ENGAGE_RESTORED: Final = """
UPDATE public.policies_killswitch
   SET is_engaged = true, engaged_at = clock_timestamp(), engaged_by_id = NULL,
       engaged_by_name = :'via', reason = left(:'reason', 500)
 WHERE scope = 'everywhere' AND NOT is_engaged;
"""
_MOVES: Final = ("kill_switch.engaged", "kill_switch.released")
MOST_REASON: Final = 500


switch_released = Signal()
"""Sent after the commit that released a kill switch. A hint: a sweep finds what it concerns too."""


class SwitchRefused(ValueError):
    """The switch cannot be moved like this; nothing changed."""

    code = "switch_refused"


@transaction.atomic
def engage(*, scope: str, by: User | None, reason: str, via: str = "") -> KillSwitch:
    """Stop shipping within `scope`. When this returns, no claim can begin there.

    `via` names from where, if that is not the portal itself: nobody has proved there that they are `by`.
    Waits for claims that are being made at this instant. Raises SwitchRefused without a reason, or
    where the switch is engaged already, and KillSwitch.DoesNotExist for a scope that there is not.
    """
    if not plain_text.has_something_visible(reason):
        raise SwitchRefused(_("Say why you stop it, in a few words."))
    switch = KillSwitch.objects.select_for_update().get(scope=scope)
    if switch.is_engaged:
        raise SwitchRefused(_("This kill switch is engaged already."))
    switch.is_engaged = True
    switch.engaged_at = database_now()
    switch.engaged_by = by
    switch.engaged_by_name = _named(by, via)
    switch.reason = plain_text.one_line(plain_text.kept(reason))[:MOST_REASON]
    switch.save()
    _record_engaged(switch, by, via)
    return switch


def hold(*, scope: str, reason: str, via: str) -> KillSwitch:
    """Let `scope` be stopped when this returns, whether or not it was; a switch that is engaged stays as it is.

    Raises what `engage` raises.
    """
    try:
        return engage(scope=scope, by=None, reason=reason, via=via)
    except SwitchRefused:
        switch = KillSwitch.objects.get(scope=scope)
        if not switch.is_engaged:
            raise
        return switch


@transaction.atomic
def record_restored(*, via: str) -> KillSwitch:
    """Tell of what ENGAGE_RESTORED did, unless the switch was engaged in the backup; return the switch."""
    switch = KillSwitch.objects.select_for_update().get(scope=EVERYWHERE)
    entry = Entry.objects.filter(subject=f"kill_switch:{EVERYWHERE}", kind__in=_MOVES).order_by("-pk").first()
    if entry is None or entry.kind == "kill_switch.released":
        switch.save()  # the history of fields wants it too
        _record_engaged(switch, None, via)
    return switch


def _named(by: User | None, via: str) -> str:
    if not via:
        return actor(by).name
    return f"{actor(by).name} ({via})"[:200] if by else via[:200]


def _record_engaged(switch: KillSwitch, by: User | None, via: str) -> None:
    assert switch.engaged_at is not None
    who = actor(by) if by or not via else Actor(SYSTEM.ref, via)
    subject, data = f"kill_switch:{switch.scope}", {"via": via} if via else {}
    entries.record("kill_switch.engaged", subject=subject, actor=who, at=switch.engaged_at, data=data)


@transaction.atomic
def ask_release(*, scope: str, by: User, note: str) -> Loosening:
    """Ask a second person to let `scope` ship again.

    Raises SwitchRefused if the switch is not engaged, NotAllowed, or LooseningRefused without a reason or
    where it was asked already; and KillSwitch.DoesNotExist.
    """
    switch = KillSwitch.objects.get(scope=scope)
    if not switch.is_engaged or switch.engaged_at is None:
        raise SwitchRefused(_("This kill switch is not on."))
    return loosenings.ask(
        kind=Loosening.Kind.RELEASE,
        subject=f"kill_switch:{scope}",
        change={"scope": scope, "engaged_at": switch.engaged_at.isoformat()},
        by=by,
        note=note,
        permission=RELEASE,
    )


def release_as_asked(loosening: Loosening, by: User) -> bool:
    """Release the switch, if it is still engaged and not anew: then nobody has looked at why."""
    switch = KillSwitch.objects.select_for_update().get(scope=loosening.change["scope"])
    if switch.engaged_at is None or switch.engaged_at.isoformat() != loosening.change["engaged_at"]:
        return False
    switch.is_engaged = False
    switch.engaged_at = None
    switch.engaged_by = None
    switch.engaged_by_name = ""
    switch.reason = ""
    switch.save()
    entries.record(
        "kill_switch.released",
        subject=loosening.subject,
        actor=actor(by),
        at=database_now(),
        data={"loosening": loosening.pk},
    )
    transaction.on_commit(lambda: switch_released.send(KillSwitch, scope=switch.scope))
    return True


def waiting_release(switch: KillSwitch) -> Loosening | None:
    """Return the request to release `switch` as it is engaged now, if a second person is waited for."""
    loosening = Loosening.objects.filter(
        kind=Loosening.Kind.RELEASE, subject=f"kill_switch:{switch.scope}", status=Loosening.Status.WAITING
    ).first()
    at = switch.engaged_at.isoformat() if switch.engaged_at else ""
    return loosening if loosening is not None and loosening.change["engaged_at"] == at else None


def engaged() -> list[KillSwitch]:
    """Return the engaged kill switches, for the bar on every page."""
    return list(KillSwitch.objects.filter(is_engaged=True))
