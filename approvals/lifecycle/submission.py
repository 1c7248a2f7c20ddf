"""From an agent's words to a proposal: submit, revise, withdraw, report an outcome, or only ask."""

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
    new_revision,
    new_verdict,
    put_before_people,
)
from approvals.evaluation.limits import with_limits
from approvals.lifecycle import agent_texts, assessment, revisions
from approvals.models import Dispatch, Outcome, Proposal, State
from approvals.models.ids import uuid7
from approvals.models.together import Statement, first_history, insert_together
from approvals.notices import occasions
from approvals.outbox.addresses import read_url
from approvals.outbox.http import DeliveryRefused, check_url
from approvals.people import provenance, timers
from approvals.shipping import dispatches
from audit.clock import database_now
from audit.ledger import entries
from policies import currencies
from policies.actors import actor
from policies.engine.evaluation import PolicyOutcome
from policies.engine.payloads import FieldError
from policies.models import Agent, ApiKey
from policies.publishing.current import load_current


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
    expires_at: datetime | None = None


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
    judged = judge(checked, context.hold(checked.place(), now), is_in_review=False)
    proposal = _new_proposal(agent, draft, judged, key, at=now.at)
    behind = provenance.told(proposal.revision)
    entry = transitions.entry(proposal, "proposal.submitted", was="", by=agent, at=now.at, **_told(judged), **behind)
    rows = [proposal, first_history(proposal, at=now.at), proposal.revision, proposal.verdict, entry]
    dispatch = None
    if proposal.state == State.APPROVED:
        dispatch = dispatches.new_dispatch(proposal, connector=judged.surface.connector, at=now.at)
        rows.append(dispatch)
    then = context.joining(proposal, judged.around)
    if proposal.state == State.PENDING:
        steps_ahead = timers.planned(judged.policy, judged.surface)
        then.append(timers.planning(proposal, steps_ahead, judged.surface, at=now.at))
    return Submission(proposal, dispatch, [*rows, *occasions.first(proposal, at=now.at)], then)


def store(made: Submission, more: Sequence[Model] = ()) -> Proposal:
    """Store a submission and `more` rows in one statement, so that they stand or fall together."""
    insert_together([*made.rows, *more], *made.then)
    if made.dispatch is not None:
        dispatches.wake_for(made.proposal, at=made.proposal.created_at)
    assessment.wake_for(made.proposal)
    return made.proposal


_INITIAL = {
    PolicyOutcome.ALLOW: State.APPROVED,
    PolicyOutcome.REQUIRE_APPROVAL: State.PENDING,
    PolicyOutcome.DENY: State.BLOCKED,
}


_AS_SENT: Final = tuple(field.name for field in fields(NewProposal) if field.name not in {"surface", "content", "tags"})
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
    told = {**_told(judged), **provenance.told(proposal.revision)}
    return transitions.save(proposal, "proposal.revised", was=was, by=agent, at=now.at, **told)


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


@transaction.atomic
def report_outcome(
    *, agent: Agent, proposal_id: UUID, metric: str, value: float, unit: str, observed_at: datetime, note: str
) -> Outcome:
    """Record what a shipped action did in the world. Raises StateConflict before it was shipped."""
    proposal: Proposal = revisions.lock_own(agent, proposal_id)
    if proposal.state not in {State.SHIPPED, State.ROLLED_BACK}:
        raise StateConflict(f"Outcomes are reported of what was shipped; this proposal is {proposal.state}.")
    at = database_now()
    outcome = Outcome.objects.create(
        proposal=proposal,
        value=value,
        observed_at=observed_at,
        note=agent_texts.kept_note(note),
        reported_at=at,
        **agent_texts.kept_lines(metric=metric, unit=unit),
    )
    entries.record(
        "outcome.reported",
        subject=f"proposal:{proposal.pk}",
        actor=actor(agent),
        at=at,
        data={"outcome": str(outcome.pk), "metric": outcome.metric, "value": value},
    )
    return outcome


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
    found = []
    if draft.expires_at is not None and draft.expires_at <= at:
        found.append(FieldError("/expires_at", "in_the_past", "It has passed already."))
    if draft.currency and not currencies.is_known(draft.currency):
        detail = f"{draft.currency} is no currency. {currencies.HINT}"
        found.append(FieldError("/currency", "unknown_currency", detail))
    if draft.callback_url:
        found += _callback_faults(agent, draft.callback_url)
    if found:
        raise InvalidProposal(found)


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


def _told(judged: Judgement) -> dict[str, Any]:
    verdict = judged.verdict
    return {
        "verdict": verdict.outcome.value,
        "tier": verdict.tier.slug if verdict.tier else None,
        "policy_version": verdict.policy_number,
        "policy_digest": verdict.policy_digest,
    }
