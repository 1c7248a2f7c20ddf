"""People decide. The only writer of decisions and of people's revisions."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from approvals import transitions
from approvals.errors import StaleRevision, StateConflict
from approvals.evaluation import context
from approvals.evaluation.judgement import Content, Judgement, check, judge
from approvals.evaluation.limits import with_limits
from approvals.evaluation.stored_content import ask_of, content_of
from approvals.lifecycle import decision_rules, revisions
from approvals.lifecycle.decision_rules import DecisionInput
from approvals.models import OPEN, Decision, NoticeKind, Proposal, State
from approvals.models.verdicts import VERDICTS
from approvals.notices import occasions
from approvals.people import eligibility, timers, votes
from approvals.people.tally import Result, Vote
from approvals.people.votes import Ballot
from approvals.shipping import dispatches, enforcement, rejudgement
from approvals.shipping.enforcement import in_force
from audit import canonical
from audit.canonical import JsonValue
from policies import plain_text
from policies.engine.evaluation import PolicyOutcome
from policies.engine.policy import Policy, SurfacePolicy
from policies.publishing.current import Current, load_current


@dataclass(frozen=True, slots=True)
class SeenRevision:
    """The revision that was on the person's screen."""

    number: int
    digest: str


@dataclass(frozen=True, slots=True)
class Locked:
    """A proposal under its row lock, and what is in force on its surface until the commit."""

    proposal: Proposal
    now: Current
    surface: SurfacePolicy

    @property
    def policy(self) -> Policy:
        return self.now.policy

    @property
    def at(self) -> datetime:
        return self.now.at


@in_force
def decide(
    *,
    proposal_id: UUID,
    seen: SeenRevision,
    by: User,
    verdict: Decision.Verdict,
    reason_code: str = "",
    comment: str = "",
    is_signed: bool = False,
    ticked: Collection[str] = (),
    batch: UUID | None = None,
    via: str = "",
    only_reviews: Collection[str] = (),
) -> Proposal:
    """Record one person's decision, and resolve the proposal if that settles it.

    `is_signed`: the person has just signed in again; `ticked`: the items of the checklist they ticked, all to approve.
    `batch` ties it to what is decided together with it. `via` names a channel other than the portal's pages, and
    `only_reviews` the kinds of review that may be decided from there. Raises Proposal.DoesNotExist, StaleRevision,
    StateConflict, PolicyChanged, NotEligible, SignatureRequired or ReasonRequired; then nothing is decided.
    """
    sent = DecisionInput(verdict, reason_code, comment, is_signed, frozenset(ticked), batch)
    locked = _lock_open(proposal_id, seen)
    proposal, was = locked.proposal, locked.proposal.state
    enforcement.require(proposal, locked.now, tells=sent.is_approval)
    if only_reviews:
        decision_rules.require_within_reach(proposal, locked.policy, only_reviews)
    ballot = votes.load(proposal)
    right = eligibility.right(by, proposal, locked.surface, approving=sent.is_approval, ballot=ballot)
    decision_rules.require(proposal, locked.policy, sent)
    decision = votes.record(proposal, by=by, at=locked.at, absence=right.absence, **sent.columns())
    _move(locked, verdict, ballot, right.vote(by, is_approval=sent.is_approval), by=by)
    data = votes.ledger_data(decision, roles=right.roles, policy=locked.policy)
    return _save(locked, decision, was=was, by=by, data={**data, "via": via} if via else data)


@with_limits
def edit(
    *, proposal_id: UUID, seen: SeenRevision, by: User, payload: Any, rollback: Any = None, note: str = ""
) -> Proposal:
    """Put a person's version of the payload in place of the current one, for approval.

    It is evaluated like any revision and may be blocked; approvals given so far are void. Where
    `rollback` is None, a rollback payload is kept only if the payload did not change: it would
    reverse something else. Raises what `decide` raises, and InvalidProposal.
    """
    locked = _lock_open(proposal_id, seen)
    roles = eligibility.require(by, locked.proposal, locked.surface)
    content = _edited(locked.proposal, locked.surface, payload=payload, rollback=rollback, note=note)
    judged = revisions.judge_again(locked.proposal, content, locked.now)
    was = locked.proposal.state
    revisions.new_content(locked.proposal, judged, at=locked.at, author=by, author_name=by.get_username())
    if judged.verdict.outcome is PolicyOutcome.DENY:
        locked.proposal.block()
    else:
        locked.proposal.edit()
    tier = judged.verdict.tier.slug if judged.verdict.tier else None
    return transitions.save(
        locked.proposal,
        "proposal.edited",
        was=was,
        by=by,
        at=locked.at,
        roles=[*sorted(roles)],
        verdict=judged.verdict.outcome.value,
        tier=tier,
        policy_version=judged.verdict.policy_number,
        policy_digest=judged.verdict.policy_digest,
    )


@with_limits
def preview_edit(*, proposal: Proposal, payload: Any, rollback: Any = None) -> Judgement:
    """Return what the policy would say of this edit; stores nothing. Raises InvalidProposal."""
    now = load_current(agent=proposal.agent_id, surface=proposal.surface_id)
    surface = now.policy.surfaces.get(proposal.surface_id)
    content = _edited(proposal, surface, payload=payload, rollback=rollback, note="")
    checked = check(ask_of(proposal), content, now)
    return judge(checked, context.look(checked.place(proposal.pk), now), is_in_review=True)


@transaction.atomic
def edit_and_approve(
    *,
    proposal_id: UUID,
    seen: SeenRevision,
    by: User,
    payload: Any,
    rollback: Any = None,
    note: str = "",
    comment: str = "",
    is_signed: bool = False,
    ticked: Collection[str] = (),
) -> Proposal:
    """Edit and approve in one act, where the surface lets one person do both.

    If the policy blocks the edit, the proposal is blocked and nothing is approved.
    """
    edited = edit(proposal_id=proposal_id, seen=seen, by=by, payload=payload, rollback=rollback, note=note)
    if edited.state != State.EDITED:
        return edited
    return decide(
        proposal_id=proposal_id,
        seen=SeenRevision(edited.revision.number, edited.revision.digest),
        by=by,
        verdict=Decision.Verdict.APPROVE,
        comment=comment,
        is_signed=is_signed,
        ticked=ticked,
    )


@in_force
def undo(*, proposal_id: UUID, by: User, comment: str = "", batch: UUID | None = None) -> Proposal:
    """Take an approval (by people or by policy) or a rejection back: it waits for people again.

    Only until its dispatch is claimed, and for a rejection until the deadline. With `batch`, only if the
    last word on the proposal is of that batch. Raises StateConflict, PolicyChanged or NotEligible.
    """
    locked = _lock(proposal_id)
    proposal, was = locked.proposal, locked.proposal.state
    right = eligibility.right(by, proposal, locked.surface)
    if was == State.REJECTED and proposal.deadline_at <= locked.at:
        raise StateConflict(_("The deadline has passed, so the rejection stands."))
    if was not in {State.APPROVED, State.REJECTED}:
        raise StateConflict(_("Only an approval or a rejection can be undone; this proposal is %s.") % was)
    if batch is not None and votes.last_batch(proposal) != batch:
        raise StateConflict(_("Somebody has decided on it since."))
    enforcement.require(proposal, locked.now, tells=True)
    if was == State.REJECTED:
        rejudgement.require_not_denied(proposal)
    dispatches.cancel(proposal)
    fresh = Proposal.deadline(
        at=locked.at, allowed=locked.surface.deadline, expires_at=proposal.expires_at, calendar=locked.surface.calendar
    )
    proposal.undo(deadline_at=max(proposal.deadline_at, fresh))
    timers.plan_again(proposal, locked.policy, locked.surface, at=locked.at)
    decision = votes.record(
        proposal,
        by=by,
        verdict=Decision.Verdict.UNDO,
        at=locked.at,
        comment=comment,
        batch=batch,
        absence=right.absence,
    )
    told = votes.ledger_data(decision, roles=right.roles, policy=locked.policy)
    return transitions.save(proposal, "proposal.undone", was=was, by=by, at=locked.at, **told)


def _lock(proposal_id: UUID) -> Locked:
    proposal = Proposal.objects.locked(proposal_id)
    now = load_current(agent=proposal.agent_id, surface=proposal.surface_id)
    surface = now.policy.surfaces.get(proposal.surface_id)
    if surface is None:
        raise StateConflict(_("The surface %s is not published.") % proposal.surface_id)
    return Locked(proposal, now, surface)


def _lock_open(proposal_id: UUID, seen: SeenRevision) -> Locked:
    """Lock a proposal on which people may decide, in the revision they saw."""
    locked = _lock(proposal_id)
    proposal = locked.proposal
    if (proposal.revision.number, proposal.revision.digest) != (seen.number, seen.digest):
        current = proposal.revision
        raise StaleRevision.of(seen=seen.number, current=current.number, author=current.author_name)
    if proposal.state not in OPEN:
        state = proposal.get_state_display().lower()
        raise StateConflict(_("This proposal is %s; there is nothing to decide.") % state)
    if proposal.deadline_at <= locked.at:
        raise StateConflict(_("The deadline has passed: the proposal has expired."))
    return locked


def _move(locked: Locked, verdict: Decision.Verdict, ballot: Ballot, vote: Vote, *, by: User) -> None:
    """Move the proposal to where this decision takes it, unsaved."""
    if transition := VERDICTS[verdict].transition:
        getattr(locked.proposal, transition)()
    else:
        _count(locked, ballot, vote, by=by)


def _save(locked: Locked, decision: Decision, *, was: str, by: User, data: dict[str, JsonValue]) -> Proposal:
    """Write down where the decision has taken the proposal, and enqueue what may ship."""
    proposal, at = locked.proposal, locked.at
    said: dict[str, JsonValue] = {"decision": str(decision.verdict), "reason_code": decision.reason_code}
    transitions.save(proposal, "proposal.decided", was=was, by=by, at=at, **said, **data)
    if proposal.state == State.APPROVED:
        dispatches.enqueue(proposal, connector=locked.surface.connector, at=at)
    return proposal


def _count(locked: Locked, ballot: Ballot, vote: Vote, *, by: User) -> None:
    """Move the proposal to where this vote takes it; ask the next stage where it opens one."""
    proposal, after = locked.proposal, ballot.cast(vote).explained()
    match after.outcome:
        case Result.APPROVED:
            proposal.approve(release_at=locked.at + locked.surface.undo_window)
        case Result.REJECTED:
            proposal.reject()
        case Result.OPEN:
            was_open = ballot.open_stages()
            if was_open and (roles := after.asked_since(was_open)):
                occasions.enqueue(NoticeKind.WAITS_FOR_YOU, proposal, roles=sorted(roles), by=by, at=locked.at)


def _edited(proposal: Proposal, surface: SurfacePolicy | None, *, payload: Any, rollback: Any, note: str) -> Content:
    """Return a person's version of a proposal."""
    revision = proposal.revision
    if rollback is None and canonical.encode(payload) == bytes(revision.body):
        rollback = revision.rollback
    return replace(content_of(revision, surface), payload=payload, rollback=rollback, note=plain_text.kept(note))
