"""What comes in, as JSON Schemas 2020-12: the same ones check requests and describe them in OpenAPI."""

from typing import Any, Final

from approvals.models import Decision
from approvals.models.verdicts import CHOICES
from policies import currencies
from policies.engine.payloads import validator

Schema = dict[str, Any]


def _text(longest: int, *, shortest: int = 0, **more: Any) -> Schema:
    return {"type": "string", **({"minLength": shortest} if shortest else {}), "maxLength": longest, **more}


def _list(items: Schema, most: int, **more: Any) -> Schema:
    return {"type": "array", "items": items, "maxItems": most, **more}


def _object(required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        **({"required": list(required)} if required else {}),
        "properties": properties,
    }


def _or_null(schema: Schema) -> Schema:
    kinds = schema["type"]
    return {**schema, "type": [*([kinds] if isinstance(kinds, str) else kinds), "null"]}


_NUMBER: Final[Schema] = {"type": "number"}
_PAYLOAD: Final[Schema] = {"type": "object", "description": "What is to be executed. The surface's schema applies too."}
_TIME: Final = _text(40, format="date-time", description="RFC 3339, with its offset.")
_ADDRESS: Final = _text(2000, format="uri", pattern="^https?://")
_NOTE: Final = _text(4000)
_DIGEST: Final = _text(71, pattern="^sha256:[0-9a-f]{64}$", description="The digest of the revision that was seen.")
_REVISION: Final[Schema] = {
    "type": "integer",
    "minimum": 1,
    "maximum": 2**31 - 1,
    "description": "The number of the revision that was seen.",
}
_PASSWORD: Final = _text(
    4096, writeOnly=True, description="The person's own password, where the tier wants a signature."
)
_CODE: Final = _text(
    40,
    writeOnly=True,
    description="The code of the person's authenticator app, or a recovery code, where they have one.",
)
_CHECKLIST: Final = _list(
    _text(80, shortest=1), 200, description="The slugs of the items that the person ticked; approving takes them all."
)

_CONTENT: Final[dict[str, Schema]] = {
    "payload": _PAYLOAD,
    "before": {"description": "How things are now, in any form; people see the difference to it."},
    "rollback": _or_null({"type": "object", "description": "The payload that reverses this one."}),
    "amount": _or_null(_NUMBER),
    "audience_size": _or_null({"type": "integer", "minimum": 0, "maximum": 2**53 - 1}),
    "confidence": _or_null({"type": "number", "minimum": 0, "maximum": 1}),
}

PROPOSAL: Final = _object(
    ("surface", "action", "title", "payload"),
    surface=_text(80, shortest=1),
    action=_text(120, shortest=1),
    title=_text(300, shortest=1, pattern=r"\S"),
    rationale=_text(20_000),
    trigger=_or_null(_object(("event",), event=_text(200, shortest=1), at=_TIME)),
    evidence=_list(
        _object(
            ("label",),
            label=_text(200, shortest=1),
            value={"type": ["string", "number", "boolean", "null"], "maxLength": 2000},
            url=_ADDRESS,
        ),
        50,
    ),
    metrics=_list(
        _object(
            ("name",),
            name=_text(120, shortest=1),
            current=_or_null(_NUMBER),
            projected=_or_null(_NUMBER),
            unit=_text(40),
        ),
        50,
    ),
    expected_outcome=_or_null(
        _object(("metric",), metric=_text(120, shortest=1), low=_NUMBER, high=_NUMBER, unit=_text(40))
    ),
    currency={"enum": [*currencies.CODES, None], "description": "The code of ISO 4217."},
    targets=_list(_text(200, shortest=1), 200, uniqueItems=True),
    tags=_list(_text(80, shortest=1), 50, uniqueItems=True),
    model=_or_null(_object(("name",), name=_text(200, shortest=1), version=_text(200))),
    callback_url=_or_null(_ADDRESS),
    expires_at=_or_null(_TIME),
    **_CONTENT,
)
REVISION: Final = _object(("payload",), note=_NOTE, **_CONTENT)
OUTCOME: Final = _object(
    ("metric", "value", "observed_at"),
    metric=_text(120, shortest=1),
    value=_NUMBER,
    unit=_text(40),
    observed_at=_TIME,
    note=_NOTE,
)
RECEIPT: Final = _object(
    ("fence", "status"),
    fence={"type": "integer", "minimum": 1, "maximum": 2**31 - 1, "description": "As the claim said."},
    status={"type": "string", "enum": ["delivered", "failed"]},
    receipt={"description": "What the executor answered, in any form; kept with the proposal."},
    error=_text(500),
    retry={"type": "boolean", "default": True, "description": "Whether a failure may be tried again."},
)
DECISION: Final = _object(
    ("verdict", "revision", "digest"),
    verdict={"type": "string", "enum": [str(verdict) for verdict in CHOICES]},
    revision=_REVISION,
    digest=_DIGEST,
    reason_code={"type": "string", "enum": ["", *map(str, Decision.ReasonCode.values)]},
    comment=_NOTE,
    checklist=_CHECKLIST,
    password=_PASSWORD,
    code=_CODE,
)
EDIT: Final = _object(
    ("revision", "digest", "payload"),
    revision=_REVISION,
    digest=_DIGEST,
    payload=_PAYLOAD,
    rollback=_CONTENT["rollback"],
    note=_NOTE,
    approve={"type": "boolean", "default": False, "description": "Approve the edit too, where one person may."},
    comment=_NOTE,
    checklist=_CHECKLIST,
    password=_PASSWORD,
    code=_CODE,
)
COMMENT: Final = _object(comment=_NOTE)
NOTHING: Final = _object()

# Compiled once: writing a schema down again for each request would cost more than checking with it.
PROPOSAL_CHECKER: Final = validator(PROPOSAL)
REVISION_CHECKER: Final = validator(REVISION)
OUTCOME_CHECKER: Final = validator(OUTCOME)
RECEIPT_CHECKER: Final = validator(RECEIPT)
DECISION_CHECKER: Final = validator(DECISION)
EDIT_CHECKER: Final = validator(EDIT)
COMMENT_CHECKER: Final = validator(COMMENT)
NOTHING_CHECKER: Final = validator(NOTHING)
