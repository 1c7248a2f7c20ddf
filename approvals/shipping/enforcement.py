"""Bring a proposal under the policy in force: stricter binds at once, looser never.

Judged again is what another version has judged than the one in force, and of what nobody approved also what was
judged under another mandate. A decision, an undo, a retry and the claim itself see to it under the proposal's lock,
with the gate of `policies.publishing.gate` shared, so that no publication comes between this and their commit.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import wraps
from typing import Final, ParamSpec, TypeVar
from uuid import UUID

from django.db import transaction

from approvals import transitions
from approvals.evaluation import requirements
from approvals.evaluation.judgement import stored_verdict
from approvals.evaluation.limits.recount import with_limits
from approvals.models import WAITING, Decision, Dispatch, Proposal, State
from approvals.people import timers, votes
from approvals.people.tally import Result
from approvals.shipping import dispatches, rejudgement
from approvals.shipping.rejudgement import Rejudgement
from policies.engine.calendars import business_time
from policies.engine.evaluation import PolicyOutcome, Verdict
from policies.engine.policy import SurfacePolicy
from policies.publishing.current import Current, load_current

KIND: Final = "proposal.reevaluated"
SETTLED: Final = (State.FAILED, State.REJECTED)
"""What a person may bring back. Until then a denial changes nothing: the version of that moment decides."""

NOT_OVER: Final = (*WAITING, State.APPROVED, *SETTLED)
"""What may still ship one day."""

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Enforced:
    """What the policy in force says of a proposal, and whether that is more than it was under."""

    proposal: Proposal
    verdict: Verdict
    is_tighter: bool

    @property
    def is_blocked(self) -> bool:
        return State(self.proposal.state) is State.BLOCKED


class NotInForce(Exception):
    """The proposal has to be judged again first; `in_force` sees to it.

    With `tells`, the person is told of a stricter verdict instead of going on by what they saw.
    """

    def __init__(self, proposal_id: UUID, *, tells: bool) -> None:
        super().__init__(proposal_id)
        self.proposal_id = proposal_id
        self.tells = tells


def in_force(use_case: Callable[Parameters, Answer]) -> Callable[Parameters, Answer]:
    """Run `use_case` in a transaction; where it raises NotInForce, judge again and keep that, and then run it again."""

    @wraps(use_case)
    def run(*args: Parameters.args, **words: Parameters.kwargs) -> Answer:
        while True:  # once more for each publication that comes between
            try:
                with transaction.atomic():
                    return use_case(*args, **words)
            except NotInForce as outdated:
                enforced = bring(outdated.proposal_id)
                if enforced and enforced.is_tighter and (outdated.tells or enforced.is_blocked):
                    raise rejudgement.refusal(enforced.verdict, roles=enforced.proposal.roles()) from None

    return run


def require(proposal: Proposal, now: Current, *, tells: bool) -> None:
    """Check that a locked proposal was judged by what is in force. Raises NotInForce."""
    if is_due(proposal, now):
        raise NotInForce(proposal.pk, tells=tells)


def is_due(proposal: Proposal, now: Current) -> bool:
    """Whether a locked proposal has to be judged again. No query while version and mandate are the same."""
    if proposal.state not in NOT_OVER:
        return False
    is_same = proposal.policy_version == now.policy.number and not _has_ended(proposal, now)
    if is_same and (proposal.mandate == now.oversight or not _is_cleared(proposal) or is_by_people(proposal)):
        return False
    return not Dispatch.objects.is_on_its_way(proposal, at=now.at)


def _has_ended(proposal: Proposal, now: Current) -> bool:
    """Whether a proposal passed by a standing approval that has ended since."""
    return proposal.standing_approval is not None and proposal.standing_approval not in {
        given.id for given in now.standing_approvals
    }


def is_by_people(proposal: Proposal) -> bool:
    """Whether a person has approved what the proposal says now. One query."""
    return Decision.objects.filter(revision=proposal.revision_id, verdict=Decision.Verdict.APPROVE).exists()


def _is_cleared(proposal: Proposal) -> bool:
    return proposal.state in {State.APPROVED, State.FAILED}


@with_limits
def bring(proposal_id: UUID, *, waits: bool = True) -> Enforced | None:
    """Lock a proposal and enforce the policy in force on it, if it has to be judged again.

    Unless it `waits`, a proposal that somebody else holds is passed over.
    """
    rows = Proposal.objects.select_for_update(skip_locked=not waits, of=("self",))
    proposal = rows.filter(pk=proposal_id).first()
    if proposal is None:
        return None
    now = load_current(agent=proposal.agent_id, surface=proposal.surface_id)
    return enforce(proposal, now) if is_due(proposal, now) else None


def enforce(proposal: Proposal, now: Current) -> Enforced:
    """Judge a locked proposal again, put it under what is stricter, and write that down.

    Raises NotCounted, for `recount.with_limits` to see to.
    """
    is_automatic = _is_cleared(proposal) and not is_by_people(proposal)
    again = rejudgement.judge_again(proposal, now, is_automatic=is_automatic)
    proposal.policy_version, proposal.mandate = now.policy.number, now.oversight
    if not again.facts.standing_approval or again.verdict.outcome is not PolicyOutcome.ALLOW:
        proposal.standing_approval = None
    was_unmet = proposal.state == State.FAILED and rejudgement.is_unmet(proposal)
    release_at = again.release_at if is_automatic else None
    is_tighter = again.is_denied or _tighten(again)
    is_met = _is_met(again, is_automatic=is_automatic, is_to_count=is_tighter or was_unmet)
    rejudgement.keep(again, is_met=is_met)
    if again.is_denied:
        deny(again)
    elif proposal.state == State.APPROVED and not is_met:
        hold_back(proposal, again.surface, now)
        record(again, was=State.APPROVED)
    elif release_at is not None:
        _delay(again, until=release_at)
    elif is_tighter:
        record(again, was=proposal.state)
    else:
        # Neither column is part of the field history.
        Proposal.objects.filter(pk=proposal.pk).update(
            policy_version=proposal.policy_version,
            mandate=proposal.mandate,
            standing_approval=proposal.standing_approval,
        )
    return Enforced(proposal, again.verdict, is_tighter)


def _tighten(again: Rejudgement) -> bool:
    """Put the proposal, unsaved, under a stricter verdict and add what is asked of people; say if that is anything."""
    proposal, surface = again.proposal, again.surface
    is_stricter = again.is_stricter
    if is_stricter:
        put_under(again)
    if surface is None:
        return is_stricter
    verdict = again.verdict
    if not is_stricter:
        verdict = replace(verdict, tier=again.now.policy.tiers.get(proposal.tier_id or ""))
    before = (proposal.requirements, proposal.checklist, proposal.distinct_people)
    requirements.tighten(proposal, again.now.policy, surface, verdict, mark=f"version {again.now.policy.number}")
    return is_stricter or (proposal.requirements, proposal.checklist, proposal.distinct_people) != before


def put_under(again: Rejudgement) -> None:
    """Store the verdict and put the locked proposal under it, unsaved."""
    verdict = stored_verdict(again.verdict, again.facts, revision=again.proposal.revision, at=again.now.at)
    verdict.save(force_insert=True)
    again.proposal.verdict = verdict
    again.proposal.tier_id = verdict.tier_id


def _is_met(again: Rejudgement, *, is_automatic: bool, is_to_count: bool) -> bool:
    """Whether the proposal has what the verdict over it asks: the policy's own word, or enough approvals."""
    if again.is_denied:
        return False
    if is_automatic:
        return again.proposal.verdict.outcome == PolicyOutcome.ALLOW.value
    if not is_to_count or not _is_cleared(again.proposal):
        return True
    return votes.load(again.proposal).explained().outcome is Result.APPROVED


def deny(again: Rejudgement) -> None:
    """Block a locked proposal that the policy in force denies, unless a person has to bring it back first."""
    proposal, was = again.proposal, again.proposal.state
    if was not in SETTLED:
        put_under(again)
        if was == State.APPROVED:
            hold_back(proposal, again.surface, again.now)
            record(again, was=was)
            was = proposal.state
        proposal.block()
    record(again, was=was)


def _delay(again: Rejudgement, *, until: datetime) -> None:
    proposal = again.proposal
    proposal.release_at = until
    dispatches.delay(proposal, until=until)
    record(again, was=proposal.state)


def hold_back(proposal: Proposal, surface: SurfacePolicy | None, now: Current) -> None:
    """Take a locked proposal back from shipping, unsaved: people decide now, and have the surface's time to."""
    dispatches.take_back(proposal, at=now.at)
    due = proposal.deadline_at
    if surface is not None:
        fresh = Proposal.deadline(
            at=now.at, allowed=surface.deadline, expires_at=proposal.expires_at, calendar=surface.calendar
        )
        due = max(due, fresh)
    proposal.hold_back(deadline_at=due)
    if surface is not None:
        timers.plan_again(proposal, now.policy, surface, at=now.at)


def is_stale(proposal: Proposal, now: Current) -> bool:
    """Whether a locked approved proposal was held up for longer than an approval stays good on its surface."""
    surface = now.policy.surfaces.get(proposal.surface_id)
    if surface is None or proposal.release_at is None:
        return False
    good_for = surface.deadline if surface.shelf_life is None else surface.shelf_life
    return business_time.later(surface.calendar, proposal.release_at, good_for) <= now.at


def ask_again(proposal: Proposal, now: Current) -> None:
    """Ask people about a locked approved proposal again: approvals of before count no more."""
    was, surface = proposal.state, now.policy.surfaces.get(proposal.surface_id)
    proposal.asked_again_at = now.at
    hold_back(proposal, surface, now)
    transitions.save(proposal, "proposal.asked_again", was=was, by=None, at=now.at, policy_version=now.policy.number)


def record(again: Rejudgement, *, was: str, kind: str = KIND) -> None:
    """Save a locked proposal as it was judged again, with its ledger entry."""
    verdict = again.verdict
    transitions.save(
        again.proposal,
        kind,
        was=was,
        by=None,
        at=again.now.at,
        verdict=verdict.outcome.value,
        tier=again.proposal.tier_id,
        policy_version=verdict.policy_number,
        policy_digest=verdict.policy_digest,
    )
