"""Facts for the sign-in pages."""

from typing import Final

from django import template
from django.conf import settings
from django.utils.translation import gettext as _

register = template.Library()


@register.simple_tag
def provider() -> str:
    """Return the name of the identity provider; "" where none is configured."""
    return "" if settings.OIDC is None else str(settings.OIDC.name)


BROWSERS: Final = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS: Final = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
)  # fmt: skip


@register.filter
def device(user_agent: str) -> str:
    """Say in words what a browser says it is, such as “Firefox on Windows”."""
    browser = next((name for mark, name in BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in SYSTEMS if mark in user_agent), "")
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or user_agent[:60] or _("Unknown device")
