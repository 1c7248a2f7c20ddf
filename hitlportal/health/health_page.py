"""The health page of the admin: what works, and how far the work behind the pages is."""

from typing import Any

from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from approvals.admin.oversight import behind
from approvals.figures import lag
from hitlportal.health import health
from policies.publishing.drafts import active_version
from policies.publishing.lint.parameters import unset_parameters


def page(request: HttpRequest, frame: dict[str, Any]) -> HttpResponse:
    """Show it to anyone who sets the portal up. Raises Http404 for others."""
    if not (isinstance(request.user, User) and request.user.has_perm(behind.KEEPS)):
        raise Http404
    lags = lag.measure_all()
    parts = [(label, health.state_of(name)) for name, label in _parts().items()]
    unset = _unset_figures()
    context = {
        **frame,
        "title": _("Health"),
        "parts": [(label, state == health.OK, state) for label, state in parts],
        "lags": [(one, behind.sentence(one)) for one in lags],
        "unset": unset,
        "is_well": not unset
        and all(state == health.OK for _label, state in parts)
        and not any(one.is_late for one in lags),
    }
    response = TemplateResponse(request, "admin/health.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _unset_figures() -> list[tuple[str, str, str]]:
    """Return each surface of the policy in force with a parameter that is not set, its page, and what waits for it."""
    version = active_version()
    problems = unset_parameters(version.document) if version is not None else ()
    page = "admin:policies_surface_change"
    return [(problem.id, reverse(page, args=[problem.id]), problem.text) for problem in problems]


def _parts() -> dict[str, str]:
    """Return what people call each part that is checked."""
    return {"database": _("Database"), "migrations": _("Database layout"), "broker": _("Message broker")}
