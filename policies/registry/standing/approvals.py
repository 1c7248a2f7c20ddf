"""Standing approvals: this kind, up to this much, so many times, until then. The only writer of StandingApproval.

One person asks, another agrees, and it ends by itself. Anyone who may stop shipping ends it before, alone and at once.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from audit.clock import database_now
from audit.ledger import entries
from policies import plain_text
from policies.actors import actor
from policies.models import Agent, Loosening, Mandate, StandingApproval, Surface
from policies.models.standing_approval import MOST_USES
from policies.publishing import loosenings
from policies.publishing.gate import close_gate
from policies.publishing.loosenings import LooseningRefused
from policies.publishing.publish import active_policy

LONGEST: Final = timedelta(days=31)
END: Final = "policies.engage_killswitch"


@transaction.atomic
def ask(
    *,
    agent: Agent,
    surface: Surface,
    action: str,
    most_amount: Decimal | None,
    most_uses: int,
    ends_at: datetime,
    by: User,
    note: str,
) -> Loosening:
    """Ask a second person for a standing approval with exactly these bounds.

    Raises NotAllowed, or LooseningRefused, which says which bound makes no sense.
    """
    loosenings.require(by, loosenings.ASK)
    at = database_now()
    _require_sense(agent, surface, action, most_amount=most_amount, most_uses=most_uses, ends_at=ends_at, at=at)
    change: dict[str, Any] = {
        "agent": agent.pk,
        "surface": surface.pk,
        "action": action,
        "most_amount": None if most_amount is None else str(most_amount),
        "currency": active_policy().surfaces[surface.pk].currency,
        "most_uses": most_uses,
        "ends_at": ends_at.isoformat(),
    }
    subject = f"standing_approval:{agent.pk}:{surface.pk}:{action}"[:200]
    return loosenings.ask(kind=Loosening.Kind.STANDING, subject=subject, change=change, by=by, note=note)


def _require_sense(
    agent: Agent,
    surface: Surface,
    action: str,
    *,
    most_amount: Decimal | None,
    most_uses: int,
    ends_at: datetime,
    at: datetime,
) -> None:
    here = active_policy().surfaces.get(surface.pk)
    if here is None or not here.is_enabled:
        raise LooseningRefused(_("The surface %s is not published.") % surface.pk)
    if not here.floor.is_automatic:
        words = {"surface": surface.pk, "floor": here.floor.slug}
        raise LooseningRefused(_("On %(surface)s people always decide: its floor is %(floor)s.") % words)
    if not Mandate.objects.filter(agent=agent, surface=surface).exists():
        raise LooseningRefused(_("%(agent)s has no mandate on %(surface)s.") % {"agent": agent, "surface": surface.pk})
    if not plain_text.has_something_visible(action):
        raise LooseningRefused(_("Say which action."))
    if most_amount is not None and not (most_amount.is_finite() and 0 <= most_amount < Decimal(10) ** 15):
        raise LooseningRefused(_("The amount has to be 0 or more."))
    if not 1 <= most_uses <= MOST_USES:
        raise LooseningRefused(_("It can be used between 1 and %s times.") % MOST_USES)
    if not at < ends_at <= at + LONGEST:
        raise LooseningRefused(_("It has to end within the next %s days.") % LONGEST.days)


def give_as_asked(loosening: Loosening, by: User) -> bool:
    """Give the standing approval that was asked for, if it still makes sense. From the commit on it counts."""
    close_gate()
    change, at = loosening.change, database_now()
    agent, surface = Agent.objects.get(pk=change["agent"]), Surface.objects.get(pk=change["surface"])
    ends_at = parse_datetime(change["ends_at"])
    amount = None if change["most_amount"] is None else Decimal(change["most_amount"])
    here = active_policy().surfaces.get(surface.pk)
    if ends_at is None or here is None or here.currency != change["currency"]:
        return False
    bounds = {"most_amount": amount, "most_uses": change["most_uses"], "ends_at": ends_at}
    try:
        _require_sense(agent, surface, change["action"], at=at, **bounds)
    except LooseningRefused:
        return False
    given = StandingApproval.objects.create(
        agent=agent, surface=surface, action=change["action"], currency=change["currency"], begins_at=at,
        note=loosening.note, loosening=loosening, **bounds,
    )  # fmt: skip
    _record("given", given, by=by, at=at, loosening=loosening.pk)
    return True


@transaction.atomic
def end(*, standing_approval_id: int, by: User) -> StandingApproval:
    """End a standing approval now. What passed by it and was not claimed goes before people, before its claim.

    Raises NotAllowed, LooseningRefused where it has ended already, and StandingApproval.DoesNotExist.
    """
    loosenings.require(by, END)
    close_gate()
    given = StandingApproval.objects.select_for_update().get(pk=standing_approval_id)
    at = database_now()
    if given.ended_at is not None or given.ends_at <= at:
        raise LooseningRefused(_("It has ended already."))
    given.ended_at, given.ended_by, given.ended_by_name = at, by, actor(by).name
    given.save()
    _record("ended", given, by=by, at=at, used=given.used)
    return given


def _record(what: str, given: StandingApproval, *, by: User, at: datetime, **data: int) -> None:
    bounds = {
        "agent": given.agent_id,
        "surface": given.surface_id,
        "action": given.action,
        "most_amount": None if given.most_amount is None else str(given.most_amount),
        "currency": given.currency,
        "most_uses": given.most_uses,
        "ends_at": given.ends_at.isoformat(),
        **data,
    }
    entries.record(
        f"standing_approval.{what}", subject=f"standing_approval:{given.pk}", actor=actor(by), at=at, data=bounds
    )
