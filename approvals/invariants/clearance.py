"""Part of I1: whatever was claimed had been cleared before, by a verdict or by enough votes."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection

from approvals.models.verdicts import VOTES
from approvals.people.tally import Requirement, Result, Vote, tally
from approvals.people.votes import meets
from audit.invariants import Breach

BATCH: Final = 2000


class Claimed(NamedTuple):
    """An attempt at what the policy had not allowed: people must have approved it before."""

    attempt: int
    dispatch: UUID
    requirements: Sequence[dict[str, Any]]
    distinct_people: bool
    review: str
    """How the tier it was under is reviewed."""


# The last verdict before the claim counts, and an undo takes the policy's word back as it does people's; so does
# asking again what was held up for too long.
_CLAIMED_BY_PEOPLES_WORD: Final = """
SELECT attempt.id, dispatch.id, attempt.requirements, attempt.distinct_people,
       coalesce(version.document -> 'tiers' -> verdict.tier_id::text ->> 'review', '')
  FROM approvals_dispatch AS dispatch
  JOIN approvals_attempt AS attempt ON attempt.dispatch_id = dispatch.id
  JOIN approvals_proposal AS proposal ON proposal.id = dispatch.proposal_id
  LEFT JOIN LATERAL (
        SELECT outcome, tier_id, policy_version_id FROM approvals_verdict
         WHERE revision_id = dispatch.revision_id AND at <= attempt.started_at ORDER BY id DESC LIMIT 1
       ) AS verdict ON true
  LEFT JOIN policies_policyversion AS version ON version.number = verdict.policy_version_id
 WHERE dispatch.kind = 'execute'
   AND (verdict.outcome IS DISTINCT FROM 'allow' OR proposal.asked_again_at <= attempt.started_at
        OR EXISTS (SELECT FROM approvals_decision AS undo
                    WHERE undo.revision_id = dispatch.revision_id AND undo.verdict = 'undo'
                      AND undo.at <= attempt.started_at))
"""

# A vote is what was said after the last undo and before the claim, in the roles that the person then held: the ledger
# remembers them. An approval given before the last verdict counts only if it has what that verdict's tier asks, and
# what somebody said against it does not count any more where that person has lost the role, or the account, since.
_VOTES: Final = """
SELECT attempt.id, decision.by_id, decision.verdict = 'approve', entry.data -> 'roles', decision.on_behalf_of_id,
       ARRAY(SELECT role.name FROM auth_user AS person
               JOIN auth_user_groups AS member ON member.user_id = person.id
               JOIN auth_group AS role ON role.id = member.group_id
              WHERE person.id = coalesce(decision.on_behalf_of_id, decision.by_id) AND person.is_active)::text[],
       decision.at >= (SELECT max(verdict.at) FROM approvals_verdict AS verdict
                        WHERE verdict.revision_id = decision.revision_id AND verdict.at <= attempt.started_at),
       decision.is_signed AND decision.comment <> '', decision.batch IS NULL
  FROM approvals_attempt AS attempt
  JOIN approvals_dispatch AS dispatch ON dispatch.id = attempt.dispatch_id
  JOIN approvals_proposal AS proposal ON proposal.id = dispatch.proposal_id
  JOIN approvals_decision AS decision ON decision.revision_id = dispatch.revision_id
  JOIN audit_entry AS entry
    ON entry.subject = 'proposal:' || decision.proposal_id AND entry.data ->> 'decision_id' = decision.id::text
 WHERE attempt.id = ANY(%s) AND decision.verdict = ANY(%s) AND decision.at <= attempt.started_at
   AND (decision.verdict <> 'approve' OR proposal.asked_again_at IS NULL OR decision.at >= proposal.asked_again_at
        OR proposal.asked_again_at > attempt.started_at)
   AND NOT EXISTS (SELECT FROM approvals_decision AS undo
                    WHERE undo.revision_id = decision.revision_id AND undo.verdict = 'undo'
                      AND undo.id > decision.id AND undo.at <= attempt.started_at)
 ORDER BY decision.id
"""


def every_claim_was_cleared() -> Breach | None:
    """Count the votes again for every claim of what the policy did not allow by itself."""
    for batch in _claimed():
        votes = _votes(batch)
        for claimed in batch:
            requirements = [Requirement(**row) for row in claimed.requirements]
            counted = tally(requirements, votes[claimed.attempt], distinct_people=claimed.distinct_people)
            if counted is not Result.APPROVED:
                return Breach(str(claimed.dispatch), "It was claimed before enough eligible people had approved it.")
    return None


def _claimed() -> Iterator[list[Claimed]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(_CLAIMED_BY_PEOPLES_WORD)
        while rows := cursor.fetchmany(BATCH):
            yield [
                Claimed(attempt, dispatch, _read(requirements), distinct, review)
                for attempt, dispatch, requirements, distinct, review in rows
            ]


def _votes(batch: list[Claimed]) -> dict[int, list[Vote]]:
    reviews = {claimed.attempt: claimed.review for claimed in batch}
    cast: dict[int, list[Vote]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_VOTES, [list(reviews), [*map(str, VOTES)]])
        for attempt, person, is_approval, roles, absent, roles_now, is_since, is_signed, is_alone in cursor.fetchall():
            if is_approval and not is_since and not meets(reviews[attempt], is_signed=is_signed, is_alone=is_alone):
                continue
            held = frozenset(_read(roles) or ())
            counting = held if is_approval else held & frozenset(roles_now)
            cast[attempt].append(Vote(str(person), counting, is_approval, str(absent or "")))
    return cast


def _read(value: Any) -> Any:
    """Read a JSON column: without the model's field, the driver hands over its text."""
    return json.loads(value) if isinstance(value, str) else value
