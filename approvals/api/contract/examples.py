"""Examples for the OpenAPI document; a test holds each to its schema."""

from typing import Any, Final

from approvals.evaluation.judgement import Content
from audit import canonical

_ID: Final = "01934f6e-5a3c-7cc2-9d1e-6b7f3d1c2a10"
_DISPATCH_ID: Final = "01934f6f-91b0-7d55-8a8e-0f4a6c9b7e21"
_DIGEST: Final = "sha256:4355a46b19d348dc2f57c046f8ef63d4538ebb936000f3c9ee954a27460dd865"
_PAYLOAD: Final = {"from": "search", "to": "social", "amount": 4000}
_ROLLBACK: Final = {"from": "social", "to": "search", "amount": 4000}

PROPOSAL_SENT: Final[dict[str, Any]] = {
    "surface": "ads.budget",
    "action": "shift_budget",
    "title": "Move $4,000 from Search to Social",
    "rationale": "Social CPA is 31 % lower this week.",
    "trigger": {"event": "daily_pacing", "at": "2026-11-20T06:00:00Z"},
    "evidence": [
        {"label": "CPA, 7 days", "value": "12.40 vs 18.10", "url": "https://reports.example.com/cpa"},
    ],
    "metrics": [{"name": "CPA", "current": 18.1, "projected": 14.9, "unit": "USD"}],
    "expected_outcome": {"metric": "CPA", "low": 13.5, "high": 16.0},
    "confidence": 0.93,
    "amount": 4000,
    "currency": "USD",
    "audience_size": None,
    "payload": _PAYLOAD,
    "before": {"search": 20000, "social": 8000},
    "rollback": _ROLLBACK,
    "targets": ["campaign:search-brand", "campaign:social-q4"],
    "tags": ["financial"],
    "model": {"name": "pacer", "version": "2026-11-01"},
    "callback_url": None,
    "callback_when": "every",
    "expires_at": None,
}
_VERDICT: Final = {
    "outcome": "require_approval",
    "tier": "single",
    "policy_version": 7,
    "reasons": [
        {
            "source": "surface",
            "id": "ads.budget",
            "tier": "single",
            "outcome": "require_approval",
            "text": "Default review level for this surface.",
            "is_deciding": True,
        }
    ],
}
_LISTED: Final[dict[str, Any]] = {
    "id": _ID,
    "state": "pending",
    "agent": "pacer",
    "surface": "ads.budget",
    "action": "shift_budget",
    "title": "Move $4,000 from Search to Social",
    "rationale": "Social CPA is 31 % lower this week.",
    "trigger": PROPOSAL_SENT["trigger"],
    "model": PROPOSAL_SENT["model"],
    "revision": {
        "number": 1,
        "digest": _DIGEST,
        "author": "Budget pacer",
        "payload": _PAYLOAD,
        "note": "",
        "created_at": "2026-11-20T06:00:03.120441Z",
    },
    "verdict": _VERDICT,
    "owner": "Channel owner",
    "requirements": [{"stage": 1, "name": "owner", "role": "Channel owner", "approvals": 1, "denials": 1}],
    "checklist": [{"slug": "pacing", "text": "The month ends within its budget."}],
    "confidence": 0.93,
    "amount": 4000,
    "currency": "USD",
    "audience_size": None,
    "targets": ["campaign:search-brand", "campaign:social-q4"],
    "tags": ["financial"],
    "before": {"search": 20000, "social": 8000},
    "rollback": _ROLLBACK,
    "deadline_at": "2026-11-21T06:00:03.120441Z",
    "release_at": None,
    "expires_at": None,
    "callback_url": None,
    "callback_when": "every",
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "decisions": [],
    "dispatch": None,
    "created_at": "2026-11-20T06:00:03.120441Z",
    "updated_at": "2026-11-20T06:00:03.120441Z",
}
PROPOSAL: Final[dict[str, Any]] = _LISTED | {
    **{name: PROPOSAL_SENT[name] for name in ("evidence", "metrics", "expected_outcome")},
    "outcomes": [],
}
_DISPATCH: Final[dict[str, Any]] = {
    "id": _DISPATCH_ID,
    "kind": "execute",
    "status": "waiting",
    "attempts": 0,
    "next_attempt_at": "2026-11-20T06:02:11.500000Z",
    "delivered_at": None,
    "last_error": "",
    "receipt": None,
}
APPROVED: Final[dict[str, Any]] = PROPOSAL | {
    "state": "approved",
    "release_at": "2026-11-20T06:02:11.500000Z",
    "decisions": [
        {
            "id": "01934f6f-8f10-7a31-b0d7-5d0d1f0e9a44",
            "verdict": "approve",
            "revision": 1,
            "digest": _DIGEST,
            "by": "mara",
            "roles": ["Channel owner"],
            "at": "2026-11-20T06:02:01.500000Z",
            "reason_code": "",
            "comment": "Within the plan.",
            "ticked": ["pacing"],
            "is_signed": False,
        }
    ],
    "dispatch": _DISPATCH,
    "updated_at": "2026-11-20T06:02:01.500000Z",
}
PAGE: Final = {
    "next": "https://portal.example.com/api/v1/proposals/?cursor=bwGTT25aPHzCnR5rfz0cKhA%3D&limit=1&state=pending",
    "previous": None,
    "results": [_LISTED],
}
_CONTENT: Final = {name: PROPOSAL_SENT[name] for name in Content.__slots__ if name in PROPOSAL_SENT}
REVISION_SENT: Final = _CONTENT | {"payload": _PAYLOAD | {"amount": 2000}, "amount": 2000, "note": "Half of it."}
EVALUATION: Final = {"verdict": _VERDICT, "tags": ["financial"], "amount": 4000, "audience_size": None}
SURFACES: Final = {
    "results": [
        {
            "slug": "ads.budget",
            "is_enabled": True,
            "tier": "single",
            "floor": "autopilot",
            "mandate": "single",
            "owner": "Channel owner",
            "currency": "USD",
            "confidence_high": 0.9,
            "confidence_low": 0.5,
            "deadline_seconds": 86400.0,
            "undo_window_seconds": 10.0,
            "payload_schema": {"type": "object", "required": ["from", "to", "amount"]},
        }
    ]
}
OUTCOME_SENT: Final = {
    "metric": "CPA",
    "value": 15.2,
    "unit": "USD",
    "observed_at": "2026-11-27T06:00:00Z",
    "note": "Seven days after.",
}
OUTCOME: Final = OUTCOME_SENT | {
    "id": "01937325-0000-7000-8000-5d0d1f0e9a44",
    "proposal": _ID,
    "kind": "measured",
    "reported_at": "2026-11-27T06:05:00.000000Z",
    "reported_by": None,
    "corrects": None,
}
INDEX: Final = {"links": {"proposals": "https://portal.example.com/api/v1/proposals/"}}
BATCH_SENT: Final = {"proposals": [PROPOSAL_SENT]}
BATCH: Final = {"results": [{"status": 201, "proposal": PROPOSAL}]}
LEASE: Final = {"lease_until": "2026-11-20T06:12:12.000000Z"}
CLAIM: Final = {
    "id": _DISPATCH_ID,
    "webhook-id": _DISPATCH_ID,
    "fence": 1,
    "lease_until": "2026-11-20T06:07:12.000000Z",
    "grant": "eyJhbGciOiJFZERTQSJ9.eyJraW5kIjoiZXhlY3V0ZSJ9.c2lnbmF0dXJl",
    "kind": "execute",
    "proposal": _ID,
    "revision": 1,
    "surface": "ads.budget",
    "action": "shift_budget",
    "digest": _DIGEST,
    "decision": {
        "by": "people",
        "verdict": "approve",
        "roles": ["Channel owner"],
        "at": "2026-11-20T06:02:01.500000Z",
        "reason_code": "",
        "comment": "Within the plan.",
    },
    "traceparent": None,
    "payload": _PAYLOAD,
    "rows": [],
}
ROWS_SENT: Final = (
    '{"fields":{"country":"DE"},"lead":"L-1"}\n'
    '{"fields":{"country":"FR"},"lead":"L-2"}\n'
    '{"fields":{"industry":null},"lead":"L-3"}\n'
)
_ROWS_DIGEST: Final = canonical.digest(ROWS_SENT.encode())
_UPLOAD_ID: Final = "01937325-0000-7000-8000-2c5f1b7a0d10"
_KINDS: Final = {"country": 2, "industry": 1}
UPLOAD: Final = {
    "id": _UPLOAD_ID,
    "surface": "leads.enrichment",
    "field": "rows",
    "count": 3,
    "size": len(ROWS_SENT),
    "digest": _ROWS_DIGEST,
    "kinds": _KINDS,
    "reference": {"$upload": _UPLOAD_ID, "digest": _ROWS_DIGEST, "count": 3, "kinds": _KINDS},
    "created_at": "2026-11-20T06:00:00.000000Z",
    "expires_at": "2026-11-21T06:00:00.000000Z",
}
RECEIPT_SENT: Final = {"fence": 1, "status": "delivered", "receipt": {"change": "4711"}}
DELIVERED: Final = _DISPATCH | {
    "status": "delivered",
    "attempts": 1,
    "delivered_at": "2026-11-20T06:02:13.000000Z",
    "receipt": {"change": "4711"},
}
DECISION_SENT: Final = {
    "verdict": "approve",
    "revision": 1,
    "digest": _DIGEST,
    "comment": "Within the plan.",
    "checklist": ["pacing"],
}
EDIT_SENT: Final = {
    "revision": 1,
    "digest": _DIGEST,
    "payload": _PAYLOAD | {"amount": 2000},
    "note": "Half of it.",
    "approve": False,
}
EDITED: Final[dict[str, Any]] = PROPOSAL | {
    "state": "edited",
    "revision": PROPOSAL["revision"] | {"number": 2, "author": "mara", "note": "Half of it."},
    "rollback": None,
}
SHIPPED: Final[dict[str, Any]] = APPROVED | {"state": "shipped", "dispatch": DELIVERED}
WITHDRAWN: Final[dict[str, Any]] = PROPOSAL | {"state": "withdrawn"}
COMMENT_SENT: Final = {"comment": "The wrong week."}
PROBLEM: Final = {
    "type": "urn:hitl-portal:problem:state_conflict",
    "title": "Not in this state",
    "status": 409,
    "code": "state_conflict",
    "detail": "This proposal is approved; there is nothing to decide.",
}
