"""Upload rows, for one proposal to name them in the place of a long list."""

from collections.abc import Collection
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from approvals.api.contract import examples, representation
from approvals.api.contract.openapi import call, described, query
from approvals.api.http import reading
from approvals.api.http.base import AgentView, answer, written
from approvals.api.http.errors import MalformedRequest
from approvals.models import Upload
from approvals.uploads import intake
from policies.engine.payloads import FieldError


@described(
    post=call(
        "upload_rows",
        "Upload rows for a proposal to name",
        sends_lines=examples.ROWS_SENT,
        answers_with={201: ("Upload", examples.UPLOAD)},
        parameters=[
            query("surface", "The surface of the proposal.", required=True, schema={"type": "string", "minLength": 1}),
            query("field", "The field of the payload that takes the rows, where there are several."),
        ],
    )
)
class UploadsView(AgentView):
    """`uploads/`."""

    def query_names(self, request: Request) -> Collection[str]:
        """Let the surface and the field be named."""
        return {"surface", "field"}

    def post(self, request: Request) -> HttpResponse:
        """Keep rows, one JSON object a line; the answer says what a payload names them by."""
        surface = request.query_params.get("surface", "")
        if not surface:
            detail = "Name the surface of the proposal: uploads/?surface=…"
            raise MalformedRequest(detail, errors=[FieldError("?surface", "required", detail)])
        upload = intake.receive(
            agent=self.agent(request),
            surface=surface,
            member=request.query_params.get("field", ""),
            source=reading.line_source(request),
        )
        return written(answer(201, shown(upload)))


def shown(upload: Upload) -> dict[str, Any]:
    """Show an upload to its agent; `reference` is what its payload says in the place of the rows."""
    return {
        "id": str(upload.pk),
        "surface": upload.surface_id,
        "field": upload.member,
        "count": upload.count,
        "size": upload.size,
        "digest": upload.digest,
        "kinds": upload.kinds,
        "reference": intake.reference(upload),
        "created_at": representation.moment(upload.created_at),
        "expires_at": representation.moment(upload.created_at + intake.LIFETIME),
    }
