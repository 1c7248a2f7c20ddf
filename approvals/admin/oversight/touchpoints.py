"""The page with the map of AI touchpoints, and the same as CSV."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from approvals.admin.review.actions import person_of
from approvals.figures import exports
from approvals.models import Outcome
from approvals.outcomes import touchpoints
from approvals.outcomes.touchpoints import Touchpoint
from audit.clock import database_now

POSTURES: Final = {
    "in": gettext_lazy("in the loop"),
    "on": gettext_lazy("on the loop"),
    "out": gettext_lazy("out of the loop"),
}
HEADER: Final = (
    "surface", "agent", "agent_name", "agent_suspended", "posture", "tier", "mandate", "risk", "high_risk",
    "surface_owner", "agent_owner", "proposals_30_days", "model_versions", "last_incident_at", "last_incident",
    "last_incident_proposal",
)  # fmt: skip


def page(request: HttpRequest, frame: Mapping[str, Any]) -> HttpResponseBase:
    """Show the map (GET), or send it as CSV (POST)."""
    person = person_of(request)
    if not touchpoints.may_see(person):
        raise PermissionDenied
    at = database_now()
    rows = touchpoints.touchpoints(at=at)
    if request.method == "POST" and request.POST.get("format") == "csv":
        return _csv(exports.begin_list(what="touchpoints", count=len(rows), by=person), rows)
    context = {
        **frame,
        "title": _("AI touchpoints"),
        "is_nav_sidebar_enabled": False,
        "rows": [(row, _posture(row), _incident(row)) for row in rows],
        "is_cut": len(rows) == touchpoints.MOST,
        "most": touchpoints.MOST,
        "latest": touchpoints.LATEST,
    }
    return TemplateResponse(request, "approvals/touchpoints.html", context)


def _csv(export: exports.Export, rows: Sequence[Touchpoint]) -> HttpResponseBase:
    pieces = exports.lines(export, header=HEADER, fetch=lambda keys: [rows[key] for key in keys], cells=_cells)
    answer = StreamingHttpResponse(pieces, content_type="text/csv; charset=utf-8")
    name = f"touchpoints-{timezone.localtime(export.at):%Y-%m-%d-%H%M}.csv"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "no-store"
    return answer


def _cells(row: Touchpoint) -> Sequence[Any]:
    return (
        row.surface, row.agent, row.agent_name, row.is_suspended, _posture(row), row.tier.slug if row.tier else "",
        row.has_mandate, "; ".join(row.risks), row.is_high_risk, row.owner, row.agent_owner, row.proposals,
        "; ".join(row.models), row.incident_at, _incident(row), row.incident_proposal,
    )  # fmt: skip


def _posture(row: Touchpoint) -> str:
    return str(POSTURES[row.tier.posture]) if row.tier else ""


def _incident(row: Touchpoint) -> str:
    return str(Outcome.Kind(row.incident).label) if row.incident else ""
