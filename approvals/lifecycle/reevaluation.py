"""Re-evaluate open proposals under a new policy version, or without a released kill switch.

Stricter applies, looser does not.

Each proposal that was judged by another version than the one in force is judged again, in a transaction of its own.
Decisions, retries and claims do not depend on this, as they judge again themselves; it only tells people sooner.
What an activation wakes, a sweep finds too.

What was proposed during a kill switch waits for people because of it. Once the switch is released, it is judged as it
would have been without, and what then passes by itself still waits for a hold in which people can stop it.
"""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import CharField, Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Now

from approvals.evaluation import requirements
from approvals.evaluation.limits.recount import with_limits
from approvals.models import WAITING, Decision, Dispatch, DispatchStatus, Proposal, State, Verdict
from approvals.models.ids import uuid7
from approvals.models.states import NOT_OVER
from approvals.outbox import statements
from approvals.outbox.wakeups import wake
from approvals.shipping import dispatches, enforcement, rejudgement
from approvals.shipping.rejudgement import Rejudgement
from policies.engine.evaluation import PolicyOutcome
from policies.engine.policy import Policy, TierPolicy
from policies.models import Agent, KillSwitch, Mandate, StandingApproval
from policies.publishing.current import load_current, scopes
from policies.publishing.publish import active_version

TASK: Final = "approvals.tasks.reevaluate_open"
RELEASED: Final = "proposal.switch_released"
BATCH: Final = 100


def wake_for_a_new_policy(**facts: Any) -> None:
    """Wake a worker once a version has come into force, or a kill switch was released."""
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


def outdated(version: int | Subquery) -> QuerySet[Proposal]:
    """Return what is not over, not in a worker's hands, and judged by another version than `version`.

    Of what nobody approved, also what was judged while its agent had another mandate, or was not suspended.
    """
    execute = Dispatch.objects.filter(proposal=OuterRef("pk"), kind=Dispatch.Kind.EXECUTE)
    in_hand = Q(state=State.APPROVED) & Exists(execute.filter(status=DispatchStatus.CLAIMED))
    by_people = Exists(Decision.objects.filter(revision=OuterRef("revision"), verdict=Decision.Verdict.APPROVE))
    held = Mandate.objects.filter(agent=OuterRef("agent"), surface=OuterRef("surface"), agent__status=_ACTIVE)
    mandate = Coalesce(Subquery(held.values("tier")[:1]), Value(""), output_field=CharField())
    given = StandingApproval.objects.filter(pk=OuterRef("standing_approval"), ended_at=None, ends_at__gt=Now())
    has_ended = Q(standing_approval__isnull=False) & ~Exists(given)
    by_policy = Q(state=State.APPROVED) & (~Q(mandate=mandate) | has_ended) & ~by_people
    # In two halves, since no index finds what differs from a number.
    by_another = Q(policy_version__lt=version) | Q(policy_version__gt=version)
    rows: QuerySet[Proposal] = Proposal.objects.filter(Q(state__in=NOT_OVER) & by_another | by_policy, ~in_hand)
    return rows


_ACTIVE: Final = Agent.Status.ACTIVE


def judge_released(*, most: int = BATCH) -> int:
    """Judge up to `most` proposals again that wait because of a kill switch which is released; return how many.

    Any number of workers may do this at once: rows that another one holds are skipped.
    """
    released = _released()[:most]
    for proposal_id in released:
        judge_without_switch(proposal_id)
    return len(released)


def held_by_switches() -> QuerySet[Proposal]:
    """Return what waits under a verdict that a kill switch had a part in, engaged or released."""
    rows: QuerySet[Proposal] = Proposal.objects.filter(state__in=WAITING, deadline_at__gt=Now())
    return rows.exclude(verdict__facts__switches=[])


def _released() -> list[UUID]:
    """Return what waits under a verdict that a kill switch had a part in, of which none is engaged any more."""
    engaged = {*KillSwitch.objects.filter(is_engaged=True).values_list("scope", flat=True)}
    held = held_by_switches().order_by("id").values_list("pk", "agent", "surface")
    return [pk for pk, agent, surface in held if not engaged & {*scopes(agent=agent, surface=surface)}]


@with_limits
def judge_without_switch(proposal_id: UUID) -> Proposal | None:
    """Judge one waiting proposal as it would have been without the kill switch that is released.

    It passes by itself only where nobody has touched it and nothing but the switch is different; else people go on.
    Raises NotCounted, for `recount.with_limits` to see to.
    """
    rows = Proposal.objects.select_for_update(skip_locked=True, of=("self",))
    proposal: Proposal | None = rows.filter(pk=proposal_id).first()
    if proposal is None or proposal.state not in WAITING:
        return None
    now = load_current(agent=proposal.agent_id, surface=proposal.surface_id)
    if now.switches or not proposal.verdict.facts["switches"] or proposal.deadline_at <= now.at:
        return None
    may_pass = proposal.verdict.policy_version_id == now.policy.number and not _is_touched(proposal)
    again = rejudgement.judge_again(proposal, now, is_automatic=may_pass, is_in_review=not may_pass)
    if may_pass and again.is_denied:  # perhaps only because its agent is suspended by now: on that, people decide
        again = rejudgement.judge_again(proposal, now, is_automatic=False, is_in_review=True)
    proposal.policy_version, proposal.mandate = now.policy.number, now.oversight
    if again.is_denied:
        enforcement.deny(again)
    elif again.verdict.outcome is PolicyOutcome.ALLOW and again.verdict.tier is not None:
        _pass(again, again.verdict.tier)
    else:
        _leave_to_people(again, is_same_policy=may_pass)
    return proposal


def _is_touched(proposal: Proposal) -> bool:
    """Whether a person has edited the proposal, or decided anything on it."""
    return proposal.revision.author_id is not None or proposal.decisions.exists()


def _pass(again: Rejudgement, tier: TierPolicy) -> None:
    """Approve what the policy alone lets through, to ship after a hold counted from now."""
    proposal, at, was = again.proposal, again.now.at, again.proposal.state
    enforcement.put_under(again)
    proposal.approve(release_at=_release_at(again.now.policy, tier, at=at))
    enforcement.record(again, was=was, kind=RELEASED)
    connector = again.surface.connector if again.surface else None
    dispatches.enqueue(proposal, connector=connector, decision=statements.by_policy(proposal.verdict), at=at)


def _release_at(policy: Policy, tier: TierPolicy, *, at: datetime) -> datetime:
    """Return when it ships: after the longest hold of the tiers that ship by themselves.

    What has piled up during a kill switch would else ship at once where the tier has no hold.
    """
    holds = [one.hold for one in policy.tiers.values() if one.is_automatic]
    return at + max(tier.hold, *holds, timedelta(0))


def _leave_to_people(again: Rejudgement, *, is_same_policy: bool) -> None:
    """Put a waiting proposal under its new verdict; a policy that is looser by now takes nothing away."""
    proposal, was = again.proposal, again.proposal.state
    if is_same_policy or again.is_stricter or again.verdict.tier is again.now.policy.tiers.get(proposal.tier_id or ""):
        enforcement.put_under(again)
    else:
        _put_under_the_rest(proposal, at=again.now.at)
    if again.surface is not None:
        requirements.tighten(proposal, again.now.policy, again.surface, again.verdict)
    enforcement.record(again, was=was, kind=RELEASED)


def _put_under_the_rest(proposal: Proposal, *, at: datetime) -> None:
    """Put a proposal under its verdict of then, without what the kill switch said."""
    then = proposal.verdict
    proposal.verdict = Verdict.objects.create(
        id=uuid7(),
        revision=then.revision,
        outcome=then.outcome,
        tier_id=then.tier_id,
        reasons=[reason for reason in then.reasons if reason["source"] != "kill_switch"],
        facts=then.facts | {"switches": []},
        policy_version_id=then.policy_version_id,
        policy_digest=then.policy_digest,
        at=at,
    )
