"""How calls are described: one decorator for a view, the schemas it names, and the two ways to sign in."""

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

AGENTS: Final = "For agents"
PEOPLE: Final = "For people"
EXECUTORS: Final = "For executors"

_SENT: Final[Mapping[str, schemas.Schema]] = {
    "ProposalSent": schemas.PROPOSAL,
    "RevisionSent": schemas.REVISION,
    "OutcomeSent": schemas.OUTCOME,
    "ReceiptSent": schemas.RECEIPT,
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
    answers_with: Mapping[int, tuple[str, Any] | str],
    fails_with: tuple[int, ...] = (),
    parameters: list[OpenApiParameter] | None = None,
) -> Callable[..., Any]:
    """Describe one method; client libraries call it `name`.

    Bodies are `(component, example)`; an answer without a body is a sentence.
    """
    failures = [*_ALWAYS, *(_WITH_BODY if sends else ()), *fails_with]
    responses: dict[Any, Any] = {status: _answer(body) for status, body in answers_with.items()}
    responses |= {(status, PROBLEM_JSON): _problem(status) for status in sorted(set(failures))}
    return extend_schema(
        operation_id=name,
        summary=summary,
        tags=[tag],
        parameters=[*(parameters or []), *_RATE],
        request={JSON: _request(*sends)} if sends else None,
        responses=responses,
    )


def described(**methods: Callable[..., Any]) -> Callable[[type[APIView]], type[APIView]]:
    """Describe the methods of a view, inherited ones included: `@described(get=call(…), post=call(…))`."""
    return extend_schema_view(**methods)


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
                name = body["content"][JSON]["schema"]["$ref"].rpartition("/")[2]
                body["required"] = "required" in _SENT[name]
    return result


class AgentKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    target_class = "approvals.api.http.authentication.AgentKeyAuthentication"
    name = "agentKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """Describe an agent's key."""
        return {"type": "http", "scheme": "bearer", "description": "An agent's API key."}


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
