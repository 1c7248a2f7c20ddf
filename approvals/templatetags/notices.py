"""The number of unread notices, for the header of every page."""

from typing import Any

from django import template

from approvals.admin.personal import absence
from approvals.admin.personal.counts import MOST, waiting_for

register = template.Library()


@register.inclusion_tag("approvals/inbox/count.html", takes_context=True)
def inbox_link(context: template.Context) -> dict[str, Any]:
    """Show the way to the inbox with the number of unread notices, to everybody who is signed in. One query."""
    person = context.get("user")
    if person is None or not (person.is_active and person.is_staff):
        return {"is_shown": False}
    unread = waiting_for(context["request"], person).unread
    return {
        "is_shown": True,
        "may_be_absent": absence.is_for(person),
        "unread": unread,
        "text": str(unread) if unread <= MOST else f"{MOST}+",
    }
