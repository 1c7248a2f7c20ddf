"""The numbers that matter when one comes in."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.translation import gettext as _

from approvals import eligibility
from approvals.models import OPEN, Dispatch, DispatchStatus
from policies import switches
from policies.publishing import active_policy

MOST_COUNTED: Final = 1_000


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its words and where it leads; `needs_care` marks what should be nought."""

    number: str
    words: str
    url: str
    needs_care: bool = False


def figures(person: User) -> list[Figure]:
    """Return the numbers of the overview as `person` may see them."""
    if not (person.has_perm(eligibility.SEE) or person.has_perm(eligibility.SEE_ALL)):
        return []
    proposals = reverse("admin:approvals_proposal_changelist")
    visible = eligibility.visible(person)
    mine = _count(eligibility.waiting_for(person, visible, active_policy()))
    soon = _count(visible.filter(state__in=OPEN, deadline_at__gt=Now(), deadline_at__lte=Now() + timedelta(hours=1)))
    failed = _count(Dispatch.objects.filter(status=DispatchStatus.FAILED, proposal__in=visible))
    stopped = len(switches.engaged())
    dead = reverse("admin:approvals_dispatch_changelist") + "?letters=dead"
    if not person.has_perm("approvals.view_dispatch"):
        dead = f"{proposals}?state=failed"
    return [
        Figure(_shown(mine), _("waiting for you"), f"{proposals}?state=mine&o=3"),
        Figure(_shown(soon), _("due within the hour"), f"{proposals}?due=hour", needs_care=soon > 0),
        Figure(_shown(failed), _("failed dispatches"), dead, needs_care=failed > 0),
        Figure(_shown(stopped), _("kill switches engaged"), reverse("admin:switches"), needs_care=stopped > 0),
    ]


def _count(rows: "QuerySet[Any]") -> int:
    """Count no further than anybody reads."""
    return rows.order_by().values("pk")[: MOST_COUNTED + 1].count()


def _shown(number: int) -> str:
    return str(number) if number <= MOST_COUNTED else _("over %s") % MOST_COUNTED
