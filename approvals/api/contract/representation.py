"""What goes out. Every function asks for nothing that is not loaded already."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from django.db.models import Prefetch, QuerySet

from approvals.models import Decision, Dispatch, Outcome, Proposal, Revision, Verdict
from approvals.shipping.claims import Claim
from policies.engine.evaluation import Reason
from policies.engine.evaluation import Verdict as PolicyVerdict

_ENCODER = json.JSONEncoder(ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":"))


_REQUIREMENT = ("stage", "name", "role", "approvals", "denials")


def encode(value: Any) -> bytes:
    """Write JSON, compact and in UTF-8."""
    return _ENCODER.encode(value).encode()


def etag(body: bytes) -> str:
    """Return the strong entity tag (RFC 9110) of these very bytes."""
    return f'"{sha256(body).hexdigest()[:32]}"'


def loaded(proposals: QuerySet[Proposal]) -> QuerySet[Proposal]:
    """Return `proposals` with all that `proposal` shows of them: three queries, however many they are."""
    return (
        proposals.select_related("revision", "verdict")
        .prefetch_related(
            Prefetch("decisions", queryset=Decision.objects.order_by("id")),
            Prefetch("dispatches", queryset=Dispatch.objects.order_by("id")),
        )
        .defer("model", "trigger", "evidence", "metrics", "expected_outcome", "verdict__facts")
    )


def stored(proposal: Proposal) -> dict[str, Any]:
    """Show a proposal that came through `loaded`."""
    dispatches = list(proposal.dispatches.all())
    return show(proposal, decisions=proposal.decisions.all(), dispatch=dispatches[-1] if dispatches else None)


def show(proposal: Proposal, *, decisions: Iterable[Decision], dispatch: Dispatch | None) -> dict[str, Any]:
    """Show a proposal with its current revision and verdict, both of which it already holds."""
    revision = proposal.revision
    return {
        "id": str(proposal.pk),
        "state": str(getattr(proposal, "state_now", proposal.state)),
        "agent": proposal.agent_id,
        "surface": proposal.surface_id,
        "action": proposal.action,
        "title": proposal.title,
        "rationale": proposal.rationale,
        "revision": _revision(revision),
        "verdict": _verdict(proposal.verdict),
        "owner": proposal.owner_id,
        "requirements": [{name: row[name] for name in _REQUIREMENT} for row in proposal.requirements],
        "checklist": [{"slug": item["slug"], "text": item["text"]} for item in proposal.checklist],
        "confidence": proposal.confidence,
        "amount": _number(proposal.amount),
        "currency": proposal.currency or None,
        "audience_size": proposal.audience_size,
        "targets": proposal.targets,
        "tags": proposal.tags,
        "before": _ordered(revision.before),
        "rollback": revision.rollback,
        "deadline_at": moment(proposal.deadline_at),
        "release_at": moment(proposal.release_at),
        "expires_at": moment(proposal.expires_at),
        "decisions": [_decision(decision) for decision in decisions],
        "dispatch": None if dispatch is None else shipping(dispatch),
        "created_at": moment(proposal.created_at),
        "updated_at": moment(proposal.updated_at),
    }


def _revision(revision: Revision) -> dict[str, Any]:
    return {
        "number": revision.number,
        "digest": revision.digest,
        "author": revision.author_name,
        "payload": revision.payload,
        "note": revision.note,
        "created_at": moment(revision.created_at),
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "outcome": verdict.outcome,
        "tier": verdict.tier_id,
        "policy_version": verdict.policy_version_id,
        "reasons": [{name: reason[name] for name in Reason._fields} for reason in verdict.reasons],
    }


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "id": str(decision.pk),
        "verdict": decision.verdict,
        "revision": decision.revision_number,
        "digest": decision.digest,
        "by": decision.by_name,
        "at": moment(decision.at),
        "reason_code": decision.reason_code,
        "comment": decision.comment,
        "ticked": decision.ticked,
        "is_signed": decision.is_signed,
    }


def shipping(dispatch: Dispatch) -> dict[str, Any]:
    """Show the work of shipping a proposal."""
    return {
        "id": str(dispatch.pk),
        "kind": str(dispatch.kind),
        "status": str(dispatch.status),
        "attempts": dispatch.attempts_made,
        "next_attempt_at": moment(dispatch.next_attempt_at),
        "delivered_at": moment(dispatch.delivered_at),
        "last_error": dispatch.last_error,
        "receipt": dispatch.receipt,
    }


def outcome(reported: Outcome) -> dict[str, Any]:
    """Show a reported outcome."""
    return {
        "id": str(reported.pk),
        "proposal": str(reported.proposal_id),
        "metric": reported.metric,
        "value": reported.value,
        "unit": reported.unit,
        "observed_at": moment(reported.observed_at),
        "note": reported.note,
        "reported_at": moment(reported.reported_at),
    }


def evaluation(verdict: PolicyVerdict, *, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Show the verdict that a draft would get, and the figures and tags that it rests on."""
    return {
        "verdict": {
            "outcome": verdict.outcome.value,
            "tier": verdict.tier.slug if verdict.tier else None,
            "policy_version": verdict.policy_number or None,
            "reasons": [reason._asdict() for reason in verdict.reasons],
        },
        **facts,
    }


def claim(claimed: Claim) -> dict[str, Any]:
    """Show a claimed dispatch to its executor: what to execute, and the proof that it may."""
    dispatch = claimed.dispatch
    return {
        "id": str(dispatch.pk),
        "webhook-id": str(dispatch.pk),
        "fence": claimed.fence,
        "lease_until": moment(claimed.lease_until),
        "grant": claimed.grant,
        "kind": str(dispatch.kind),
        "proposal": str(dispatch.proposal_id),
        "revision": dispatch.revision.number,
        "surface": dispatch.proposal.surface_id,
        "action": dispatch.proposal.action,
        "digest": dispatch.digest,
        "payload": json.loads(claimed.body),
    }


def moment(at: datetime | None) -> str | None:
    """Write a time of the database, which is in UTC, as RFC 3339."""
    return None if at is None else at.isoformat().replace("+00:00", "Z")


def _number(amount: Decimal | None) -> int | float | None:
    if amount is None:
        return None
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def _ordered(value: Any) -> Any:
    """Put members in order: the database does not keep theirs, and the same must always look the same."""
    if isinstance(value, dict):
        return {name: _ordered(value[name]) for name in sorted(value)}
    return [_ordered(item) for item in value] if isinstance(value, list) else value
