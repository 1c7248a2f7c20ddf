"""A new policy and what is open already: what is stricter applies, what is looser does not.

Each proposal that was judged by another version than the one in force is judged again, in a transaction of
its own. Whatever an activation wakes, a sweep finds too: a proposal that was submitted under the old version
while the new one came into force is only seen afterwards.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from approvals import transitions
from approvals.errors import InvalidProposal
from approvals.evaluation import context, requirements
from approvals.evaluation.judgement import check, judge, stored_verdict
from approvals.evaluation.limits import with_limits
from approvals.evaluation.stored_content import ask_of, content_of
from approvals.lifecycle import escalation
from approvals.models import WAITING, Decision, Dispatch, Proposal, Reevaluation, State
from approvals.outbox.wakeups import wake
from approvals.shipping import dispatches
from policies.engine.evaluation import Facts, PolicyOutcome, Verdict, evaluate
from policies.engine.policy import SurfacePolicy, TierPolicy
from policies.facts import stored_facts
from policies.publishing.current import Current, load_current
from policies.publishing.publish import active_version

TASK: Final = "approvals.tasks.reevaluate_open"
KIND: Final = "proposal.reevaluated"
BATCH: Final = 100


@dataclass(frozen=True, slots=True)
class Again:
    """A locked proposal and what the policy in force says of it now."""

    proposal: Proposal
    now: Current
    facts: Facts
    verdict: Verdict

    @property
    def surface(self) -> SurfacePolicy | None:
        return self.now.policy.surfaces.get(self.proposal.surface_id)

    @property
    def is_stricter(self) -> bool:
        """Whether this is more oversight than the proposal is under; a tier that is gone counts as none."""
        tier = self.verdict.tier
        if tier is None:
            return True
        under = self.now.policy.tiers.get(self.proposal.tier_id or "")
        return under is None or _strictness(tier) > _strictness(under)


def _strictness(tier: TierPolicy) -> tuple[bool, int]:
    return not tier.is_automatic, tier.rank


def wake_for_a_new_policy(**facts: Any) -> None:
    """Wake a worker once a version has come into force."""
    wake(TASK)


def reevaluate_open(*, most: int = BATCH) -> int:
    """Judge up to `most` open proposals again; return how many there were to judge.

    Any number of workers may do this at once: rows that another one holds are skipped.
    """
    version = active_version()
    if version is None:
        return 0
    waiting = list(outdated(version.pk).order_by("id").values_list("pk", flat=True)[:most])
    for proposal_id in waiting:
        _reevaluate(proposal_id, version.pk)
    return len(waiting)


def outdated(version: int) -> QuerySet[Proposal]:
    """Return what is open, or approved by the policy alone and not on its way, and not judged by `version`."""
    claimed = Dispatch.objects.filter(proposal=OuterRef("pk"), kind=Dispatch.Kind.EXECUTE, fence__gt=0)
    by_people = Decision.objects.filter(revision=OuterRef("revision"), verdict=Decision.Verdict.APPROVE)
    by_policy = Q(state=State.APPROVED) & ~Exists(claimed) & ~Exists(by_people)
    seen = Reevaluation.objects.filter(proposal=OuterRef("pk"), version=version)
    open_ones: QuerySet[Proposal] = Proposal.objects.filter(
        Q(state__in=WAITING) | by_policy, ~Q(verdict__policy_version=version), ~Exists(seen)
    )
    return open_ones


@with_limits
def _reevaluate(proposal_id: UUID, version: int) -> None:
    proposal = Proposal.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=proposal_id).first()
    if proposal is None or not outdated(version).filter(pk=proposal_id).exists():
        return
    dispatch = Dispatch.objects.select_for_update().filter(proposal=proposal, kind=Dispatch.Kind.EXECUTE).first()
    if dispatch is not None and dispatch.fence > 0:
        return  # on its way: it was claimed while we waited
    again = _judge(proposal)
    # By now another version may be in force. It was that one that judged, and the sweep finds what is left.
    number = again.now.policy.number
    Reevaluation.objects.get_or_create(proposal=proposal, version_id=number, defaults={"at": again.now.at})
    waits_longer = _release_at(again)
    if again.is_stricter or waits_longer is not None:
        _apply(again, dispatch, release_at=waits_longer)
    elif proposal.state in WAITING and _demand_more(again):
        _record(again, was=proposal.state)


def _judge(proposal: Proposal) -> Again:
    now = load_current(agent=proposal.agent_id, surface=proposal.surface_id)
    surface = now.policy.surfaces.get(proposal.surface_id)
    try:
        checked = check(ask_of(proposal), content_of(proposal.revision, surface), now)
    except InvalidProposal:
        # What agents may send has changed, or the surface is gone. What was sent then is judged as it was read then.
        facts = _facts_of_then(proposal, now)
        return Again(proposal, now, facts, evaluate(now.policy, facts))
    around = context.hold(checked.place(proposal.pk, made=proposal.revision_id), now)
    judged = judge(checked, around, is_in_review=False)
    return Again(proposal, now, judged.facts, judged.verdict)


def _facts_of_then(proposal: Proposal, now: Current) -> Facts:
    revision, verdict = proposal.revision, proposal.verdict
    facts = stored_facts.read(verdict.facts, payload=revision.payload, before=revision.before, at=verdict.at)
    return replace(
        facts,
        agent_is_active=now.agent_is_active,
        mandate=now.mandate,
        switches=now.switches,
        is_in_review=False,
    )


def _release_at(again: Again) -> datetime | None:
    """Return from when it may ship now, if that is later than it was."""
    proposal, tier = again.proposal, again.verdict.tier
    if proposal.state != State.APPROVED or proposal.release_at is None or tier is None or not tier.is_automatic:
        return None
    release_at = proposal.verdict.at + tier.hold
    return release_at if release_at > proposal.release_at else None


def _apply(again: Again, dispatch: Dispatch | None, *, release_at: datetime | None) -> None:
    """Put a proposal under the stricter verdict."""
    proposal, was = again.proposal, again.proposal.state
    verdict = stored_verdict(again.verdict, again.facts, revision=proposal.revision, at=again.now.at)
    verdict.save(force_insert=True)
    proposal.verdict = verdict
    if again.verdict.tier is not None:
        proposal.tier_id = again.verdict.tier.slug
    if was == State.APPROVED and again.verdict.outcome is not PolicyOutcome.ALLOW:
        _hold_back(again)
        _demand_more(again)
        _record(again, was=was)
        was = proposal.state
        if again.verdict.outcome is not PolicyOutcome.DENY:
            return
    if again.verdict.outcome is PolicyOutcome.DENY:
        proposal.tier = None
        proposal.block()
    elif was == State.APPROVED and release_at is not None and dispatch is not None:
        proposal.release_at = release_at
        dispatches.delay(dispatch, until=release_at)
    elif was in WAITING:
        _demand_more(again)
    _record(again, was=was)


def _hold_back(again: Again) -> None:
    """Take back what the policy alone had approved: people decide now."""
    proposal, surface = again.proposal, again.surface
    dispatches.cancel(proposal)
    due = proposal.deadline_at
    if surface is not None:
        fresh = Proposal.deadline(
            at=again.now.at, allowed=surface.deadline, expires_at=proposal.expires_at, calendar=surface.calendar
        )
        due = max(due, fresh)
    proposal.hold_back(deadline_at=due)
    if surface is not None:
        escalation.plan_again(proposal, again.now.policy, surface, at=again.now.at)


def _demand_more(again: Again) -> bool:
    """Add what the policy asks of people now; return whether that is anything."""
    proposal, surface = again.proposal, again.surface
    if surface is None:
        return False
    asked = again.verdict
    if not again.is_stricter:
        asked = replace(asked, tier=again.now.policy.tiers.get(proposal.tier_id or ""))
    before = (proposal.requirements, proposal.checklist, proposal.distinct_people)
    requirements.tighten(proposal, again.now.policy, surface, asked, mark=f"version {again.now.policy.number}")
    return (proposal.requirements, proposal.checklist, proposal.distinct_people) != before


def _record(again: Again, *, was: str) -> None:
    verdict = again.verdict
    transitions.save(
        again.proposal,
        KIND,
        was=was,
        by=None,
        at=again.now.at,
        verdict=verdict.outcome.value,
        tier=again.proposal.tier_id,
        policy_version=verdict.policy_number,
        policy_digest=verdict.policy_digest,
    )
