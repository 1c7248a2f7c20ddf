"""Rules of a valid decision: a reason, a signature, ticks, no batch. No other module holds any."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.utils.translation import gettext as _

from approvals.errors import NotInBatch, ReasonRequired, SignatureRequired, StateConflict
from approvals.evaluation import conflicts, requirements
from approvals.models import Decision, Proposal
from approvals.models.verdicts import CHOICES
from policies import plain_text
from policies.engine import risk
from policies.engine.policy import Policy, TierPolicy
from policies.facts.facts import ROWS
from policies.models import Surface


@dataclass(frozen=True, slots=True)
class DecisionInput:
    """What a person says of a proposal, and what they bring along."""

    verdict: Decision.Verdict
    reason_code: str
    comment: str
    is_signed: bool
    ticked: frozenset[str]
    batch: UUID | None

    @property
    def is_approval(self) -> bool:
        return self.verdict == Decision.Verdict.APPROVE

    def columns(self) -> dict[str, Any]:
        """Return this as columns of a decision; only approvals tick anything."""
        return {
            "verdict": self.verdict,
            "reason_code": self.reason_code,
            "comment": self.comment,
            "is_signed": self.is_signed,
            "ticked": self.ticked if self.is_approval else (),
            "batch": self.batch,
        }


def require(proposal: Proposal, policy: Policy, sent: DecisionInput) -> None:
    """Check that a decision on a locked proposal has all it needs.

    Raises ReasonRequired, which names the field, SignatureRequired, StateConflict, or NotInBatch for an approval in a
    batch of what has to be decided alone.
    """
    if sent.is_approval and sent.batch is not None:
        require_batchable(proposal, policy)
    verdict, reason_code, comment = sent.verdict, sent.reason_code, sent.comment
    if reason_code and reason_code not in Decision.ReasonCode.values:
        raise ReasonRequired(_("There is no reason code %s.") % reason_code, field="reason_code")
    choice = CHOICES[verdict]
    if choice.reason_missing and not reason_code:
        raise ReasonRequired(str(choice.reason_missing), field="reason_code")
    if reason_code == Decision.ReasonCode.OTHER and not plain_text.has_something_visible(comment):
        raise ReasonRequired(_("Say in a few words what the other reason is."), field="comment")
    if choice.comment_missing and not plain_text.has_something_visible(comment):
        raise ReasonRequired(str(choice.comment_missing), field="comment")
    if sent.is_approval:
        _require_of_tier(_tier(proposal, policy), comment=comment, is_signed=sent.is_signed)
        _require_ticks(proposal, sent.ticked)


def require_within_reach(proposal: Proposal, policy: Policy, reviews: Collection[str]) -> None:
    """Check that the proposal's tier lets people decide from a message. Raises SignatureRequired."""
    tier = _tier(proposal, policy)
    if tier is None or tier.review not in reviews:
        raise SignatureRequired(_("You can decide this only in the portal: sign in."))


def _tier(proposal: Proposal, policy: Policy) -> TierPolicy | None:
    return policy.tiers.get(proposal.tier_id or "")


def _require_of_tier(tier: TierPolicy | None, *, comment: str, is_signed: bool) -> None:
    if tier is None or tier.review == "human_only":
        raise StateConflict(_("Only people can do this. Take it over or reject it."))
    if tier.review != "signature":
        return
    if not is_signed:
        raise SignatureRequired(_("This needs your signature: enter your password."))
    if not plain_text.has_something_visible(comment):
        raise ReasonRequired(_("A signature needs a written reason."), field="comment")


def _require_ticks(proposal: Proposal, ticked: Collection[str]) -> None:
    """Check that every item of the checklist is ticked, and nothing else."""
    if missing := requirements.unticked(proposal, ticked):
        raise ReasonRequired(_("Tick first: %s") % " · ".join(missing), field="checklist")
    known = {item["slug"] for item in proposal.checklist}
    if unknown := sorted(set(ticked) - known):
        raise ReasonRequired(_("The checklist has no item %s.") % ", ".join(unknown), field="checklist")


FLAGGING: Final = frozenset({"guardrail", "limit"})
"""A reason from one of these sources says that something about this one proposal is unusual."""


def why_alone(proposal: Proposal, tier: TierPolicy | None, *, is_in_conflict: bool) -> str:
    """Say why `proposal`, which is under `tier`, may not be approved in a batch; empty where it may.

    What was flagged, contradicts another proposal or has a checklist wants a look of its own.
    """
    if tier is None or tier.review != "batch":
        return _("The tier “%s” needs individual review.") % (tier.slug if tier else proposal.tier_id or "—")
    return _why_unusual(proposal, is_in_conflict=is_in_conflict)


QUICK_REVIEWS: Final = ("batch", "single")
"""Kinds of review in which one look at a line and one key are enough."""


def why_not_quick(proposal: Proposal, tier: TierPolicy | None, *, is_of_low_risk: bool, is_in_conflict: bool) -> str:
    """Say why `proposal`, which is under `tier`, is not decided from a line by one key; empty where it is.

    Only what is reviewed with a look, on a surface of low risk, and neither flagged nor contradicted.
    """
    if not is_of_low_risk:
        return _("Not low risk: customers see it, it spends money, has legal effect or can’t be undone.")
    if tier is None or tier.review not in QUICK_REVIEWS:
        return _("Signature required, or done by people only.")
    if any(fact == ROWS for fact, *_place in proposal.verdict.facts.get("unread") or ()):
        return _("It names uploaded rows: look at them first.")
    return _why_unusual(proposal, is_in_conflict=is_in_conflict)


def require_quick(proposal: Proposal, policy: Policy) -> None:
    """Check that a locked proposal may be decided from a line by one key, by what holds now. Raises NotInBatch."""
    touches = Surface.objects.filter(pk=proposal.surface_id).values(*risk.WORDS).get()
    why = why_not_quick(
        proposal,
        _tier(proposal, policy),
        is_of_low_risk=risk.is_low(touches),
        is_in_conflict=conflicts.of(proposal).exists(),
    )
    if why:
        raise NotInBatch(why)


def _why_unusual(proposal: Proposal, *, is_in_conflict: bool) -> str:
    verdict = proposal.verdict
    if verdict.facts.get("findings") or any(reason.get("source") in FLAGGING for reason in verdict.reasons):
        return _("A check flagged it: review it on its own.")
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
