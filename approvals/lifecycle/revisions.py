"""The next revision of a proposal, by its agent or by a person: judged, stored, made the current one."""

from datetime import datetime
from typing import Any
from uuid import UUID

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


def new_content(proposal: Proposal, judged: Judgement, *, at: datetime, **author: Any) -> None:
    """Store the next revision of a locked proposal with its verdict, and make it the current one.

    Call it before the transition.
    """
    revision = new_revision(judged, proposal_id=proposal.pk, number=proposal.revision.number + 1, at=at, **author)
    verdict = new_verdict(judged, revision=revision, at=at)
    revision.save(force_insert=True)
    verdict.save(force_insert=True)
    put_before_people(proposal, revision, verdict, tags=judged.tags)
    requirements.tighten(proposal, judged.policy, judged.surface, judged.verdict)
    proposal.is_to_be_assessed = assessment.is_wanted(proposal)
    assessment.wake_for(proposal)
    context.relink(proposal, list(judged.around.conflicts), at=at)
