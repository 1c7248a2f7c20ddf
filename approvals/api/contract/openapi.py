"""Describe calls in OpenAPI: one decorator for views, their schemas, and the two ways to sign in."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiRequest,
    OpenApiResponse,
    extend_schema,
    extend_schema_view,
)
from rest_framework.views import APIView

from approvals.api.contract import answers, schemas
from approvals.api.contract.examples import PROBLEM
from approvals.api.http.idempotency import KEY_FORMAT

JSON: Final = "application/json"
PROBLEM_JSON: Final = "application/problem+json"
LINES: Final = "application/x-ndjson"

AGENTS: Final = "For agents"
PEOPLE: Final = "For people"
EXECUTORS: Final = "For executors"

_SENT: Final[Mapping[str, schemas.Schema]] = {
    "ProposalSent": schemas.PROPOSAL,
    "RevisionSent": schemas.REVISION,
    "OutcomeSent": schemas.OUTCOME,
    "ReceiptSent": schemas.RECEIPT,
    "RenewalSent": schemas.RENEWAL,
    "BatchSent": schemas.BATCH,
    "DecisionSent": schemas.DECISION,
    "EditSent": schemas.EDIT,
    "CommentSent": schemas.COMMENT,
    "Nothing": schemas.NOTHING,
    "Json": schemas.JSON_VALUE,
}
_PROBLEMS: Final = {
    400: "The body is not strict JSON, or a header or the query string is malformed.",
    401: "There is no live agent key.",
    403: "Not signed in, no CSRF token, or not eligible.",
    404: "There is no such thing, or not for this caller.",
    406: "The client accepts no JSON.",
    409: "Not in this state, or not this revision.",
    413: "The body is larger than 1 MiB.",
    415: "The body is not application/json.",
    422: "The body is JSON, but not valid here.",
    429: "Too many requests; Retry-After says when to come back.",
}
_ALWAYS: Final = (400, 401, 403, 406, 429)
_WITH_BODY: Final = (413, 415, 422)

IDEMPOTENCY_KEY: Final = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 200, "pattern": f"^{KEY_FORMAT.pattern}$"},
    OpenApiParameter.HEADER,
    description="Repeats the first answer for at least 24 hours, with Idempotency-Replayed: true.",
)
TRACEPARENT: Final = OpenApiParameter(
    "traceparent",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="W3C Trace Context; kept with the proposal, its entries and what is shipped. Malformed, it is ignored.",
)
IF_NONE_MATCH: Final = OpenApiParameter(
    "If-None-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description='ETags that are known, as RFC 9110 has them: "…", several with commas between them, or *.',
)
PREFER: Final = OpenApiParameter(
    "Prefer",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description=(
        "With If-None-Match, wait=30 waits up to 30 seconds (at most 60) for a change. "
        "Other preferences are ignored, as RFC 7240 wants it."
    ),
)
_RATE: Final = [
    OpenApiParameter(name, OpenApiTypes.STR, OpenApiParameter.HEADER, response=True, description=text)
    for name, text in (
        ("RateLimit", "What is left of the quota, and for how many seconds (agents)."),
        ("RateLimit-Policy", "The quota and its window in seconds (agents)."),
    )
]


def call(
    name: str,
    summary: str,
    *,
    tag: str = AGENTS,
    sends: tuple[str, Any] | None = None,
    sends_lines: str = "",
    answers_with_lines: str = "",
    answers_with: Mapping[int, tuple[str, Any] | str],
    fails_with: tuple[int, ...] = (),
    parameters: list[OpenApiParameter] | None = None,
) -> Callable[..., Any]:
    """Describe one method; client libraries call it `name`.

    Bodies are `(component, example)`; an answer without a body is a sentence. What `sends_lines` and
    `answers_with_lines` show is not one JSON value but one a line.
    """
    failures = [*_ALWAYS, *(_WITH_BODY if sends or sends_lines else ()), *fails_with]
    responses: dict[Any, Any] = {status: _answer(body) for status, body in answers_with.items()}
    if answers_with_lines:
        responses[200, LINES] = OpenApiResponse(_LINE_SCHEMA, description="Rows", examples=[_lines(answers_with_lines)])
    responses |= {(status, PROBLEM_JSON): _problem(status) for status in sorted(set(failures))}
    return extend_schema(
        operation_id=name,
        summary=summary,
        tags=[tag],
        parameters=[*(parameters or []), *_RATE],
        request=_body(sends, sends_lines),
        responses=responses,
    )


def query(
    name: str, description: str, *, required: bool = False, schema: Mapping[str, Any] | None = None
) -> OpenApiParameter:
    """Describe a parameter of the query string; a text, unless `schema` says something else."""
    kind = OpenApiTypes.STR if schema is None else dict(schema)
    return OpenApiParameter(name, kind, OpenApiParameter.QUERY, required=required, description=description)


def described(**methods: Callable[..., Any]) -> Callable[[type[APIView]], type[APIView]]:
    """Describe the methods of a view, inherited ones included: `@described(get=call(…), post=call(…))`."""
    return extend_schema_view(**methods)


_LINE_SCHEMA: Final = {"type": "string", "description": "One JSON object a line, each line ended by a line feed."}


def _lines(example: str) -> OpenApiExample:
    return OpenApiExample("Example", value=example)


def _body(sends: tuple[str, Any] | None, sends_lines: str) -> dict[str, Any] | None:
    if sends_lines:
        return {LINES: OpenApiRequest(_LINE_SCHEMA, examples=[_lines(sends_lines)])}
    return {JSON: _request(*sends)} if sends else None


def _request(component: str, example: Any) -> OpenApiRequest:
    return OpenApiRequest(answers.ref(component), examples=[OpenApiExample("Example", value=example)])


def _answer(body: tuple[str, Any] | str) -> OpenApiResponse:
    if isinstance(body, str):
        return OpenApiResponse(description=body)
    component, example = body
    return OpenApiResponse(
        answers.ref(component), description=component, examples=[OpenApiExample("Example", value=example)]
    )


def _problem(status: int) -> OpenApiResponse:
    examples = [OpenApiExample("Example", value=PROBLEM)] if status == 409 else []
    return OpenApiResponse(answers.ref("Problem"), description=_PROBLEMS[status], examples=examples)


def add_components(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Put the schemas that calls refer to into the document, and say which bodies must be there.

    A hook of drf-spectacular.
    """
    components = result.setdefault("components", {}).setdefault("schemas", {})
    components.update({**answers.COMPONENTS, **_SENT})
    for methods in result["paths"].values():
        for operation in methods.values():
            if body := operation.get("requestBody"):
                name = body["content"].get(JSON, {}).get("schema", {}).get("$ref", "").rpartition("/")[2]
                body["required"] = not name or "required" in _SENT[name]
    return result


class AgentKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    target_class = "approvals.api.http.authentication.AgentKeyAuthentication"
    name = "agentKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """Describe an agent's key."""
        return {"type": "http", "scheme": "bearer", "description": "An agent's API key."}


class GrantScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    target_class = "approvals.api.http.authentication.GrantAuthentication"
    name = "grant"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """Describe the grant of a dispatch."""
        return {
            "type": "apiKey",
            "in": "header",
            "name": "HITL-Grant",
            "description": "The grant that came with a dispatch.",
        }


class PersonScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    target_class = "approvals.api.http.authentication.PersonAuthentication"
    name = "personSession"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """Describe a person's session."""
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": "A person's session; POST also needs the CSRF token in X-CSRFToken.",
        }
