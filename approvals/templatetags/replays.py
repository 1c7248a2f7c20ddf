"""`{% replay_panel digest %}`: the latest replay of a policy document, on any page of the admin."""

from typing import Any

from django import template
from django.template import RequestContext
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from approvals.admin.replays import page
from policies.publishing import replay_runs

register = template.Library()


@register.simple_tag(takes_context=True)
def replay_panel(context: RequestContext, digest: str, version: int | None = None) -> SafeString:
    """Show the latest replay of the document with this digest, or the button that asks for one.

    `version` is the number of the version it is; none for the draft. Nothing for who may not see replays.
    """
    request = context["request"]
    if not request.user.has_perm(page.SEE):
        return SafeString("")
    panel: dict[str, Any] = page.panel(request, replay_runs.of_digest(digest))
    return render_to_string(
        "approvals/replay_panel.html", panel | {"version": version, "next": request.path}, request=request
    )
