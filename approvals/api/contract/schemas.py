"""Schemas of requests (JSON Schema 2020-12): the same ones check them and describe them in OpenAPI."""

from typing import Any, Final

import jsonschema_rs

from approvals.models import Decision
from approvals.models.verdicts import CHOICES
from policies import currencies
from policies.engine.payloads import validator
from policies.models import Agent

Schema = dict[str, Any]


NO_NUL: Final = r"^[^\x00]*$"
"""The reader of bodies refuses U+0000 wherever it stands; here the document says so."""
MOST: Final = 2**53 - 1
"""The largest number that every reader of JSON understands alike; larger ones are sent as strings."""


def _text(longest: int, *, shortest: int = 0, **more: Any) -> Schema:
    least = {"minLength": shortest} if shortest else {}
    return {"type": "string", **least, "maxLength": longest, "pattern": NO_NUL, **more}


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


_NUMBER: Final[Schema] = {"type": "number", "minimum": -MOST, "maximum": MOST}
_NAMES: Final[Schema] = {"pattern": NO_NUL}
_ANYTHING: Final[Schema] = {"$ref": "#/components/schemas/Json"}
JSON_VALUE: Final[Schema] = {
    "description": "Any JSON without U+0000 and without numbers of 2^53 or more.",
    "anyOf": [
        {"type": ["null", "boolean"]},
        {"type": "string", "pattern": NO_NUL},
        _NUMBER,
        {"type": "array", "items": _ANYTHING},
        {"type": "object", "propertyNames": _NAMES, "additionalProperties": _ANYTHING},
    ],
}


def _free(description: str) -> Schema:
    """An object whose members the surface knows and we do not."""
    return {
        "type": "object",
        "propertyNames": _NAMES,
        "additionalProperties": _ANYTHING,
        "description": description,
    }


_PAYLOAD: Final = _free("What is to be executed. The surface's schema applies too.")
_DATE: Final = "-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,9})?"
_OFFSET: Final = "([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
# The edges of the calendar have no offset to go beyond them.
TIME_PATTERN: Final = f"^(([1-8][0-9]{{3}}|9[0-8][0-9]{{2}}|99[0-8][0-9]|999[0-8]){_DATE}{_OFFSET}|9999{_DATE}[Zz])$"
_TIME: Final = _text(
    40, format="date-time", pattern=TIME_PATTERN, description="RFC 3339 with its offset, from the year 1000 on."
)
_ADDRESS: Final = _text(2000, format="uri", pattern=r"^https?://[^\x00]*$")
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
    "before": {**_ANYTHING, "description": "How things are now, in any form; people see the difference to it."},
    "rollback": _or_null(_free("The payload that reverses this one.")),
    "amount": {**_or_null(_NUMBER), "description": "Below 10^15, with at most 4 decimals."},
    "estimated_cost": {
        **_or_null(_NUMBER),
        "description": "Another name of amount. Send one of them, or the same number in both.",
    },
    "audience_size": _or_null({"type": "integer", "minimum": 0, "maximum": MOST}),
    "confidence": _or_null({"type": "number", "minimum": 0, "maximum": 1}),
}

PROPOSAL: Final = _object(
    ("surface", "action", "title", "payload"),
    surface=_text(80, shortest=1),
    action=_text(120, shortest=1),
    title=_text(300, shortest=1, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$"),
    rationale=_text(20_000),
    trigger=_or_null(_object(("event",), event=_text(200, shortest=1), at=_TIME)),
    evidence=_list(
        _object(
            ("label",),
            label=_text(200, shortest=1),
            value={"type": ["string", "number", "boolean", "null"], "maxLength": 2000, "pattern": NO_NUL}
            | {name: _NUMBER[name] for name in ("minimum", "maximum")},
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
    callback_url=_or_null(_ADDRESS)
    | {"description": "Its host has to be on the agent's list of callback hosts; null for no callback."},
    callback_when={
        "enum": [*Agent.CallbackWhen.values, None],
        "description": "At every change of state, or once: when it is decided, or when it is settled and cannot be "
        "undone. Null for what the agent usually gets.",
    },
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
    receipt={**_ANYTHING, "description": "What the executor answered, in any form; kept with the proposal."},
    error=_text(500),
    retry={"type": "boolean", "default": True, "description": "Whether a failure may be tried again."},
)
BATCH: Final = _object(
    ("proposals",),
    proposals=_list(_free("A proposal, as `POST proposals/` takes it; each is judged on its own."), 200, minItems=1),
)
RENEWAL: Final = _object(("fence",), fence=RECEIPT["properties"]["fence"])
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


def _checker(schema: Schema) -> jsonschema_rs.Draft202012Validator:
    return validator({**_without_time_patterns(schema), "components": {"schemas": {"Json": JSON_VALUE}}})


def _without_time_patterns(schema: Any) -> Any:
    """Leave times to `reading.moment`, which tells people more of them than that a pattern is not met."""
    if isinstance(schema, list):
        return [_without_time_patterns(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    is_time = schema.get("format") == "date-time"
    return {name: _without_time_patterns(part) for name, part in schema.items() if not (is_time and name == "pattern")}


# Compiled once: writing a schema down again for each request would cost more than checking with it.
PROPOSAL_CHECKER: Final = _checker(PROPOSAL)
REVISION_CHECKER: Final = _checker(REVISION)
OUTCOME_CHECKER: Final = _checker(OUTCOME)
RECEIPT_CHECKER: Final = _checker(RECEIPT)
BATCH_CHECKER: Final = _checker(BATCH)
RENEWAL_CHECKER: Final = _checker(RENEWAL)
DECISION_CHECKER: Final = _checker(DECISION)
EDIT_CHECKER: Final = _checker(EDIT)
COMMENT_CHECKER: Final = _checker(COMMENT)
NOTHING_CHECKER: Final = _checker(NOTHING)
