"""An e-mail's HTML on an address of its own, for a sandboxed frame of the review page."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from approvals.admin.review import actions
from approvals.admin.review import page as review_page
from approvals.cards.email import cleaning, message
from approvals.models import Revision
from approvals.presentation import marks

POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src {pictures}; form-action 'none'; base-uri 'none';"
    " frame-ancestors 'self'; sandbox"
)


@require_safe
def page(request: HttpRequest, frame: Mapping[str, Any], object_id: UUID) -> HttpResponse:
    """Show the HTML of one revision, or of what was before it (`side=before`); with `images=1` remote pictures too.

    The policy of this answer, and of no other, allows inline style, and a page of the portal around it. Raises
    Http404 for what the person may not see, and where there is no HTML.
    """
    proposal = review_page.load(actions.person_of(request), object_id).proposal
    revision = _revision(proposal.revision, request.GET.get("revision", ""))
    is_before = request.GET.get("side") == "before"
    email = message.read(revision.before if is_before else revision.payload)
    if not email.html:
        raise Http404
    spans: list[tuple[int, int]] = []
    if not is_before and revision.pk == proposal.revision_id:
        spots = marks.spans(revision.payload, proposal.verdict.facts.get("findings", []))
        spans = list(spots.get(email.html_path, ()))
    has_images = request.GET.get("images") == "1"
    title = email.subject or _("E-mail")
    response = HttpResponse(cleaning.page(email.html, title=title, images=has_images, spans=spans))
    response["Content-Security-Policy"] = POLICY.format(pictures="data: https:" if has_images else "data:")
    response["X-Frame-Options"] = "SAMEORIGIN"
    response["Cache-Control"] = "no-store"
    return response


def _revision(current: Revision, number: str) -> Revision:
    """Return the revision that the frame was made for: it must not change under who reads it."""
    if not number.isdecimal() or len(number) > 6 or int(number) == current.number:
        return current
    revision = Revision.objects.filter(proposal=current.proposal_id, number=int(number)).first()
    if revision is None:
        raise Http404
    return revision
