"""The number of unpublished policy changes, on every page for those who may see it."""

from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from policies.admin.publishing.page import may_see_all
from policies.publishing import drafts, loosenings

register = template.Library()


@register.filter
def coded(sentence: str) -> SafeString:
    """Show what stands between backticks as code."""
    parts = enumerate(sentence.split("`"))
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", part) if at % 2 else part,) for at, part in parts)
    )


@register.inclusion_tag("policies/draft_bar.html", takes_context=True)
def draft_bar(context: template.Context) -> dict[str, Any]:
    """Say how many changes wait to be published, and how many requests for a second person."""
    person = context.get("user")
    if person is None or not (person.is_active and person.is_staff) or not may_see_all(person):
        return {"changes": 0, "requests": 0}
    changes, requests = drafts.waiting()
    may_publish = person.has_perm(loosenings.ASK) or person.has_perm(loosenings.AGREE)
    return {"changes": changes, "requests": requests, "may_publish": may_publish}
