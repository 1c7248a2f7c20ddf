"""The section of the review page that says how sure the agent is, and what that has been worth so far."""

from typing import Any

from approvals.figures.track_record import track_record
from approvals.models import Proposal
from approvals.presentation import words
from policies.engine.policy import SurfacePolicy


def context(proposal: Proposal, surface: SurfacePolicy | None) -> dict[str, Any]:
    """Return what `approvals/confidence.html` needs. One query."""
    confidence = proposal.confidence
    return {
        "confidence": None if confidence is None else words.share(confidence),
        "confidence_meaning": words.confidence_meaning(confidence, surface),
        "track_record": track_record(agent=proposal.agent_id, surface=proposal.surface_id, confidence=confidence),
    }
