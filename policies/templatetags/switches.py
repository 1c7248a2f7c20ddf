"""The kill switches on every page."""

from typing import Any

from django import template
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from policies.models import KillSwitch
from policies.registry import kill_switches

register = template.Library()


@register.inclusion_tag("policies/shipping_bar.html", takes_context=True)
def shipping_bar(context: template.Context) -> dict[str, Any]:
    """Show whether the portal ships, to everybody who is signed in, and the way to change it to anyone who may."""
    person = context.get("user")
    if person is None or not (person.is_active and person.is_staff):
        return {"is_shown": False}
    known = context.get("engaged_switches")  # a page that has asked already says so
    return {
        "is_shown": True,
        "engaged": [(switch, _since(switch)) for switch in (kill_switches.engaged() if known is None else known)],
        "may_engage": person.has_perm("policies.engage_killswitch"),
        "may_release": person.has_perm("policies.release_killswitch"),
    }


def _since(switch: KillSwitch) -> str:
    now = timezone.now()
    if switch.engaged_at is None or (now - switch.engaged_at).total_seconds() < 60:
        return _("just now")
    return _("%s ago") % timesince(switch.engaged_at, now, depth=1)
