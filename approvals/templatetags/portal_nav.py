"""Navigation on every page of the admin."""

from dataclasses import dataclass
from typing import Any

from django import template
from django.contrib.auth.models import User
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from approvals.admin.personal.counts import waiting_for
from approvals.outcomes import touchpoints
from approvals.people import eligibility
from approvals.trust import board as trust_board
from policies.admin.publishing.page import may_see

register = template.Library()


@dataclass(frozen=True, slots=True)
class NavPlace:
    """One place of the portal; `is_desk` has the count of what waits there."""

    url: str
    name: str
    is_current: bool
    is_desk: bool = False


@register.inclusion_tag("approvals/portal_nav.html", takes_context=True)
def portal_nav(context: template.Context) -> dict[str, Any]:
    """List the places that anyone who reads may open; the desk with how many wait there for them."""
    person, request = context.get("user"), context.get("request")
    if request is None or not isinstance(person, User) or not (person.is_active and person.is_staff):
        return {"places": []}
    places = _places(person, request.path)
    count = context.get("desk_count")  # the desk has counted already
    if count is None and any(place.is_desk for place in places):
        count = waiting_for(request, person).turns
    return {"places": places, "desk_count": count}


def _places(person: User, path: str) -> list[NavPlace]:
    sees = person.has_perm(eligibility.SEE) or person.has_perm(eligibility.SEE_ALL)
    wanted = (
        ("admin:desk", _("Desk"), person.has_perm(eligibility.DECIDE)),
        ("admin:approvals_proposal_changelist", _("Proposals"), sees),
        ("admin:approvals_decision_changelist", _("Decisions"), person.has_perm("approvals.view_decision")),
        ("admin:monitor", _("Monitor"), sees),
        ("admin:touchpoints", _("Touchpoints"), touchpoints.may_see(person)),
        ("admin:trust", _("Trust"), trust_board.may_see(person)),
        ("admin:switches", _("Switches"), True),
        ("admin:policies_publish", _("Policy"), may_see(person)),
    )
    return [
        NavPlace(url, name, path.startswith(url), route == "admin:desk")
        for route, name, may_open in wanted
        if may_open and (url := _url(route))
    ]


def _url(route: str) -> str:
    try:
        return reverse(route)
    except NoReverseMatch:
        return ""
