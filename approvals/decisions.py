"""What people said: write a decision down, and read the votes that count."""

from collections.abc import Collection
from datetime import datetime

from django.contrib.auth.models import User

from approvals.models import Absence, Decision, Proposal
from approvals.tally import Explained, Requirement, Vote, explain
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
    absence: Absence | None = None,
) -> Decision:
    """Write down what `by` says of the current revision of a locked proposal, for whoever is away if `absence`."""
    absent = absence.person if absence else None
    return Decision.objects.create(
        proposal=proposal,
        revision=proposal.revision,
        revision_number=proposal.revision.number,
        digest=proposal.revision.digest,
        verdict=verdict,
        by=by,
        by_name=f"{by.get_username()} for {absent.get_username()}" if absent else by.get_username(),
        on_behalf_of=absent,
        absence=absence,
        at=at,
        reason_code=reason_code,
        comment=comment.strip(),
        is_signed=is_signed,
        ticked=sorted(set(ticked)),
    )


def told(decision: Decision, *, roles: Collection[str], policy: Policy) -> dict[str, JsonValue]:
    """Return what the ledger keeps of a decision: in which roles it was made, and under which policy version.

    Roles and policy change; with this, anybody can prove later that the person was eligible.
    """
    ticked: dict[str, JsonValue] = {"ticked": [*decision.ticked]} if decision.ticked else {}
    absent: dict[str, JsonValue] = {}
    if decision.on_behalf_of_id:
        absent = {"on_behalf_of": f"user:{decision.on_behalf_of_id}"}
    decided: dict[str, JsonValue] = {"decision_id": str(decision.pk), "roles": [*sorted(roles)]}
    return {**decided, "policy_version": policy.number, **ticked, **absent}


def votes(proposal: Proposal) -> list[Vote]:
    """Return the votes that count now: on the current revision, since the last undo, oldest first.

    Approvals count only if they were given under the verdict of now: a stricter one asks people again. What
    spoke against it still does. Until it is settled, a vote counts in the roles that its voter holds now, and no
    longer once the account is closed; a vote on behalf of somebody in that person's roles.
    """
    cast: list[Decision] = []
    said = proposal.decisions.filter(revision=proposal.revision_id).order_by("at", "id")
    said = said.select_related("by", "on_behalf_of", "absence")
    for decision in said.prefetch_related("by__groups", "on_behalf_of__groups"):
        if decision.verdict == Decision.Verdict.UNDO:
            cast.clear()
        elif decision.verdict == Decision.Verdict.REJECT or (
            decision.verdict == Decision.Verdict.APPROVE and decision.at >= proposal.verdict.at
        ):
            cast.append(decision)
    return [_vote(decision) for decision in cast]


def _vote(decision: Decision) -> Vote:
    principal = decision.on_behalf_of or decision.by
    roles = frozenset(group.name for group in principal.groups.all())
    if decision.absence is not None and decision.absence.roles:
        roles &= frozenset(decision.absence.roles)
    return Vote(
        voter=str(decision.by_id),
        roles=roles if decision.by.is_active and principal.is_active else frozenset(),
        is_approval=decision.verdict == Decision.Verdict.APPROVE,
        on_behalf_of=str(decision.on_behalf_of_id or ""),
    )


def required(proposal: Proposal) -> list[Requirement]:
    """Return whose approvals a proposal needs, as they are counted."""
    return [Requirement(**row) for row in proposal.requirements]


def explained(proposal: Proposal, *more: Vote) -> Explained:
    """Return what the votes on a proposal come to, and what they would with `more`. Three queries, or five."""
    return explain(required(proposal), [*votes(proposal), *more], distinct_people=proposal.distinct_people)


def still_needed(proposal: Proposal) -> frozenset[str]:
    """Return the roles whose approvals are missing now, of the stages that are open."""
    return frozenset(role for need in explained(proposal).unmet if need.is_open for role in need.roles)
