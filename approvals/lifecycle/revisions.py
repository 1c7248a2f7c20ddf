"""The next revision of a proposal, by its agent or by a person: judged, stored, made the current one."""

from datetime import datetime
from typing import Any
from uuid import UUID

from approvals.errors import EditRefused
from approvals.evaluation import context, requirements
from approvals.evaluation.judgement import (
    Content,
    Judgement,
    check,
    judge,
    new_revision,
    new_verdict,
    put_before_people,
)
from approvals.evaluation.stored_content import ask_of
from approvals.lifecycle import assessment
from approvals.models import Proposal
from approvals.uploads import named_rows
from policies.engine.payloads import FieldError
from policies.facts.facts import Effect, Finding
from policies.guardrails.text.paths import BESIDE
from policies.models import Agent
from policies.publishing.current import Current


def lock_own(agent: Agent, proposal_id: UUID) -> Proposal:
    """Lock one of the agent's own proposals. Raises Proposal.DoesNotExist for anybody else's."""
    proposal: Proposal = Proposal.objects.filter(agent=agent).locked(proposal_id)
    return proposal


def judge_again(proposal: Proposal, content: Content, now: Current) -> Judgement:
    """Judge a new revision of a locked proposal amid what goes on around it, and hold that still."""
    checked = check(ask_of(proposal), content, now)
    return judge(checked, context.hold(checked.place(proposal.pk), now), is_in_review=True)


def require_unbroken_guardrails(judged: Judgement) -> None:
    """Check that no guardrail denies what a person has written; nothing they typed is lost then.

    Raises EditRefused with every place, as a pointer into the payload, the note, or what the agent says beside it.
    """
    broken = [finding for finding in judged.facts.findings if finding.effect is Effect.DENY]
    if broken:
        raise EditRefused([FieldError(_place(one.at), "guardrail", _sentence(one)) for one in broken])


def _place(pointer: str) -> str:
    return pointer.removeprefix(BESIDE) if pointer.startswith(BESIDE) else f"/payload{pointer}"


def _sentence(finding: Finding) -> str:
    return f"{finding.text} “{finding.excerpt}”" if finding.excerpt else finding.text


def new_content(proposal: Proposal, judged: Judgement, *, at: datetime, **author: Any) -> None:
    """Store the next revision of a locked proposal with its verdict, and make it the current one.

    Call it before the transition.
    """
    revision = new_revision(judged, proposal_id=proposal.pk, number=proposal.revision.number + 1, at=at, **author)
    verdict = new_verdict(judged, revision=revision, at=at)
    revision.save(force_insert=True)
    verdict.save(force_insert=True)
    named_rows.bind(bytes(revision.body), revision.rollback_body, proposal.pk)
    put_before_people(proposal, revision, verdict, tags=judged.tags)
    requirements.tighten(proposal, judged.policy, judged.surface, judged.verdict)
    proposal.is_to_be_assessed = assessment.is_wanted(proposal)
    assessment.wake_for(proposal)
    context.relink(proposal, list(judged.around.conflicts), at=at)
