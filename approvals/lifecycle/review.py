"""Record people's decisions and edits. The only writer of decisions and of people's revisions."""

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
from approvals.evaluation.limits.recount import with_limits
from approvals.evaluation.stored_content import ask_of, content_of
from approvals.lifecycle import decision_rules, revisions
from approvals.lifecycle.decision_rules import DecisionInput
from approvals.models import OPEN, Decision, NoticeKind, Occasion, Proposal, State
from approvals.models.decision import DecisionAnswer
from approvals.models.verdicts import VERDICTS
from approvals.notices import occasions
from approvals.outbox import callbacks, statements
from approvals.outbox.callbacks import Announcement
from approvals.people import eligibility, held_roles, timers, votes
from approvals.people.eligibility import Right
from approvals.people.tally import Result, Vote
from approvals.people.votes import Ballot
from approvals.shipping import dispatches, enforcement, rejudgement
from approvals.shipping.enforcement import in_force
from approvals.transitions import Beside
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
    from_line: bool = False,
    hides: bool = False,
) -> Proposal:
    """Record one person's decision, and resolve the proposal if that settles it.

    `is_signed`: the person has just signed in again; `ticked`: the items of the checklist they ticked, all to approve.
    `batch` ties it to what is decided together with it. `via` names a channel other than the portal's pages, and
    `only_reviews` the kinds of review that may be decided from there; `from_line` asks that one look at a line is
    enough for it. It `hides` the proposal from people who may not see it: to them there is none. Raises
    Proposal.DoesNotExist, StaleRevision, StateConflict, PolicyChanged, NotEligible, NotInBatch, SignatureRequired or
    ReasonRequired; then nothing is decided.
    """
    sent = DecisionInput(verdict, reason_code, comment, is_signed, frozenset(ticked), batch)
    locked = lock(proposal_id)
    held = held_roles.read(by)
    if hides and not eligibility.sees(by, locked.proposal, held):
        raise Proposal.DoesNotExist
    require_open(locked, seen)
    enforcement.require(locked.proposal, locked.now, tells=sent.is_approval)
    if only_reviews:
        decision_rules.require_within_reach(locked.proposal, locked.policy, only_reviews)
    if from_line:
        decision_rules.require_quick(locked.proposal, locked.policy)
    ballot = votes.load(locked.proposal)
    right = eligibility.right(by, locked.proposal, locked.surface, approving=sent.is_approval, ballot=ballot, held=held)
    decision_rules.require(locked.proposal, locked.policy, sent)
    return _decide(locked, ballot, right, sent, by=by, via=via)


@with_limits
def edit(
    *, proposal_id: UUID, seen: SeenRevision, by: User, payload: Any, rollback: Any = None, note: str = ""
) -> Proposal:
    """Put a person's version of the payload in place of the current one, for approval.

    It is evaluated like any revision and may be blocked; approvals given so far are void. Where
    `rollback` is None, a rollback payload is kept only if the payload did not change: it would
    reverse something else. Raises what `decide` raises, and InvalidProposal; EditRefused where a guardrail denies it.
    """
    locked = lock(proposal_id)
    require_open(locked, seen)
    roles = eligibility.require(by, locked.proposal, locked.surface)
    content = _edited(locked.proposal, locked.surface, payload=payload, rollback=rollback, note=note)
    judged = revisions.judge_again(locked.proposal, content, locked.now)
    revisions.require_unbroken_guardrails(judged)
    was = locked.proposal.state
    revisions.new_content(locked.proposal, judged, at=locked.at, author=by, author_name=by.get_username())
    if judged.verdict.outcome is PolicyOutcome.DENY:
        locked.proposal.block()
    else:
        locked.proposal.edit()
    words: dict[str, JsonValue] = {**statements.judged(judged.verdict), **statements.asked(locked.proposal)}
    announcement = Announcement(decision=statements.by_editor(roles=roles, note=content.note, at=locked.at))
    return transitions.save(
        locked.proposal,
        "proposal.edited",
        was=was,
        by=by,
        at=locked.at,
        beside=Beside(said=announcement),
        roles=[*sorted(roles)],
        comment=content.note,
        **words,
    )


@with_limits
def preview_edit(*, proposal: Proposal, payload: Any, rollback: Any = None) -> Judgement:
    """Return what the policy would say of this edit; stores nothing. Raises InvalidProposal and EditRefused."""
    now = load_current(agent=proposal.agent_id, surface=proposal.surface_id)
    surface = now.policy.surfaces.get(proposal.surface_id)
    content = _edited(proposal, surface, payload=payload, rollback=rollback, note="")
    checked = check(ask_of(proposal), content, now)
    judged = judge(checked, context.look(checked.place(proposal.pk), now), is_in_review=True)
    revisions.require_unbroken_guardrails(judged)
    return judged


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
    locked = lock(proposal_id)
    proposal, was = locked.proposal, locked.proposal.state
    right = eligibility.right(by, proposal, locked.surface)
    if was == State.REJECTED and proposal.deadline_at <= locked.at:
        raise StateConflict(_("The deadline has passed, so the rejection stands."))
    if was not in {State.APPROVED, State.REJECTED}:
        raise StateConflict(_("Only an approval or a rejection can be undone; this proposal is %s.") % was)
    if batch is not None and votes.last_batch(proposal) != batch:
        raise StateConflict(_("Someone has decided on it since."))
    enforcement.require(proposal, locked.now, tells=True)
    if was == State.REJECTED:
        rejudgement.require_not_denied(proposal)
    dispatches.cancel(proposal)
    if was == State.REJECTED:
        callbacks.take_back(proposal)
    fresh = Proposal.deadline(
        at=locked.at, allowed=locked.surface.deadline, expires_at=proposal.expires_at, calendar=locked.surface.calendar
    )
    proposal.undo(deadline_at=max(proposal.deadline_at, fresh))
    timers.plan_again(proposal, locked.policy, locked.surface, at=locked.at)
    decision = votes.new_decision(
        proposal,
        by=by,
        roles=right.roles,
        verdict=Decision.Verdict.UNDO,
        at=locked.at,
        comment=comment,
        batch=batch,
        absence=right.absence,
    )
    data = votes.ledger_data(decision, policy=locked.policy)
    beside = Beside(rows=[decision], said=Announcement(decision=statements.by_person(decision)))
    return transitions.save(proposal, "proposal.undone", was=was, by=by, at=locked.at, beside=beside, **data)


def lock(proposal_id: UUID) -> Locked:
    """Lock a proposal with what is in force on its surface. Raises Proposal.DoesNotExist or StateConflict."""
    proposal = Proposal.objects.locked_whole(proposal_id)
    now = load_current(agent=proposal.agent_id, surface=proposal.surface_id)
    surface = now.policy.surfaces.get(proposal.surface_id)
    if surface is None:
        raise StateConflict(_("The surface %s is not published.") % proposal.surface_id)
    return Locked(proposal, now, surface)


def require_open(locked: Locked, seen: SeenRevision) -> None:
    """Check that people may decide on a locked proposal, in the revision they saw. Raises StateConflict."""
    proposal = locked.proposal
    if (proposal.revision.number, proposal.revision.digest) != (seen.number, seen.digest):
        current = proposal.revision
        raise StaleRevision.of(seen=seen.number, current=current.number, author=current.author_name)
    if proposal.state not in OPEN:
        state = proposal.get_state_display().lower()
        raise StateConflict(_("This proposal is %s; there is nothing to decide.") % state)
    if proposal.deadline_at <= locked.at:
        raise StateConflict(_("The deadline has passed: the proposal has expired."))


def _decide(locked: Locked, ballot: Ballot, right: Right, sent: DecisionInput, *, by: User, via: str) -> Proposal:
    """Move the proposal to where the decision takes it, and write that down together with what may ship now."""
    proposal, was, at = locked.proposal, locked.proposal.state, locked.at
    decision = votes.new_decision(proposal, by=by, roles=right.roles, at=at, absence=right.absence, **sent.columns())
    occasions_due: list[Occasion] = []
    if transition := VERDICTS[sent.verdict].transition:
        getattr(proposal, transition)()
    else:
        occasions_due = _count(locked, ballot, right.vote(by, is_approval=sent.is_approval), by=by)
    data = votes.ledger_data(decision, policy=locked.policy)
    entry_data: dict[str, JsonValue] = {"decision": str(sent.verdict), "reason_code": sent.reason_code, **data}
    statement = statements.by_person(decision, approvals=ballot.approvals)
    announcement = Announcement(decision=statement, final_at=at + locked.surface.undo_window)
    beside = Beside(rows=[decision, *occasions_due], said=announcement)
    more: dict[str, JsonValue] = {"via": via} if via else {}
    transitions.save(proposal, "proposal.decided", was=was, by=by, at=at, beside=beside, **entry_data, **more)
    dispatch = None
    if proposal.state == State.APPROVED:
        dispatch = dispatches.enqueue(proposal, connector=locked.surface.connector, decision=statement, at=at)
    proposal.decided = DecisionAnswer((*ballot.decisions, decision), dispatch)
    return proposal


def _count(locked: Locked, ballot: Ballot, vote: Vote, *, by: User) -> list[Occasion]:
    """Move the proposal to where this vote takes it; return the asking of the next stage where it opens one."""
    proposal, after = locked.proposal, ballot.cast(vote).explained()
    match after.outcome:
        case Result.APPROVED:
            proposal.approve(release_at=locked.at + locked.surface.undo_window)
        case Result.REJECTED:
            proposal.reject()
        case Result.OPEN:
            was_open = ballot.open_stages()
            if was_open and (roles := after.asked_since(was_open)):
                return [occasions.asking(NoticeKind.WAITS_FOR_YOU, proposal, roles=sorted(roles), by=by, at=locked.at)]
    return []


def _edited(proposal: Proposal, surface: SurfacePolicy | None, *, payload: Any, rollback: Any, note: str) -> Content:
    """Return a person's version of a proposal."""
    revision = proposal.revision
    if rollback is None and canonical.encode(payload) == bytes(revision.body):
        rollback = revision.rollback
    return replace(content_of(revision, surface), payload=payload, rollback=rollback, note=plain_text.kept(note))
