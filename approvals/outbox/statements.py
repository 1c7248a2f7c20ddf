"""Decisions as the ledger, agents and executors are told of them: who by role, when and why.

Outside the portal people are named by their roles only.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from approvals.models import Decision, Proposal, Verdict
from audit import canonical
from audit.canonical import JsonValue
from policies.engine.evaluation import Verdict as PolicyVerdict

Statement = dict[str, JsonValue]
Said = Mapping[str, JsonValue] | None
"""A decision as one of these functions says it; None where nobody decided."""

MOST_IN_A_GRANT: Final = 2_000
"""Bytes of JSON. A grant travels in a header, and proxies take few kilobytes of those."""
AS_SENT: Final = (
    "title", "rationale", "trigger", "evidence", "metrics", "expected_outcome", "targets", "tags", "model",
)  # fmt: skip
"""What an agent says of a proposal beside its payload. The ledger binds it, exports and the API show it."""
_CUTS: Final = ((200, 5), (60, 5), (0, 5), (0, 0))
"""How long a comment, and how many approvals, are tried in turn until a statement fits into a grant."""


def by_person(decision: Decision, *, approvals: Iterable[Decision] = ()) -> Statement:
    """Say what one person decided; `approvals` are those of others that counted before it."""
    before: list[JsonValue] = [
        {"roles": [*one.roles], "at": _rfc3339(one.at), "comment": one.comment} for one in approvals
    ]
    statement: Statement = {
        "by": "people",
        "verdict": str(decision.verdict),
        "roles": [*decision.roles],
        "at": _rfc3339(decision.at),
        "reason_code": str(decision.reason_code),
        "comment": decision.comment,
    }
    if before:
        statement["approvals"] = before
    return statement


def by_editor(*, roles: Collection[str], note: str, at: datetime) -> Statement:
    """Say that a person has put another payload in place of the agent's."""
    return {
        "by": "people",
        "verdict": "edit",
        "roles": [*sorted(roles)],
        "at": _rfc3339(at),
        "reason_code": "",
        "comment": note,
    }


def by_policy(verdict: Verdict) -> Statement:
    """Say what the policy decided, with the reasons that decided it."""
    deciding = [str(reason["text"]) for reason in verdict.reasons if reason.get("is_deciding")]
    return {
        "by": "policy",
        "verdict": str(verdict.outcome),
        "roles": [],
        "at": _rfc3339(verdict.at),
        "reason_code": "",
        "comment": " ".join(filter(None, deciding)),
        "policy_version": verdict.policy_version_id,
    }


def brief(statement: Mapping[str, Any] | None) -> Statement | None:
    """Return as much of a statement as a grant takes; comments are cut first, and the same always alike."""
    if statement is None:
        return None
    for longest, most in _CUTS:
        shorter = _cut(statement, longest, most)
        if len(json.dumps(shorter)) <= MOST_IN_A_GRANT:
            return shorter
    return {name: statement[name] for name in ("by", "verdict", "at")}


def _cut(statement: Mapping[str, Any], longest: int, most: int) -> Statement:
    shorter = {**statement, "comment": _beginning(statement["comment"], longest)}
    approvals = shorter.pop("approvals", [])[:most]
    if approvals:
        shorter["approvals"] = [{**one, "comment": _beginning(one["comment"], longest)} for one in approvals]
    return shorter


def _beginning(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…" if longest else ""


def judged(verdict: PolicyVerdict) -> Statement:
    """Return what the ledger keeps of a verdict just given."""
    return {
        "verdict": verdict.outcome.value,
        "tier": verdict.tier.slug if verdict.tier else None,
        "policy_version": verdict.policy_number,
        "policy_digest": verdict.policy_digest,
    }


def asked(proposal: Proposal) -> Statement:
    """Return what the ledger keeps of what was asked, and why it is under its tier."""
    return {
        "action": proposal.action,
        "model": proposal.model,
        "trigger": proposal.trigger,
        "confidence": proposal.confidence,
        "tier": proposal.tier_id,
        "reasons": [dict(reason) for reason in proposal.verdict.reasons],
    }


def submitted(proposal: Proposal) -> Statement:
    """Return what the ledger keeps of a new proposal: as `asked`, with the digest of all its words.

    The digest is over the RFC 8785 JSON of AS_SENT, under the names and in the form in which the API shows them. The
    payload has one of its own.
    """
    sent = {name: getattr(proposal, name) for name in AS_SENT}
    return {**asked(proposal), "sent_digest": canonical.digest(canonical.encode(sent))}


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
