"""I3: nothing is lost. What an agent was told has its row, and every approval is on its way or accounted for."""

import json
from collections.abc import Iterator
from typing import Final
from uuid import UUID

from django.db import connection

from approvals.models import Outcome, Proposal
from audit.invariants import Breach, Invariant, none

BATCH: Final = 2000
CREATED: Final = 201

_SUBMITTED_ONCE = none(
    "A proposal has no entry of its submission, or more than one.",
    """
    SELECT proposal.id
      FROM approvals_proposal AS proposal
      LEFT JOIN audit_entry AS entry
        ON entry.subject = 'proposal:' || proposal.id AND entry.kind = 'proposal.submitted'
     GROUP BY proposal.id HAVING count(entry.id) <> 1
    """,
)

_SUBMITTED_EXISTS = none(
    "The ledger tells of a proposal that is not there.",
    """
    SELECT entry.subject
      FROM audit_entry AS entry LEFT JOIN approvals_proposal AS proposal ON entry.subject = 'proposal:' || proposal.id
     WHERE entry.kind = 'proposal.submitted' AND proposal.id IS NULL
    """,
)

_REVISIONS_ARE_ALL_THERE = none(
    "The revisions of a proposal are not numbered from 1 to its current one.",
    """
    SELECT proposal.id
      FROM approvals_proposal AS proposal
      LEFT JOIN approvals_revision AS revision ON revision.proposal_id = proposal.id
      LEFT JOIN approvals_revision AS current ON current.id = proposal.revision_id
     GROUP BY proposal.id, current.number, current.proposal_id
    HAVING count(revision.id) = 0 OR min(revision.number) <> 1 OR max(revision.number) <> count(revision.id)
        OR current.number IS DISTINCT FROM max(revision.number) OR current.proposal_id IS DISTINCT FROM proposal.id
    """,
)

_VERDICT_IS_OF_THE_REVISION = none(
    "The verdict of a proposal is not on its current revision.",
    """
    SELECT proposal.id
      FROM approvals_proposal AS proposal LEFT JOIN approvals_verdict AS verdict ON verdict.id = proposal.verdict_id
     WHERE verdict.revision_id IS DISTINCT FROM proposal.revision_id
    """,
)

# Which states of the proposal go with which status of its dispatch; a cancelled one says nothing.
_STATE_AND_DISPATCH_AGREE = none(
    "A proposal's state and its dispatch do not go together.",
    """
    WITH live AS (
        SELECT proposal_id, revision_id, status, last_error
          FROM approvals_dispatch WHERE kind = 'execute' AND status <> 'cancelled'
    )
    SELECT coalesce(proposal.id, live.proposal_id)
      FROM approvals_proposal AS proposal
      LEFT JOIN live ON live.proposal_id = proposal.id AND live.revision_id = proposal.revision_id
     WHERE CASE
             WHEN live.status IS NULL THEN proposal.state IN ('approved', 'shipped', 'failed', 'rolled_back')
             WHEN live.status IN ('waiting', 'claimed') THEN proposal.state <> 'approved'
             WHEN live.status = 'delivered' THEN proposal.state NOT IN ('shipped', 'rolled_back')
             WHEN live.status = 'failed' THEN proposal.state <> 'failed' OR live.last_error = ''
             ELSE true
           END
    """,
)

_NO_DISPATCH_OF_AN_OLD_REVISION = none(
    "A revision that was replaced still has a dispatch that was not cancelled.",
    """
    SELECT dispatch.id
      FROM approvals_dispatch AS dispatch JOIN approvals_proposal AS proposal ON proposal.id = dispatch.proposal_id
     WHERE dispatch.status <> 'cancelled' AND dispatch.revision_id <> proposal.revision_id
    """,
)

_ROLLED_BACK_WAS_DELIVERED = none(
    "A proposal and the dispatch of its roll back do not go together.",
    """
    WITH rollback AS (SELECT proposal_id, status, last_error FROM approvals_dispatch WHERE kind = 'rollback')
    SELECT proposal.id
      FROM approvals_proposal AS proposal LEFT JOIN rollback ON rollback.proposal_id = proposal.id
     WHERE CASE
             WHEN rollback.status = 'delivered' THEN proposal.state <> 'rolled_back'
             WHEN rollback.status IS NULL THEN proposal.state = 'rolled_back'
             ELSE proposal.state <> 'shipped' OR rollback.status = 'failed' AND rollback.last_error = ''
           END
    """,
)


def _every_answer_has_its_row() -> Breach | None:
    for batch in _answers():
        wanted = {identifier for _, identifier in batch if identifier is not None}
        kept = set(Proposal.objects.filter(pk__in=wanted).values_list("pk", flat=True))
        kept |= set(Outcome.objects.filter(pk__in=wanted - kept).values_list("pk", flat=True))
        for answer, identifier in batch:
            if identifier not in kept:
                return Breach(f"answer {answer}", f"An agent was told of {identifier}, which is not there.")
    return None


def _answers() -> Iterator[list[tuple[int, UUID | None]]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute("SELECT id, body FROM approvals_idempotentanswer WHERE status = %s", [CREATED])
        while rows := cursor.fetchmany(BATCH):
            yield [(answer, _identifier(bytes(body))) for answer, body in rows]


def _identifier(body: bytes) -> UUID | None:
    try:
        return UUID(json.loads(body)["id"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


NOTHING_LOST = Invariant(
    code="I3",
    name="nothing lost",
    counted="proposals",
    count="SELECT count(*) FROM approvals_proposal",
    proofs=(
        _SUBMITTED_ONCE,
        _SUBMITTED_EXISTS,
        _REVISIONS_ARE_ALL_THERE,
        _VERDICT_IS_OF_THE_REVISION,
        _STATE_AND_DISPATCH_AGREE,
        _NO_DISPATCH_OF_AN_OLD_REVISION,
        _ROLLED_BACK_WAS_DELIVERED,
        _every_answer_has_its_row,
    ),
)
