"""Schemas of answers for the OpenAPI document. Clients ignore fields they do not know."""

from typing import Any, Final

from approvals.models import Decision, DispatchStatus, Outcome, State
from approvals.models.dispatch import Dispatch
from policies.models import Agent

Schema = dict[str, Any]

_TEXT: Final[Schema] = {"type": "string"}
_WHOLE: Final[Schema] = {"type": "integer"}
_ID: Final[Schema] = {"type": "string", "format": "uuid"}
_TIME: Final[Schema] = {"type": "string", "format": "date-time"}
_OBJECT: Final[Schema] = {"type": "object"}
_ANY: Final[Schema] = {}


def _one_of(values: Any) -> Schema:
    return {"type": "string", "enum": [str(value) for value in values]}


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "required": list(properties), "properties": properties}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _or_null(schema: Schema) -> Schema:
    if "$ref" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    return {**schema, "type": [schema["type"], "null"]}


def ref(name: str) -> Schema:
    """Refer to one of COMPONENTS."""
    return {"$ref": f"#/components/schemas/{name}"}


LISTED: Final[dict[str, Schema]] = {
    "id": _ID,
    "state": _one_of(State.values),
    "agent": _TEXT,
    "surface": _TEXT,
    "action": _TEXT,
    "title": _TEXT,
    "rationale": _TEXT,
    "trigger": _or_null(_OBJECT),
    "model": _or_null(_OBJECT),
    "revision": ref("Revision"),
    "verdict": ref("Verdict"),
    "owner": _TEXT,
    "requirements": _list(ref("Requirement")),
    "checklist": _list(ref("ChecklistItem")),
    "confidence": _or_null({"type": "number"}),
    "amount": _or_null({"type": "number"}),
    "currency": _or_null(_TEXT),
    "audience_size": _or_null(_WHOLE),
    "targets": _list(_TEXT),
    "tags": _list(_TEXT),
    "before": _ANY,
    "rollback": _or_null(_OBJECT),
    "deadline_at": _TIME,
    "release_at": _or_null(_TIME),
    "expires_at": _or_null(_TIME),
    "callback_url": _or_null(_TEXT),
    "callback_when": _one_of(Agent.CallbackWhen.values),
    "traceparent": _or_null(_TEXT),
    "decisions": _list(ref("Decision")),
    "dispatch": _or_null(ref("Dispatch")),
    "created_at": _TIME,
    "updated_at": _TIME,
}
"""What lists show of a proposal."""

COMPONENTS: Final[dict[str, Schema]] = {
    "Problem": {
        "type": "object",
        "description": "Problem details, RFC 9457.",
        "required": ["type", "title", "status", "code"],
        "properties": {
            "type": {"type": "string", "format": "uri"},
            "title": _TEXT,
            "status": _WHOLE,
            "code": {"type": "string", "description": "Stable; docs/api.md lists them all."},
            "detail": _TEXT,
            "errors": _list(
                _object(
                    pointer={"type": "string", "description": "JSON Pointer into the body, or ?name of the query."},
                    code=_TEXT,
                    detail=_TEXT,
                )
            ),
        },
    },
    "Reason": _object(
        source=_TEXT,
        id=_TEXT,
        tier=_or_null(_TEXT),
        outcome=_one_of(["allow", "require_approval", "deny"]),
        text=_TEXT,
        is_deciding={"type": "boolean"},
    ),
    "Verdict": _object(
        outcome=_one_of(["allow", "require_approval", "deny"]),
        tier=_or_null(_TEXT),
        policy_version=_or_null(_WHOLE),
        reasons=_list(ref("Reason")),
    ),
    "Revision": _object(number=_WHOLE, digest=_TEXT, author=_TEXT, payload=_OBJECT, note=_TEXT, created_at=_TIME),
    "Requirement": _object(stage=_WHOLE, name=_TEXT, role=_TEXT, approvals=_WHOLE, denials=_WHOLE),
    "ChecklistItem": _object(slug=_TEXT, text=_TEXT),
    "Decision": _object(
        id=_ID,
        verdict=_one_of(Decision.Verdict.values),
        revision=_WHOLE,
        digest=_TEXT,
        by=_TEXT,
        roles=_list(_TEXT),
        at=_TIME,
        reason_code=_TEXT,
        comment=_TEXT,
        ticked=_list(_TEXT),
        is_signed={"type": "boolean"},
    ),
    "Dispatch": _object(
        id=_ID,
        kind=_one_of(Dispatch.Kind.values),
        status=_one_of(DispatchStatus.values),
        attempts=_WHOLE,
        next_attempt_at=_TIME,
        delivered_at=_or_null(_TIME),
        last_error=_TEXT,
        receipt=_ANY,
    ),
    "Proposal": _object(
        **LISTED,
        evidence=_list(_OBJECT),
        metrics=_list(_OBJECT),
        expected_outcome=_or_null(_OBJECT),
        outcomes=_list(ref("Outcome")),
    ),
    "ProposalListed": _object(**LISTED),
    "ProposalPage": _object(
        next=_or_null({"type": "string", "format": "uri"}),
        previous=_or_null({"type": "string", "format": "uri"}),
        results=_list(ref("ProposalListed")),
    ),
    "Evaluation": _object(
        verdict=ref("Verdict"),
        tags=_list(_TEXT),
        amount=_or_null({"type": "number"}),
        audience_size=_or_null(_WHOLE),
    ),
    "Surface": _object(
        slug=_TEXT,
        is_enabled={"type": "boolean"},
        tier=_TEXT,
        floor=_TEXT,
        mandate=_TEXT,
        owner=_TEXT,
        currency=_or_null(_TEXT),
        confidence_high={"type": "number"},
        confidence_low={"type": "number"},
        deadline_seconds={"type": "number"},
        undo_window_seconds={"type": "number"},
        payload_schema=_OBJECT,
    ),
    "Surfaces": _object(results=_list(ref("Surface"))),
    "Outcome": _object(
        id=_ID,
        proposal=_ID,
        kind=_one_of(Outcome.Kind.values),
        metric=_TEXT,
        value={"type": "number"},
        unit=_TEXT,
        observed_at=_TIME,
        note=_TEXT,
        reported_at=_TIME,
        reported_by=_or_null(_TEXT) | {"description": "A person; null for the agent itself."},
        corrects=_or_null(_ID) | {"description": "The earlier report in whose place this one stands."},
    ),
    "Upload": _object(
        id=_ID,
        surface=_TEXT,
        field=_TEXT,
        count=_WHOLE,
        size=_WHOLE,
        digest=_TEXT,
        kinds={"type": "object", "additionalProperties": _WHOLE},
        reference={"type": "object", "description": "What a payload says in the place of the rows."},
        created_at=_TIME,
        expires_at=_TIME,
    ),
    "Lease": _object(lease_until=_TIME),
    "Index": _object(links={"type": "object", "additionalProperties": _TEXT}),
    "BatchAnswer": _object(
        results=_list(
            {
                "type": "object",
                "required": ["status"],
                "properties": {
                    "status": _WHOLE,
                    "proposal": {"$ref": "#/components/schemas/Proposal"},
                    "code": _TEXT,
                    "detail": _TEXT,
                    "errors": _list(_OBJECT),
                },
                "additionalProperties": False,
            }
        )
    ),
    "Claim": _object(
        **{
            "id": _ID,
            "webhook-id": _ID,
            "fence": _WHOLE,
            "lease_until": _TIME,
            "grant": {"type": "string", "description": "A compact JWS; /.well-known/jwks.json verifies it."},
            "kind": _one_of(Dispatch.Kind.values),
            "proposal": _ID,
            "revision": _WHOLE,
            "surface": _TEXT,
            "action": _TEXT,
            "digest": _TEXT,
            "decision": {
                "type": ["object", "null"],
                "description": "What cleared it: by people or policy, in which roles, when and why.",
            },
            "traceparent": _or_null(_TEXT),
            "payload": _OBJECT,
            "rows": _list(_object(field=_TEXT, count=_WHOLE, digest=_TEXT, url={"type": "string", "format": "uri"})),
        }
    ),
}
