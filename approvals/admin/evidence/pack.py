"""The evidence about a proposal, to take away: a zip that a stranger can verify offline."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils.translation import gettext as _

from approvals.admin.review import actions
from approvals.admin.review import page as review_page
from audit.evidence import exports
from policies.actors import actor

MAY: Final = "audit.view_entry"


def download(request: HttpRequest, frame: Mapping[str, Any], object_id: UUID) -> HttpResponse:
    """Send the pack to who may read the ledger and sees the proposal. Raises Http404, PermissionDenied."""
    person = actions.person_of(request)
    proposal = review_page.load(person, object_id).proposal
    if not person.has_perm(MAY):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    title = _("Proposal %s") % proposal.pk
    body = exports.export(f"proposal:{proposal.pk}", title=title, by=actor(person))
    answer = HttpResponse(body, content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="evidence-{proposal.pk}.zip"'
    answer["Cache-Control"] = "no-store"
    return answer
