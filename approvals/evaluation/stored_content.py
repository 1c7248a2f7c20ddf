"""Read the content of a stored revision, to judge it again."""

from typing import Any, Final

from approvals.evaluation.judgement import Ask, Content
from approvals.models import Proposal, Revision
from policies.engine import references
from policies.engine.policy import SurfacePolicy

_BESIDE: Final = (
    "title",
    "rationale",
    "trigger",
    "evidence",
    "metrics",
    "expected_outcome",
    "targets",
    "tags",
    "model",
)


def beside(of: Any) -> dict[str, Any]:
    """Return what an agent says beside the payload, new or stored, for guardrails to read."""
    return {name: getattr(of, name) for name in _BESIDE}


def ask_of(proposal: Proposal) -> Ask:
    """Return what stays the same in every revision of a stored proposal."""
    return Ask(
        agent=proposal.agent_id,
        surface=proposal.surface_id,
        action=proposal.action,
        currency=proposal.currency,
        targets=tuple(proposal.targets),
        tags=tuple(proposal.tags),
        model=proposal.model,
        expires_at=proposal.expires_at,
        texts=beside(proposal),
        own=proposal.pk,
        standing_approval=proposal.standing_approval,
    )


def content_of(revision: Revision, surface: SurfacePolicy | None) -> Content:
    """Return what a stored revision says, to be judged again on `surface`, which is None once it is unpublished.

    The figures it was judged by count, but for those that the payload itself says, in a field or by the number of
    rows that it names. Where there is no surface nobody reads them there, so that they count: without them, limits
    would see nothing.
    """
    reads_amount = surface is not None and bool(surface.amount_pointer)
    reads_size = surface is not None and (bool(surface.audience_pointer) or _counts_rows(revision))
    return Content(
        payload=revision.payload,
        before=revision.before,
        rollback=revision.rollback,
        amount=None if reads_amount or revision.amount is None else float(revision.amount),
        audience_size=None if reads_size else revision.audience_size,
        confidence=revision.confidence,
    )


def _counts_rows(revision: Revision) -> bool:
    """Whether as many people are reached as rows are named, so that other rows reach other people."""
    named = references.read_bytes(bytes(revision.body))
    return bool(named) and revision.audience_size == references.total(named)
