"""The rows of a claimed dispatch, streamed to its executor."""

from collections.abc import Collection
from typing import Any, Final, cast
from uuid import UUID

from django.http import StreamingHttpResponse
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from approvals.api.contract import examples
from approvals.api.contract.openapi import EXECUTORS, LINES, call, described, query
from approvals.api.http.authentication import AgentKeyAuthentication, GrantAuthentication
from approvals.api.http.base import ApiView
from approvals.api.http.errors import MalformedRequest
from approvals.uploads import dispatched_rows as rows
from policies.engine.payloads import FieldError
from policies.models import ApiKey

FENCE: Final = {"type": "integer", "minimum": 1, "maximum": 2**31 - 1}


@described(
    get=call(
        "stream_rows",
        "Stream the rows that a claimed dispatch names",
        tag=EXECUTORS,
        answers_with_lines=examples.ROWS_SENT,
        answers_with={},
        fails_with=(404, 409),
        parameters=[
            query("field", "The field of the payload whose rows are wanted, where there are several."),
            query("fence", "The claim's fence; needed with an agent's key, and not with a grant.", schema=FENCE),
        ],
    )
)
class RowsView(ApiView):
    """`dispatches/{id}/rows/`: with the key of the executor and the claim's fence, or with the claim's grant."""

    authentication_classes: list[type[BaseAuthentication]] = [GrantAuthentication, AgentKeyAuthentication]
    http_method_names = ["get"]

    def query_names(self, request: Request) -> Collection[str]:
        """Let the field and the fence be named."""
        return {"field", "fence"}

    def get(self, request: Request, dispatch_id: UUID) -> StreamingHttpResponse:
        """Stream the rows, one JSON object a line. Hash what you get: it has to be the digest that was approved."""
        if isinstance(request.auth, ApiKey):
            dispatch = rows.claimed_by(request.auth.agent, dispatch_id, fence=_fence(request))
        else:
            dispatch = rows.granted(cast("dict[str, Any]", request.auth), dispatch_id)
        upload = rows.upload_of(dispatch, request.query_params.get("field", ""))
        answer = StreamingHttpResponse(rows.stream(upload), content_type=LINES)
        answer["Content-Length"] = str(upload.size)
        answer["ETag"] = f'"{upload.digest}"'
        return answer


def _fence(request: Request) -> int:
    """Return the fence that is named, 0 for none: no claim has that. Raises MalformedRequest."""
    text = request.query_params.get("fence")
    if text is None:
        return 0
    if not text.isascii() or not text.isdecimal() or not 0 < int(text[:11]) < 2**31:
        detail = "The claim's fence is a whole number."
        raise MalformedRequest(detail, errors=[FieldError("?fence", "invalid", detail)])
    return int(text)
