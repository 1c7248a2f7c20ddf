"""What people said: write a decision down, and read the votes that count."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import User
from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Q, Value

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
    spoke against it still does. One query.
    """
    said = (
        proposal.decisions.filter(revision=proposal.revision_id)
        .annotate(roles=ArrayAgg("by__groups__name", filter=Q(by__groups__isnull=False), default=Value([])))
        .order_by("at", "id")
        .values_list("verdict", "at", "by_id", "roles")
    )
    cast: list[Vote] = []
    for verdict, at, by, roles in said:
        if verdict == Decision.Verdict.UNDO:
            cast.clear()
        elif verdict == Decision.Verdict.REJECT or (verdict == Decision.Verdict.APPROVE and at >= proposal.verdict.at):
            cast.append(Vote(str(by), frozenset(roles), is_approval=verdict == Decision.Verdict.APPROVE))
    return cast
