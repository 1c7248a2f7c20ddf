"""`{% card_styles %}`: the stylesheets of all kinds of card, since the desk swaps one proposal for another."""

from django import template
from django.templatetags.static import static
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from approvals.cards import registry

register = template.Library()


@register.simple_tag
def card_styles() -> SafeString:
    """Link them in the order in which they override each other."""
    return format_html_join(
        "", '<link rel="stylesheet" href="{}">', ((static(path),) for path in registry.stylesheets())
    )
