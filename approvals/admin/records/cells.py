"""Cells of a CSV file for what was sent and judged of a proposal: structures as JSON, the rest as it is."""

import json
from collections.abc import Sequence
from typing import Any, Final

from django.db.models import Prefetch

from approvals.models import Decision, Outcome, Proposal, Verdict
from approvals.outbox.statements import AS_SENT

_COLUMNS_OF_THEIR_OWN: Final = {"title", "model"}
_SENT: Final = tuple(name for name in AS_SENT if name not in _COLUMNS_OF_THEIR_OWN)
SENT: Final = (
    *("trigger_sent" if name == "trigger" else name for name in _SENT),
    "callback_url", "callback_when", "expires_at", "payload", "before", "rollback", "revision", "digest",
)  # fmt: skip
"""The header of what `sent` returns."""


def sent(proposal: Proposal) -> Sequence[Any]:
    """Return what the agent sent, and the payload as it is now, under the header SENT."""
    revision = proposal.revision
    return (
        *(_cell(getattr(proposal, name)) for name in _SENT),
        proposal.callback_url, proposal.callback_when, proposal.expires_at, bytes(revision.body).decode(),
        _json(revision.before), bytes(revision.rollback_body or b"").decode(), revision.number, revision.digest,
    )  # fmt: skip


def model(proposal: Proposal) -> tuple[str, str]:
    """Return the name and the version of the model that proposed it."""
    named = proposal.model or {}
    return named.get("name", ""), named.get("version", "")


def trigger(proposal: Proposal) -> str:
    """Return the event that made the agent propose it."""
    return str((proposal.trigger or {}).get("event", ""))


def verdict(given: Verdict | None) -> Sequence[Any]:
    """Return tier, policy version and reasons of a verdict; the reasons that decided it first."""
    if given is None:
        return ("", "", "")
    reasons = sorted(given.reasons, key=lambda reason: not reason.get("is_deciding"))
    texts = (f"{reason['source']} {reason['id']}: {reason['text']}" for reason in reasons)
    return given.tier_id, given.policy_version_id, "; ".join(texts)


def verdicts(path: str) -> Prefetch[Any]:
    """Read the verdicts along `path` without the facts behind them."""
    return Prefetch(path, Verdict.objects.defer("facts").order_by("id"))


def verdict_at(decision: Decision) -> Verdict | None:
    """Return the verdict of the decision's revision that was on the screen then; `verdicts` has read them."""
    before = [given for given in decision.revision.verdicts.all() if given.at <= decision.at]
    return before[-1] if before else None


def outcome(reported: Outcome) -> str:
    """Return what an action did, in one line; `correction` has been read with it."""
    is_measured = reported.kind == Outcome.Kind.MEASURED
    line = f"{reported.metric} = {reported.value:g} {reported.unit}".strip()
    kind = "" if is_measured else f"{reported.get_kind_display()}: "
    return f"{kind}{line}" + (" (corrected)" if hasattr(reported, "correction") else "")


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return "" if value in (None, [], {}) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
