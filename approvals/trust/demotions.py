"""Demotions: what an agent has earned on a surface is lost, at once and by itself. The only writer of Demotion."""

from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from approvals.models import Demotion, NoticeKind, Proposal, Recommendation, TrustCase, TrustFigures
from approvals.notices import occasions
from audit.clock import database_now
from audit.ledger import entries
from audit.ledger.entries import SYSTEM
from policies.models import Mandate
from policies.registry import mandates

ENTRY: Final = "trust.demoted"
Status = Recommendation.Status


def demote_due() -> int:
    """Demote every pair that has lost what it had earned; return how many."""
    rows = TrustFigures.objects.exclude(loss=None).order_by("pk").values_list("pk", flat=True)
    return sum(demote(figures_id=pk) is not None for pk in rows)


@transaction.atomic
def demote(*, figures_id: int) -> Demotion | None:
    """Take one pair back to one-by-one review, write down why, and tell those who answer for it.

    From the commit on, nothing of it ships that no person has approved: what is approved and not claimed is held back
    before its claim. Returns None where somebody has changed the mandate meanwhile.
    """
    figures = TrustFigures.objects.filter(pk=figures_id).exclude(loss=None).first()
    if figures is None or figures.loss is None:
        return None
    why, evidence = figures.loss["why"], {**figures.loss["figures"], "measures": figures.measures}
    TrustFigures.objects.filter(pk=figures_id).update(loss=None, is_earned=False)
    held = Mandate.objects.filter(agent=figures.agent_id, surface=figures.surface_id).first()
    if held is None:
        return None
    before = held.tier_id
    mandate = mandates.fall_back(agent=figures.agent_id, surface=figures.surface_id, held=before, why=f"trust:{why}")
    if mandate is None:
        return None
    at = database_now()
    demotion = Demotion.objects.create(
        agent_id=figures.agent_id, surface_id=figures.surface_id, model=figures.model, from_tier=before,
        to_tier=mandate.tier_id, why=why, evidence=evidence, at=at,
    )  # fmt: skip
    Recommendation.objects.filter(
        agent=figures.agent_id, surface=figures.surface_id, status__in=[Status.OPEN, Status.ASKED]
    ).update(status=Status.OUTDATED, answered_at=at)
    entries.record(
        ENTRY,
        subject=f"agent:{figures.agent_id}",
        actor=SYSTEM,
        at=at,
        data={
            "surface": figures.surface_id, "from": before, "to": mandate.tier_id, "why": why, "demotion": demotion.pk,
            "model": figures.model,
        },
    )  # fmt: skip
    _tell(demotion, mandate)
    return demotion


def _tell(demotion: Demotion, mandate: Mandate) -> None:
    """Tell the surface's owner role and the agent's owner, by the proposal that stands for it."""
    own = TrustCase.objects.filter(agent=demotion.agent_id, surface=demotion.surface_id)
    worst = own.filter(problem_at__isnull=False).order_by("-problem_at").first() or own.order_by("-proposal_id").first()
    proposal = Proposal.objects.filter(pk=worst.proposal_id).first() if worst else None
    if proposal is None:
        return
    note = _("%(agent)s lost %(tier)s on %(surface)s: %(why)s. People decide each of its proposals now.") % {
        "agent": mandate.agent.name,
        "tier": demotion.from_tier,
        "surface": demotion.surface_id,
        "why": demotion.get_why_display(),
    }
    occasions.enqueue(
        NoticeKind.DEMOTED,
        proposal,
        at=demotion.at,
        roles=[mandate.surface.owner_id],
        people=[mandate.agent.owner],
        note=note,
    )
