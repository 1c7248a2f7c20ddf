"""Serialize answers. No function here queries anything that is not loaded already."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from django.db.models import Prefetch, QuerySet

from approvals.api.contract.answers import LISTED
from approvals.models import Decision, Dispatch, Outcome, Proposal, Revision, Verdict
from approvals.outbox.statements import AS_SENT
from approvals.shipping.claims import Claim
from approvals.uploads import dispatched_rows
from policies.engine import references
from policies.engine.evaluation import Reason
from policies.engine.evaluation import Verdict as PolicyVerdict

_ENCODER = json.JSONEncoder(ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":"))
_REQUIREMENT = ("stage", "name", "role", "approvals", "denials")
_ONLY_WHOLE = tuple(name for name in AS_SENT if name not in LISTED)
"""What may be long, and only one proposal at a time shows."""


def encode(value: Any) -> bytes:
    """Write JSON, compact and in UTF-8."""
    return _ENCODER.encode(value).encode()


def etag(body: bytes) -> str:
    """Return the strong entity tag (RFC 9110) of these very bytes."""
    return f'"{sha256(body).hexdigest()[:32]}"'


def loaded(proposals: QuerySet[Proposal]) -> QuerySet[Proposal]:
    """Return `proposals` with all that a list shows of them: three queries, however many they are."""
    return (
        proposals.select_related("revision", "verdict")
        .prefetch_related(
            Prefetch("decisions", queryset=Decision.objects.order_by("id")),
            Prefetch("dispatches", queryset=Dispatch.objects.order_by("id")),
        )
        .defer(*_ONLY_WHOLE, "verdict__facts")
    )


def loaded_whole(proposals: QuerySet[Proposal]) -> QuerySet[Proposal]:
    """Return `proposals` with all there is to show of them: four queries, however many they are."""
    outcomes = Prefetch("outcomes", queryset=Outcome.objects.order_by("id"))
    return loaded(proposals).defer(None).defer("verdict__facts").prefetch_related(outcomes)


def listed(proposal: Proposal) -> dict[str, Any]:
    """Show a proposal that came through `loaded`, as lists do."""
    dispatches = list(proposal.dispatches.all())
    return _show(proposal, decisions=proposal.decisions.all(), dispatch=dispatches[-1] if dispatches else None)


def stored(proposal: Proposal) -> dict[str, Any]:
    """Show all of a proposal that came through `loaded_whole`."""
    return {**listed(proposal), **_evidence(proposal, proposal.outcomes.all())}


def decided(proposal: Proposal) -> dict[str, Any]:
    """Show a proposal as a use case has just decided on it, from what it has in hand."""
    if proposal.decided is None:  # an edit that the policy has blocked: nobody has decided
        return stored(loaded_whole(Proposal.objects.all()).get(pk=proposal.pk))
    dispatch = proposal.decided.dispatch or proposal.dispatches.order_by("id").last()
    return show(proposal, decisions=proposal.decided.decisions, dispatch=dispatch)


def show(proposal: Proposal, *, decisions: Iterable[Decision], dispatch: Dispatch | None) -> dict[str, Any]:
    """Show all of a new proposal with its current revision and verdict, both of which it already holds."""
    return {**_show(proposal, decisions=decisions, dispatch=dispatch), **_evidence(proposal, ())}


def _evidence(proposal: Proposal, outcomes: Iterable[Outcome]) -> dict[str, Any]:
    return {
        **{name: _ordered(getattr(proposal, name)) for name in _ONLY_WHOLE},
        "outcomes": [outcome(reported) for reported in outcomes],
    }


def _show(proposal: Proposal, *, decisions: Iterable[Decision], dispatch: Dispatch | None) -> dict[str, Any]:
    revision = proposal.revision
    return {
        "id": str(proposal.pk),
        "state": str(getattr(proposal, "state_now", proposal.state)),
        "agent": proposal.agent_id,
        "surface": proposal.surface_id,
        "action": proposal.action,
        "title": proposal.title,
        "rationale": proposal.rationale,
        "trigger": _ordered(proposal.trigger),
        "model": _ordered(proposal.model),
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
        "callback_url": proposal.callback_url or None,
        "callback_when": str(proposal.callback_when),
        "traceparent": proposal.traceparent or None,
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
        "roles": decision.roles,
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
        "kind": str(reported.kind),
        "metric": reported.metric,
        "value": reported.value,
        "unit": reported.unit,
        "observed_at": moment(reported.observed_at),
        "note": reported.note,
        "reported_at": moment(reported.reported_at),
        "reported_by": reported.reported_by_name or None,
        "corrects": str(reported.corrects_id) if reported.corrects_id else None,
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
        "decision": dispatch.decision,
        "traceparent": dispatch.proposal.traceparent or None,
        "payload": json.loads(claimed.body),
        "rows": [
            {
                "field": named.member,
                "count": named.count,
                "digest": named.digest,
                "url": f"{dispatched_rows.address(dispatch.pk)}?field={quote(named.member)}&fence={claimed.fence}",
            }
            for named in references.read_bytes(claimed.body)
        ],
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
