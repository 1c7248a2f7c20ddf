"""Actions a person may take on a proposal now; pages offer these and no others.

An offer is a courtesy: the use case behind it checks again, under the lock.
"""

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from approvals.errors import NotEligible
from approvals.models import OPEN, Dispatch, DispatchStatus, Proposal, State
from approvals.outbox import callbacks
from approvals.people import eligibility
from policies.engine.policy import Policy, SurfacePolicy


@dataclass(frozen=True, slots=True)
class Offers:
    """What may be offered. `why_not` says why nothing may; `why_not_approve` why only approving may not."""

    may_decide: bool = False
    may_approve: bool = False
    may_edit_and_approve: bool = False
    needs_signature: bool = False
    may_undo: bool = False
    may_roll_back: bool = False
    may_retry: bool = False
    why_not: str = ""
    why_not_approve: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipping:
    """How far a decided proposal is on its way."""

    is_on_its_way: bool
    has_way_back: bool
    is_rolled_back: bool
    has_failed: bool
    is_told_for_good: bool = False
    """Whether its agent was told that it is settled."""


def offers(person: User, proposal: Proposal, *, state: State, policy: Policy) -> Offers:
    """Return what `person` may do with `proposal`, which is in `state` by the database's clock."""
    surface = policy.surfaces.get(proposal.surface_id)
    if surface is None:
        return Offers(why_not=_("The surface %s is not published.") % proposal.surface_id)
    try:
        eligibility.require(person, proposal, surface)
    except NotEligible as refusal:
        return Offers(why_not=str(refusal))
    if state in OPEN:
        return _to_decide(person, proposal, surface, policy)
    return _after_the_decision(proposal, state)


def _to_decide(person: User, proposal: Proposal, surface: SurfacePolicy, policy: Policy) -> Offers:
    tier = policy.tiers.get(proposal.tier_id or "")
    why_not = ""
    if tier is None or tier.review == "human_only":
        why_not = _("Only people can do this. Take it over or reject it.")
    else:
        try:
            eligibility.require(person, proposal, surface, approving=True)
        except NotEligible as refusal:
            why_not = str(refusal)
    return Offers(
        may_decide=True,
        may_approve=not why_not,
        may_edit_and_approve=surface.editor_may_approve and tier is not None and tier.review != "human_only",
        needs_signature=tier is not None and tier.review == "signature",
        why_not_approve=why_not,
    )


def _after_the_decision(proposal: Proposal, state: State) -> Offers:
    dispatches = list(Dispatch.objects.filter(proposal=proposal))
    facts = Shipping(
        is_on_its_way=any(row.fence > 0 and row.kind == Dispatch.Kind.EXECUTE for row in dispatches),
        has_way_back=proposal.revision.rollback_body is not None,
        is_rolled_back=any(row.kind == Dispatch.Kind.ROLLBACK for row in dispatches),
        has_failed=any(row.status == DispatchStatus.FAILED for row in dispatches),
        is_told_for_good=state == State.REJECTED and callbacks.is_final(proposal),
    )
    return after_the_decision(facts, state)


def after_the_decision(facts: Shipping, state: State) -> Offers:
    """Return what may be offered to somebody eligible once a proposal is in `state`, by how far its shipping is."""
    return Offers(
        may_undo=(state == State.REJECTED and not facts.is_told_for_good)
        or (state == State.APPROVED and not facts.is_on_its_way),
        may_roll_back=state == State.SHIPPED and facts.has_way_back and not facts.is_rolled_back,
        may_retry=facts.has_failed and state in {State.FAILED, State.SHIPPED},
        why_not=_nothing_left(facts, state),
    )


def _nothing_left(facts: Shipping, state: State) -> str:
    """Say why the proposal offers nothing in this state; empty where it usually offers something."""
    if state == State.APPROVED and facts.is_on_its_way:
        return _("It is shipping. You can roll it back afterwards, if it has a rollback.")
    if facts.is_told_for_good:
        return _("It is settled and its agent has been told.")
    if state == State.SHIPPED and not facts.has_way_back:
        return _("It has shipped and has no rollback.")
    if state in {State.BLOCKED, State.EXPIRED, State.WITHDRAWN, State.TAKEN_OVER, State.ROLLED_BACK}:
        return _("This is settled. There is nothing left to decide.")
    if state == State.RETURNED:
        return _("The agent has to revise it.")
    return ""
