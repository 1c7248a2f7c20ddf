"""The health page of the admin: what works, and how far the work behind the pages is."""

from typing import Any

from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from approvals.admin.oversight import behind
from approvals.figures import lag
from hitlportal.health import health


def page(request: HttpRequest, frame: dict[str, Any]) -> HttpResponse:
    """Show it to whoever sets the portal up. Raises Http404 for others."""
    if not (isinstance(request.user, User) and request.user.has_perm(behind.KEEPS)):
        raise Http404
    lags = lag.measure_all()
    parts = [(label, health.state_of(name)) for name, label in _parts().items()]
    context = {
        **frame,
        "title": _("Health"),
        "parts": [(label, state == health.OK, state) for label, state in parts],
        "lags": [(one, behind.sentence(one)) for one in lags],
        "is_well": all(state == health.OK for _label, state in parts) and not any(one.is_late for one in lags),
    }
    response = TemplateResponse(request, "admin/health.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _parts() -> dict[str, str]:
    """Return what people call each part that is checked."""
    return {"database": _("Database"), "migrations": _("Database layout"), "broker": _("Message broker")}
