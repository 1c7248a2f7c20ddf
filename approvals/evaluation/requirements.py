"""Requirements of one proposal: whose approvals it needs, and what they have to tick.

Copied onto the proposal when it is submitted. What is judged later may add to it and never takes anything away.
"""

from collections.abc import Collection
from typing import Any, Final

from django.utils.translation import gettext as _

from approvals.models import Proposal, Timer
from policies import currencies, guardrails
from policies.engine import requirements
from policies.engine.evaluation import Verdict
from policies.engine.policy import Policy, SurfacePolicy
from policies.engine.requirements import Approvers


def approvers(policy: Policy, surface: SurfacePolicy, verdict: Verdict) -> tuple[Approvers, ...]:
    """Return whose approvals the policy asks for: what the rules that hold name, or else the surface's rows."""
    tables = [(slug, requirements.from_rows(rows)) for slug, rows in verdict.requirements]
    if not tables:
        tier = verdict.tier.slug if verdict.tier else None
        return requirements.required(policy.requirements, surface=surface.slug, tier=tier, owner=surface.owner)
    (_, needed), *others = tables
    for slug, rows in others:
        needed = requirements.tightened(needed, rows, mark=slug)
    return needed


NUMBER: Final = "the:number"
"""The item of the checklist that confirms the number that matters. No guardrail's slug has a colon."""


def checklist(policy: Policy, surface: SurfacePolicy) -> list[dict[str, Any]]:
    """Return what a reviewer has to tick, besides the number: `[{slug, text}]`."""
    if not policy.guardrails:
        return []
    here = guardrails.for_surface(policy.guardrails, surface.slug)
    return [{"slug": item.slug, "text": item.text} for item in guardrails.checklist(here)]


def number_item(proposal: Proposal) -> list[dict[str, Any]]:
    """Return the item that confirms the number of the current revision; none where it has no number."""
    text = _number(proposal)
    return [{"slug": NUMBER, "text": text}] if text else []


def _number(proposal: Proposal) -> str:
    """Return the sentence that confirms the amount, or else the number of people; empty where there is neither."""
    if proposal.amount is not None:
        return _("The amount is %s.") % currencies.money(proposal.amount, proposal.currency)
    if proposal.audience_size is not None:
        return _("It reaches %s people.") % f"{proposal.audience_size:,}"
    return ""


def write(proposal: Proposal, policy: Policy, surface: SurfacePolicy, verdict: Verdict) -> None:
    """Write on a new proposal, unsaved, what is asked of people."""
    proposal.require_approvals(requirements.as_rows(approvers(policy, surface, verdict)))
    proposal.distinct_people = surface.distinct_people
    number = number_item(proposal) if surface.confirms_number else []
    proposal.checklist = [*number, *checklist(policy, surface)]


def tighten(proposal: Proposal, policy: Policy, surface: SurfacePolicy, verdict: Verdict, *, mark: str = "") -> None:
    """Add to a locked proposal, unsaved, what the policy asks for its current revision; `mark` tells it apart."""
    before = requirements.from_rows(proposal.requirements)
    required = approvers(policy, surface, verdict)
    for role in escalated(proposal):
        # Anyone who was called to decide may decide on what is asked now as well.
        required = requirements.widened(required, role)
    proposal.distinct_people = proposal.distinct_people or surface.distinct_people
    rows = requirements.tightened(before, required, mark=mark or f"revision {proposal.revision.number}")
    proposal.require_approvals(requirements.as_rows(rows))
    known = {item["slug"] for item in proposal.checklist}
    # The number is that of the revision on the screen; every other item stays as it was first asked.
    number = number_item(proposal) if surface.confirms_number or NUMBER in known else []
    kept = [item for item in proposal.checklist if item["slug"] != NUMBER]
    more = [item for item in checklist(policy, surface) if item["slug"] not in known]
    proposal.checklist = [*number, *kept, *more]


def escalated(proposal: Proposal) -> list[str]:
    """Return the roles that were called to decide too because nobody answered, in their order."""
    called = Timer.objects.filter(proposal=proposal, widens=True, fired_at__isnull=False)
    return list(called.order_by("level").values_list("role", flat=True))


def unticked(proposal: Proposal, ticked: Collection[str]) -> list[str]:
    """Return the sentences of the checklist that were not ticked."""
    return [item["text"] for item in proposal.checklist if item["slug"] not in ticked]
