"""Part of I1: whatever was claimed had been cleared before, by a verdict or by enough votes."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection

from approvals.models.verdicts import VOTES
from approvals.people.tally import Requirement, Result, Vote, tally
from audit.invariants import Breach

BATCH: Final = 2000


class Claimed(NamedTuple):
    """A dispatch that was claimed without the policy having allowed it: people must have."""

    dispatch: UUID
    revision: UUID
    requirements: Sequence[dict[str, Any]]
    distinct_people: bool


# The last verdict counts, and an undo takes the policy's word back as it does people's.
_CLAIMED_BY_PEOPLES_WORD: Final = """
SELECT dispatch.id, dispatch.revision_id, proposal.requirements, proposal.distinct_people
  FROM approvals_dispatch AS dispatch
  JOIN approvals_attempt AS attempt ON attempt.dispatch_id = dispatch.id AND attempt.fence = 1
  JOIN approvals_proposal AS proposal ON proposal.id = dispatch.proposal_id
  LEFT JOIN (
        SELECT DISTINCT ON (revision_id) revision_id, outcome FROM approvals_verdict ORDER BY revision_id, id DESC
       ) AS verdict ON verdict.revision_id = dispatch.revision_id
 WHERE dispatch.kind = 'execute'
   AND (verdict.outcome IS DISTINCT FROM 'allow'
        OR EXISTS (SELECT FROM approvals_decision AS undo
                    WHERE undo.revision_id = dispatch.revision_id AND undo.verdict = 'undo'))
"""

# A vote is what was said after the last undo and before the first claim, in the roles that the person
# then held: the ledger remembers them. An approval counts only if it was given under the last verdict, and what
# somebody said against it does not count any more where that person has lost the role, or the account, since.
_VOTES: Final = """
SELECT decision.revision_id, decision.by_id, decision.verdict = 'approve', entry.data -> 'roles',
       decision.on_behalf_of_id,
       ARRAY(SELECT role.name FROM auth_user AS person
               JOIN auth_user_groups AS member ON member.user_id = person.id
               JOIN auth_group AS role ON role.id = member.group_id
              WHERE person.id = coalesce(decision.on_behalf_of_id, decision.by_id) AND person.is_active)::text[]
  FROM approvals_decision AS decision
  JOIN approvals_dispatch AS dispatch ON dispatch.revision_id = decision.revision_id AND dispatch.kind = 'execute'
  JOIN approvals_attempt AS attempt ON attempt.dispatch_id = dispatch.id AND attempt.fence = 1
  JOIN audit_entry AS entry
    ON entry.subject = 'proposal:' || decision.proposal_id AND entry.data ->> 'decision_id' = decision.id::text
 WHERE decision.revision_id = ANY(%s) AND decision.verdict = ANY(%s)
   AND decision.at <= attempt.started_at
   AND (decision.verdict <> 'approve' OR decision.at >= (
        SELECT max(verdict.at) FROM approvals_verdict AS verdict
         WHERE verdict.revision_id = decision.revision_id AND verdict.at <= attempt.started_at))
   AND NOT EXISTS (SELECT FROM approvals_decision AS undo
                    WHERE undo.revision_id = decision.revision_id AND undo.verdict = 'undo' AND undo.id > decision.id)
 ORDER BY decision.id
"""


def every_claim_was_cleared() -> Breach | None:
    """Count the votes again for everything that was claimed without the policy allowing it."""
    for batch in _claimed():
        votes = _votes([claimed.revision for claimed in batch])
        for claimed in batch:
            requirements = [Requirement(**row) for row in claimed.requirements]
            counted = tally(requirements, votes[claimed.revision], distinct_people=claimed.distinct_people)
            if counted is not Result.APPROVED:
                return Breach(str(claimed.dispatch), "It was claimed before enough eligible people had approved it.")
    return None


def _claimed() -> Iterator[list[Claimed]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(_CLAIMED_BY_PEOPLES_WORD)
        while rows := cursor.fetchmany(BATCH):
            yield [
                Claimed(dispatch, revision, _read(requirements), distinct)
                for dispatch, revision, requirements, distinct in rows
            ]


def _votes(revisions: list[UUID]) -> dict[UUID, list[Vote]]:
    found: dict[UUID, list[Vote]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_VOTES, [revisions, [*map(str, VOTES)]])
        for revision, person, is_approval, roles, absent, roles_now in cursor.fetchall():
            held = frozenset(_read(roles) or ())
            counting = held if is_approval else held & frozenset(roles_now)
            found[revision].append(Vote(str(person), counting, is_approval, str(absent or "")))
    return found


def _read(value: Any) -> Any:
    """Read a JSON column: without the model's field, the driver hands over its text."""
    return json.loads(value) if isinstance(value, str) else value
