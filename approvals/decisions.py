"""What people said: write a decision down, and read the votes that count."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import User

from approvals.models import Decision, Proposal
from approvals.tally import Vote
from audit.canonical import JsonValue
from policies.policy import Policy


def record(
    proposal: Proposal,
    *,
    by: User,
    verdict: Decision.Verdict,
    at: datetime,
    reason_code: str = "",
    comment: str = "",
    is_signed: bool = False,
    ticked: Collection[str] = (),
    batch: UUID | None = None,
) -> Decision:
    """Write down what `by` says of the current revision of a locked proposal; `batch` ties several together."""
    return Decision.objects.create(
        proposal=proposal,
        revision=proposal.revision,
        revision_number=proposal.revision.number,
        digest=proposal.revision.digest,
        verdict=verdict,
        by=by,
        by_name=by.get_username(),
        at=at,
        reason_code=reason_code,
        comment=comment.strip(),
        is_signed=is_signed,
        ticked=sorted(set(ticked)),
        batch=batch,
    )


def told(decision: Decision, *, roles: Collection[str], policy: Policy) -> dict[str, JsonValue]:
    """Return what the ledger keeps of a decision: in which roles it was made, and under which policy version.

    Roles and policy change; with this, anybody can prove later that the person was eligible.
    """
    more: dict[str, JsonValue] = {"ticked": [*decision.ticked]} if decision.ticked else {}
    if decision.batch is not None:
        more["batch"] = str(decision.batch)
    return {"decision_id": str(decision.pk), "roles": [*sorted(roles)], "policy_version": policy.number, **more}


def last_batch(proposal: Proposal) -> UUID | None:
    """Return the batch of the last decision on a proposal; None where that was made by itself."""
    return proposal.decisions.order_by("-id").values_list("batch", flat=True).first()


def votes(proposal: Proposal) -> list[Vote]:
    """Return the votes that count now: on the current revision, since the last undo, oldest first.

    Approvals count only if they were given under the verdict of now: a stricter one asks people again. What
    spoke against it still does.
    """
    cast: list[Decision] = []
    said = proposal.decisions.filter(revision=proposal.revision_id).order_by("at", "id").select_related("by")
    for decision in said.prefetch_related("by__groups"):
        if decision.verdict == Decision.Verdict.UNDO:
            cast.clear()
        elif decision.verdict == Decision.Verdict.REJECT or (
            decision.verdict == Decision.Verdict.APPROVE and decision.at >= proposal.verdict.at
        ):
            cast.append(decision)
    return [
        Vote(
            voter=str(decision.by_id),
            roles=frozenset(group.name for group in decision.by.groups.all()),
            is_approval=decision.verdict == Decision.Verdict.APPROVE,
        )
        for decision in cast
    ]
