"""What has to be decided alone: why a proposal may not be approved together with others. The only place that knows."""

from typing import Final

from django.utils.translation import gettext as _

from approvals.errors import NotInBatch
from approvals.evaluation import conflicts
from approvals.models import Proposal
from policies.engine.policy import Policy, TierPolicy

FLAGGING: Final = frozenset({"guardrail", "limit"})
"""A reason from one of these sources says that something about this one proposal is unusual."""


def why_alone(proposal: Proposal, tier: TierPolicy | None, *, is_in_conflict: bool) -> str:
    """Say why `proposal`, which is under `tier`, may not be approved in a batch; empty where it may.

    What was flagged, contradicts another proposal or has a checklist wants a look of its own.
    """
    if tier is None or tier.review != "batch":
        return _("The tier “%s” is decided one by one.") % (tier.slug if tier else proposal.tier_id or "—")
    verdict = proposal.verdict
    if verdict.facts.get("findings") or any(reason.get("source") in FLAGGING for reason in verdict.reasons):
        return _("A check has flagged it: look at it by itself.")
    if is_in_conflict:
        return _("Another proposal names the same target: decide which of them is right.")
    if proposal.checklist:
        return _("It has a checklist to tick.")
    return ""


def require_batchable(proposal: Proposal, policy: Policy) -> None:
    """Check that a locked proposal may be approved together with others. Raises NotInBatch."""
    tier = policy.tiers.get(proposal.tier_id or "")
    if why := why_alone(proposal, tier, is_in_conflict=conflicts.of(proposal).exists()):
        raise NotInBatch(why)
