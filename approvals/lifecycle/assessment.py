"""Ask a model about the checklist of what waits for people, apart from any transaction.

What it says is kept beside the item. Its "no" can raise the tier, as a new verdict of the same revision by
the same policy version; nothing it says lowers one, and where it says nothing, nothing changes. A sweep
finds what a lost wake-up left.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from approvals import transitions
from approvals.evaluation import model_check, requirements
from approvals.evaluation.content_checks import as_fact
from approvals.evaluation.judgement import stored_verdict
from approvals.evaluation.model_check import Endpoint
from approvals.models import OPEN, Assessment, Decision, Proposal, Revision
from approvals.outbox.wakeups import wake
from audit.canonical import JsonValue
from audit.clock import database_now
from policies import guardrails
from policies.engine.evaluation import evaluate
from policies.facts import stored_facts
from policies.facts.facts import Finding
from policies.guardrails import GuardrailPolicy
from policies.publishing.publish import compiled

ASSESS_TASK: Final = "approvals.tasks.assess_waiting"
BATCH: Final = 20
_LOCK: Final = 0x48495404


def is_wanted(proposal: Proposal) -> bool:
    """Whether a model is to be asked about the current revision of `proposal`."""
    return bool(proposal.checklist) and bool(settings.LLM_BASE_URL) and proposal.state in OPEN


def wake_for(proposal: Proposal) -> None:
    """Wake a worker after the commit, if a model is to be asked."""
    if proposal.is_to_be_assessed:
        wake(ASSESS_TASK)


def assess_waiting(*, most: int = BATCH) -> int:
    """Ask about up to `most` proposals, one after the other, and return how many that were.

    Asks over the network, for up to a minute for each proposal: never call it inside a transaction. One
    worker at a time does it, so that nothing is asked twice; another one returns at once.
    """
    endpoint = model_check.configured()
    if endpoint is None:
        return 0
    with _alone() as is_alone:
        waiting = Proposal.objects.filter(is_to_be_assessed=True).order_by("id")
        chosen = list(waiting.select_related("revision", "verdict")[:most]) if is_alone else []
        for proposal in chosen:
            _assess(proposal, endpoint)
    return len(chosen)


@contextmanager
def _alone() -> Iterator[bool]:
    """Tell whether no other worker is inside; it ends with the connection at the latest."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        (is_alone,) = cursor.fetchone()
        try:
            yield bool(is_alone)
        finally:
            if is_alone:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def _assess(proposal: Proposal, endpoint: Endpoint) -> None:
    items = _items(proposal) if proposal.state in OPEN else []
    answers = model_check.assess(items, proposal.revision.payload, endpoint=endpoint)
    findings = tuple(as_fact(finding) for finding in model_check.findings(items, answers))
    _keep(proposal.pk, proposal.revision, answers, findings, model_name=endpoint.model)


def _items(proposal: Proposal) -> list[GuardrailPolicy]:
    """Return the checklist items that the policy of the current verdict has."""
    policy = compiled(proposal.verdict.policy_version_id, proposal.verdict.policy_digest)
    here = guardrails.for_surface(policy.guardrails, proposal.surface_id)
    return list(guardrails.checklist(here))


@transaction.atomic
def _keep(
    proposal_id: UUID,
    revision: Revision,
    answers: Sequence[model_check.GuardrailAssessment],
    findings: tuple[Finding, ...],
    *,
    model_name: str,
) -> None:
    """Keep what the model said, unless the proposal has moved on meanwhile."""
    proposal = Proposal.objects.locked(proposal_id)
    if not proposal.is_to_be_assessed or proposal.revision_id != revision.pk:
        return  # another worker was quicker, or the next revision is still to be assessed
    at = database_now()
    proposal.is_to_be_assessed = False
    Assessment.objects.bulk_create(
        Assessment(
            revision=revision,
            item=answer.guardrail,
            answer=answer.answer.value,
            quotation=answer.quotation,
            pointer=answer.pointer,
            start=answer.start,
            end=answer.end,
            model_name=model_name,
            at=at,
        )
        for answer in answers
    )
    if findings and proposal.state in OPEN and not _has_votes(proposal):
        _judge_with(proposal, findings)
    data: dict[str, JsonValue] = {answer.guardrail: answer.answer.value for answer in answers}
    transitions.save(proposal, "proposal.assessed", was=proposal.state, by=None, at=at, answers=data, model=model_name)


def _has_votes(proposal: Proposal) -> bool:
    """Whether somebody has approved already: what they were asked for then must not change behind them."""
    return proposal.decisions.filter(revision=proposal.revision_id, verdict=Decision.Verdict.APPROVE).exists()


def _judge_with(proposal: Proposal, findings: tuple[Finding, ...]) -> None:
    """Evaluate the current revision once more, with what the model found. It can only become stricter."""
    last, revision = proposal.verdict, proposal.revision
    policy = compiled(last.policy_version_id, last.policy_digest)
    facts = stored_facts.read(last.facts, payload=revision.payload, before=revision.before, at=last.at)
    facts = replace(facts, findings=(*facts.findings, *findings))
    policy_verdict = evaluate(policy, facts)
    verdict = stored_verdict(policy_verdict, facts, revision=revision, at=database_now())
    verdict.save(force_insert=True)
    proposal.verdict = verdict
    proposal.tier_id = verdict.tier_id
    requirements.tighten(proposal, policy, policy.surfaces[proposal.surface_id], policy_verdict)
