"""Submit, revise and withdraw proposals, report outcomes, or only evaluate: the agents' side of a life."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Model

from approvals import transitions
from approvals.errors import InvalidProposal, StateConflict
from approvals.evaluation import context, requirements, stored_content
from approvals.evaluation.judgement import (
    Ask,
    Content,
    Judgement,
    check,
    judge,
    judge_new,
    new_revision,
    new_verdict,
    put_before_people,
)
from approvals.evaluation.limits.recount import with_limits
from approvals.lifecycle import agent_texts, assessment, revisions
from approvals.models import Dispatch, Proposal, State
from approvals.models.ids import uuid7
from approvals.models.stored_row import Statement
from approvals.models.together import FIRST, history_row, insert_together
from approvals.notices import occasions
from approvals.outbox import callbacks, statements
from approvals.outbox.addresses import read_url
from approvals.outbox.callbacks import Announcement
from approvals.outbox.http import DeliveryRefused, check_url
from approvals.people import provenance, timers
from approvals.shipping import dispatches
from approvals.uploads import named_rows
from audit.clock import database_now
from policies import currencies
from policies.engine.evaluation import PolicyOutcome
from policies.engine.payloads import FieldError
from policies.models import Agent, ApiKey
from policies.publishing.current import load_current
from policies.registry.standing import uses as standing_uses


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProposal:
    """A proposal as an agent sends it, checked for form but not yet for sense."""

    surface: str
    action: str
    title: str
    content: Content
    rationale: str = ""
    trigger: Any = None
    evidence: Sequence[Any] = ()
    metrics: Sequence[Any] = ()
    expected_outcome: Any = None
    currency: str = ""
    targets: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    model: Any = None
    callback_url: str = ""
    callback_when: str = ""
    """Empty for what the agent usually gets."""
    expires_at: datetime | None = None
    traceparent: str = ""


@with_limits
def evaluate(*, agent: Agent, draft: NewProposal) -> Judgement:
    """Return the verdict that `draft` would get now; stores nothing. Raises InvalidProposal."""
    draft = agent_texts.kept(draft)
    now = load_current(agent=agent.slug, surface=draft.surface)
    checked = check(_ask(agent, draft), draft.content, now)
    _require_sense(agent, draft, at=now.at)
    return judge(checked, context.look(checked.place(), now), is_in_review=False)


@dataclass(frozen=True, slots=True)
class Submission:
    """A proposal that is judged and made up but not stored; the transaction holds all that its verdict rests on."""

    proposal: Proposal
    dispatch: Dispatch | None
    rows: Sequence[Model]
    then: Sequence[Statement]


@with_limits
def submit(*, agent: Agent, draft: NewProposal, key: ApiKey | None = None) -> Proposal:
    """Store `draft` as a proposal in the state that the policy gives it: pending, approved or blocked.

    `key` is what the agent proved itself with; who issued it and who owns the agent never decide on the proposal.
    Raises InvalidProposal; then nothing is written.
    """
    return store(prepare(agent=agent, draft=draft, key=key))


def prepare(*, agent: Agent, draft: NewProposal, key: ApiKey | None = None) -> Submission:
    """Judge `draft` under the locks that its verdict needs, for a caller that stores it in the same transaction.

    Call it inside `with_limits`. Raises InvalidProposal and NotCounted.
    """
    draft = agent_texts.kept(draft)
    now = load_current(agent=agent.slug, surface=draft.surface)
    checked = check(_ask(agent, draft), draft.content, now)
    _require_sense(agent, draft, at=now.at)
    checked = replace(checked, standing=standing_uses.hold(now))
    judged = judge_new(checked)
    proposal = _new_proposal(agent, draft, judged, key, at=now.at)
    data = {**statements.judged(judged.verdict), **statements.submitted(proposal)}
    data |= provenance.ledger_data(proposal.revision)
    data |= _passing(proposal)
    entry = transitions.entry(proposal, "proposal.submitted", was="", by=agent, at=now.at, **data)
    statement = statements.by_policy(proposal.verdict)
    rows = [proposal, history_row(proposal, FIRST, at=now.at), proposal.revision, proposal.verdict, entry]
    dispatch = None
    if proposal.state == State.APPROVED:
        dispatch = dispatches.new_dispatch(proposal, connector=judged.surface.connector, decision=statement, at=now.at)
        rows.append(dispatch)
    rows += callbacks.first(proposal, at=now.at, announcement=Announcement(decision=statement))
    then = _use(proposal)
    if binding := named_rows.binding(judged.body, proposal.revision.rollback_body, proposal.pk):
        then.append(binding)
    if proposal.state == State.PENDING:
        steps_ahead = timers.planned(judged.policy, judged.surface)
        then.append(timers.planning(proposal, steps_ahead, judged.surface, at=now.at))
    # Last, because it may lock what others wait for.
    then += context.joining(proposal, judged.around)
    return Submission(proposal, dispatch, [*rows, *occasions.first(proposal, at=now.at)], then)


def _passing(proposal: Proposal) -> dict[str, Any]:
    """Return what the ledger is told of the standing approval by which a proposal passes, if by any."""
    given = proposal.standing_approval
    return {} if given is None else {"standing_approval": given}


def _use(proposal: Proposal) -> list[Statement]:
    given = proposal.standing_approval
    return [] if given is None else [Statement(standing_uses.COUNT, [given])]


def store(made: Submission, more: Sequence[Model] = ()) -> Proposal:
    """Store a submission and `more` rows with one message, so that they stand or fall together.

    The message ends the transaction, so that wake-ups for after it are noted before.
    """
    if made.dispatch is not None:
        dispatches.wake_for(made.proposal, at=made.proposal.created_at)
    assessment.wake_for(made.proposal)
    callbacks.wake_for(made.proposal)
    insert_together([*made.rows, *more], *made.then, is_last=True)
    return made.proposal


_INITIAL = {
    PolicyOutcome.ALLOW: State.APPROVED,
    PolicyOutcome.REQUIRE_APPROVAL: State.PENDING,
    PolicyOutcome.DENY: State.BLOCKED,
}


_ELSEWHERE: Final = frozenset({"surface", "content", "tags", "callback_when"})
_AS_SENT: Final = tuple(field.name for field in fields(NewProposal) if field.name not in _ELSEWHERE)
"""What a proposal holds under the name and as the agent sent it."""


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _new_proposal(agent: Agent, draft: NewProposal, judged: Judgement, key: ApiKey | None, *, at: datetime) -> Proposal:
    identifier = uuid7()
    revision = new_revision(judged, proposal_id=identifier, number=1, at=at, **provenance.author(agent, key))
    verdict = new_verdict(judged, revision=revision, at=at)
    state = _INITIAL[judged.verdict.outcome]
    is_cleared = state == State.APPROVED and judged.verdict.tier is not None
    proposal: Proposal = Proposal(
        id=identifier,
        agent=agent,
        surface_id=draft.surface,
        **{name: _plain(getattr(draft, name)) for name in _AS_SENT},
        callback_when=draft.callback_when or agent.callback_when,
        created_at=at,
        updated_at=at,
        state=state,
        owner_id=judged.surface.owner,
        deadline_at=Proposal.deadline(
            at=at, allowed=judged.surface.deadline, expires_at=draft.expires_at, calendar=judged.surface.calendar
        ),
        release_at=at + judged.verdict.tier.hold if is_cleared and judged.verdict.tier else None,
        approved_digest=revision.digest if is_cleared else "",
    )
    provenance.write(proposal, agent, key)
    put_before_people(proposal, revision, verdict, tags=judged.tags)
    requirements.write(proposal, judged.policy, judged.surface, judged.verdict)
    proposal.is_to_be_assessed = assessment.is_wanted(proposal)
    return proposal


@with_limits
def revise(*, agent: Agent, proposal_id: UUID, content: Content, key: ApiKey | None = None) -> Proposal:
    """Put a new payload by the agent before people, while the proposal is pending or was returned.

    It is judged afresh and never passes by itself, since people already look. Votes so far are void. Who owns the
    agent now, or issued `key`, never decides on the proposal from then on.
    Raises Proposal.DoesNotExist, StateConflict or InvalidProposal.
    """
    content = replace(content, note=agent_texts.kept_note(content.note))
    proposal: Proposal = revisions.lock_own(agent, proposal_id)
    now = load_current(agent=agent.slug, surface=proposal.surface_id)
    was = proposal.state
    if was not in {State.PENDING, State.RETURNED}:
        raise StateConflict(f"A proposal can be revised while it is pending or returned; this one is {was}.")
    if proposal.deadline_at <= now.at:
        raise StateConflict("The deadline has passed: the proposal has expired.")
    judged = revisions.judge_again(proposal, content, now)
    author = provenance.author(agent, key)
    revisions.new_content(proposal, judged, at=now.at, **author)
    proposal.keep_away(author["agent_owner_id"], author["key_issuer_id"])
    if judged.verdict.outcome is PolicyOutcome.DENY:
        proposal.block()
    else:
        # A pending proposal keeps its deadline: revising must not be a way to be given more time.
        fresh = Proposal.deadline(
            at=now.at, allowed=judged.surface.deadline, expires_at=proposal.expires_at, calendar=judged.surface.calendar
        )
        proposal.revise(deadline_at=fresh if was == State.RETURNED else proposal.deadline_at)
        if was == State.RETURNED:
            timers.plan_again(proposal, judged.policy, judged.surface, at=now.at)
    data = {**statements.judged(judged.verdict), **statements.asked(proposal)}
    data |= provenance.ledger_data(proposal.revision)
    beside = transitions.NOTHING
    return transitions.save(proposal, "proposal.revised", was=was, by=agent, at=now.at, beside=beside, **data)


@transaction.atomic
def withdraw(*, agent: Agent, proposal_id: UUID) -> Proposal:
    """Take a proposal back before its dispatch is claimed. Raises StateConflict after that."""
    proposal: Proposal = revisions.lock_own(agent, proposal_id)
    was = proposal.state
    if was == State.WITHDRAWN:
        return proposal
    if was not in {State.PENDING, State.EDITED, State.RETURNED, State.APPROVED}:
        raise StateConflict(f"A proposal that is {was} cannot be withdrawn.")
    at = database_now()
    if was != State.APPROVED and proposal.deadline_at <= at:
        raise StateConflict("The deadline has passed: the proposal has expired.")
    dispatches.cancel(proposal)
    proposal.withdraw()
    return transitions.save(proposal, "proposal.withdrawn", was=was, by=agent, at=at)


def _ask(agent: Agent, draft: NewProposal) -> Ask:
    return Ask(
        agent=agent.slug,
        surface=draft.surface,
        action=draft.action,
        currency=draft.currency,
        targets=draft.targets,
        tags=draft.tags,
        model=draft.model,
        expires_at=draft.expires_at,
        texts=stored_content.beside(draft),
    )


def _require_sense(agent: Agent, draft: NewProposal, *, at: datetime) -> None:
    faults = []
    if draft.expires_at is not None and draft.expires_at <= at:
        faults.append(FieldError("/expires_at", "in_the_past", "It has passed already."))
    if draft.currency and not currencies.is_known(draft.currency):
        detail = f"{draft.currency} is no currency. {currencies.HINT}"
        faults.append(FieldError("/currency", "unknown_currency", detail))
    if draft.callback_url:
        faults += _callback_faults(agent, draft.callback_url)
    if faults:
        raise InvalidProposal(faults)


def _callback_faults(agent: Agent, url: str) -> list[FieldError]:
    """Say what is wrong with a callback address, read by the same eyes that will connect to it."""
    try:
        check_url(url)
        host = read_url(url).host
    except DeliveryRefused as refused:
        return [FieldError("/callback_url", "address_refused", refused.reason)]
    if host in agent.callback_hosts:
        return []
    return [FieldError("/callback_url", "host_not_listed", f"{host} is not on this agent's list of callback hosts.")]
