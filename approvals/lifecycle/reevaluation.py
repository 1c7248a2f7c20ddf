"""A new policy and what is not over yet: what is stricter applies, what is looser does not.

Each proposal that was judged by another version than the one in force is judged again, in a transaction of its own.
Decisions, retries and claims do not depend on this, as they judge again themselves; it only tells people sooner.
What an activation wakes, a sweep finds too.
"""

from typing import Any, Final

from django.db.models import CharField, Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from approvals.models import WAITING, Decision, Dispatch, DispatchStatus, Proposal, State
from approvals.outbox.wakeups import wake
from approvals.shipping import enforcement
from policies.models import Agent, Mandate
from policies.publishing.publish import active_version

TASK: Final = "approvals.tasks.reevaluate_open"
BATCH: Final = 100
NOT_OVER: Final = (*WAITING, State.APPROVED, State.FAILED)


def wake_for_a_new_policy(**facts: Any) -> None:
    """Wake a worker once a version has come into force."""
    wake(TASK)


def reevaluate_open(*, most: int = BATCH) -> int:
    """Judge up to `most` proposals again that are not over; return how many there were to judge.

    Any number of workers may do this at once: rows that another one holds are skipped.
    """
    version = active_version()
    if version is None:
        return 0
    waiting = list(outdated(version.pk).order_by("id").values_list("pk", flat=True)[:most])
    for proposal_id in waiting:
        enforcement.bring(proposal_id, waits=False)
    return len(waiting)


def outdated(version: int) -> QuerySet[Proposal]:
    """Return what is not over, not in a worker's hands, and judged by another version than `version`.

    Of what nobody approved, also what was judged while its agent had another mandate, or was not suspended.
    """
    execute = Dispatch.objects.filter(proposal=OuterRef("pk"), kind=Dispatch.Kind.EXECUTE)
    in_hand = Q(state=State.APPROVED) & Exists(execute.filter(status=DispatchStatus.CLAIMED))
    by_people = Exists(Decision.objects.filter(revision=OuterRef("revision"), verdict=Decision.Verdict.APPROVE))
    held = Mandate.objects.filter(agent=OuterRef("agent"), surface=OuterRef("surface"), agent__status=_ACTIVE)
    mandate = Coalesce(Subquery(held.values("tier")[:1]), Value(""), output_field=CharField())
    by_policy = Q(state=State.APPROVED) & ~Q(mandate=mandate) & ~by_people
    rows: QuerySet[Proposal] = Proposal.objects.filter(
        Q(state__in=NOT_OVER) & ~Q(policy_version=version) | by_policy, ~in_hand
    )
    return rows


_ACTIVE: Final = Agent.Status.ACTIVE
