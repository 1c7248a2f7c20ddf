"""What the policy asks of people for one proposal: whose approvals, and what they have to tick.

Copied onto the proposal when it is submitted. What is judged later may add to it and never takes anything away.
"""

from collections.abc import Collection
from typing import Any

from approvals.models import Proposal
from policies import guardrails, requirements
from policies.evaluation import Verdict
from policies.policy import Policy, SurfacePolicy
from policies.requirements import Approvers


def approvers(policy: Policy, surface: SurfacePolicy, verdict: Verdict) -> tuple[Approvers, ...]:
    """Return whose approvals the policy asks for: what the rules that hold name, or else the surface's rows."""
    asked = [(slug, requirements.from_rows(rows)) for slug, rows in verdict.requirements]
    if not asked:
        tier = verdict.tier.slug if verdict.tier else None
        return requirements.required(policy.requirements, surface=surface.slug, tier=tier, owner=surface.owner)
    (_, needed), *others = asked
    for slug, rows in others:
        needed = requirements.tightened(needed, rows, mark=slug)
    return needed


def checklist(policy: Policy, surface: SurfacePolicy) -> list[dict[str, Any]]:
    """Return what a reviewer has to tick: `[{slug, text}]`."""
    if not policy.guardrails:
        return []
    here = guardrails.for_surface(policy.guardrails, surface.slug)
    return [{"slug": item.slug, "text": item.text} for item in guardrails.checklist(here)]


def write(proposal: Proposal, policy: Policy, surface: SurfacePolicy, verdict: Verdict) -> None:
    """Write on a new proposal, unsaved, what is asked of people."""
    proposal.require_approvals(requirements.as_rows(approvers(policy, surface, verdict)))
    proposal.checklist = checklist(policy, surface)


def tighten(proposal: Proposal, policy: Policy, surface: SurfacePolicy, verdict: Verdict, *, mark: str = "") -> None:
    """Add to a locked proposal, unsaved, what the policy asks for its current revision; `mark` tells it apart."""
    before = requirements.from_rows(proposal.requirements)
    asked = approvers(policy, surface, verdict)
    rows = requirements.tightened(before, asked, mark=mark or f"revision {proposal.revision.number}")
    proposal.require_approvals(requirements.as_rows(rows))
    known = {item["slug"] for item in proposal.checklist}
    more = [item for item in checklist(policy, surface) if item["slug"] not in known]
    proposal.checklist = [*proposal.checklist, *more]


def unticked(proposal: Proposal, ticked: Collection[str]) -> list[str]:
    """Return the sentences of the checklist that were not ticked."""
    return [item["text"] for item in proposal.checklist if item["slug"] not in ticked]
