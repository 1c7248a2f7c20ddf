"""Surfaces an agent may propose on, and the verdict a proposal would get."""

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from approvals.api import drafts
from approvals.api.contract import examples, representation, schemas
from approvals.api.contract.openapi import call, described
from approvals.api.http.base import AgentView, answer, written
from approvals.evaluation.judgement import Judgement
from approvals.lifecycle import submission
from policies.engine.policy import SurfacePolicy
from policies.models import Mandate
from policies.publishing.publish import active_policy


@described(
    get=call(
        "list_surfaces",
        "List the surfaces of the agent's mandates",
        answers_with={200: ("Surfaces", examples.SURFACES)},
    )
)
class SurfacesView(AgentView):
    """`surfaces/`."""

    def get(self, request: Request) -> HttpResponse:
        """List the published surfaces on which the agent has a mandate."""
        mandates = Mandate.objects.filter(agent=self.agent(request)).order_by("surface_id")
        published = active_policy().surfaces
        shown = [
            _surface(published[slug], mandate=tier)
            for slug, tier in mandates.values_list("surface_id", "tier_id")
            if slug in published
        ]
        return written(answer(200, {"results": shown}))


def _surface(surface: SurfacePolicy, *, mandate: str) -> dict[str, Any]:
    return {
        "slug": surface.slug,
        "is_enabled": surface.is_enabled,
        "tier": surface.tier.slug,
        "floor": surface.floor.slug,
        "mandate": mandate,
        "owner": surface.owner,
        "currency": surface.currency or None,
        "confidence_high": surface.confidence_high,
        "confidence_low": surface.confidence_low,
        "deadline_seconds": surface.deadline.total_seconds(),
        "undo_window_seconds": surface.undo_window.total_seconds(),
        "payload_schema": surface.payload_schema,
    }


@described(
    post=call(
        "evaluate",
        "Ask for a verdict; nothing is stored",
        sends=("ProposalSent", examples.PROPOSAL_SENT),
        answers_with={200: ("Evaluation", examples.EVALUATION)},
    )
)
class EvaluationsView(AgentView):
    """`evaluations/`."""

    def post(self, request: Request) -> HttpResponse:
        """Tell what the policy would say of a proposal; nothing is stored."""
        draft = drafts.draft(self.body(request, schemas.PROPOSAL_CHECKER))
        judged = submission.evaluate(agent=self.agent(request), draft=draft)
        return written(answer(200, representation.evaluation(judged.verdict, facts=_facts(judged))))


def _facts(judged: Judgement) -> dict[str, Any]:
    return {
        "tags": list(judged.tags),
        "amount": judged.content.amount,
        "audience_size": judged.content.audience_size,
    }
