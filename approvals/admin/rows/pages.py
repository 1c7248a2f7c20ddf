"""All rows that a proposal names: page by page, found by their key, or taken out as a file."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.template.response import TemplateResponse

from approvals.admin.review import actions
from approvals.admin.review import page as review_page
from approvals.admin.rows import leaving_out, section
from approvals.cards import reading
from approvals.models import Proposal, Upload
from approvals.uploads import exports, stored_rows
from policies.engine import references

A_PAGE: Final = 50
LONGEST_KEY: Final = 200


def page(request: HttpRequest, frame: Mapping[str, Any], object_id: UUID, member: str) -> HttpResponseBase:
    """Show rows of the current revision; a POST takes all of them out. Raises Http404 for what nobody may see."""
    loaded = review_page.load(actions.person_of(request), object_id)
    proposal, upload = loaded.proposal, _upload(loaded.proposal, member)
    if request.method == "POST":
        return (
            leaving_out.post(request, proposal, upload)
            if "leave_out" in request.POST
            else _file(request, proposal, upload)
        )
    wanted = request.GET.get("q", "").strip()[:LONGEST_KEY]
    first = _first(request.GET.get("from", ""), upload)
    rows = stored_rows.find(upload, wanted) if wanted else stored_rows.page(upload, first=first, size=A_PAGE)
    context = {
        **frame,
        "title": proposal.title,
        "is_nav_sidebar_enabled": False,
        "opts": Proposal._meta,
        "proposal": proposal,
        "upload": upload,
        "field": reading.label(upload.member),
        "key": reading.label(upload.key) if upload.key else "",
        "wanted": wanted,
        "is_cut": bool(wanted) and len(rows) >= stored_rows.MOST_FOUND,
        "rows": section.shown(upload, rows),
        "may_leave_out": loaded.offers.may_decide,
        "loses_rollback": proposal.revision.rollback_body is not None,
        "first": first,
        "last": min(first + A_PAGE - 1, upload.count),
        "before": max(1, first - A_PAGE) if first > 1 else None,
        "after": first + A_PAGE if first + A_PAGE <= upload.count else None,
    }
    response = TemplateResponse(request, "approvals/rows/page.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _upload(proposal: Proposal, member: str) -> Upload:
    for reference in references.read_bytes(bytes(proposal.revision.body)):
        if reference.member == member and (upload := stored_rows.named(reference)) is not None:
            return upload
    raise Http404


def _first(text: str, upload: Upload) -> int:
    number = int(text) if text.isdecimal() and len(text) < 10 else 1
    return min(max(1, number), upload.count)


def _file(request: HttpRequest, proposal: Proposal, upload: Upload) -> StreamingHttpResponse:
    exports.begin(upload=upload, by=actions.person_of(request))
    answer = StreamingHttpResponse(stored_rows.stream(upload), content_type="application/x-ndjson")
    answer["Content-Length"] = str(upload.size)
    answer["Content-Disposition"] = f'attachment; filename="rows-{proposal.pk}.ndjson"'
    answer["Cache-Control"] = "no-store"
    return answer
