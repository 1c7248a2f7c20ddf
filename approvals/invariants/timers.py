"""I6: whatever time brings about, a reminder or a level of an escalation, comes about once, in order, never early."""

from audit.invariants import Invariant, none

_LEVELS_ARE_TOLD = none(
    "A level of an escalation and its ledger entry do not go together: one is missing, doubled or different.",
    """
    WITH told AS (
        SELECT subject, data ->> 'level' AS level, count(*) AS times, min(at) AS at, min(data ->> 'role') AS role,
               min(data ->> 'widens') AS widens
          FROM audit_entry WHERE kind = 'proposal.escalated' GROUP BY 1, 2
    ), fired AS (
        SELECT * FROM approvals_timer WHERE kind = 'level' AND fired_at IS NOT NULL
    )
    SELECT coalesce(fired.proposal_id::text, told.subject)
      FROM fired FULL JOIN told
        ON told.subject = 'proposal:' || fired.proposal_id AND told.level = fired.level::text
     WHERE fired.id IS NULL OR told.times IS DISTINCT FROM 1 OR told.at <> fired.fired_at
        OR told.role IS DISTINCT FROM fired.role OR told.widens IS DISTINCT FROM fired.widens::text
    """,
)

_IN_ORDER_AND_NEVER_EARLY = none(
    "A step happened before it was due, or before one that comes earlier.",
    """
    SELECT later.proposal_id
      FROM approvals_timer AS later
      LEFT JOIN approvals_timer AS earlier
        ON earlier.proposal_id = later.proposal_id AND earlier.share < later.share
       AND (earlier.fired_at IS NULL OR earlier.fired_at > later.fired_at)
     WHERE later.fired_at IS NOT NULL AND (later.fired_at < later.due_at OR earlier.id IS NOT NULL)
    """,
)

_WHO_WAS_CALLED_MAY_DECIDE = none(
    "A role was called to decide, and the proposal does not say that it may.",
    """
    SELECT timer.proposal_id
      FROM approvals_timer AS timer JOIN approvals_proposal AS proposal ON proposal.id = timer.proposal_id
     WHERE timer.widens AND timer.fired_at IS NOT NULL AND NOT proposal.deciding_roles @> ARRAY[timer.role]
    """,
)

_WHAT_WAITS_IS_WATCHED = none(
    "A proposal that waits for people has nothing that reminds them.",
    """
    SELECT proposal.id
      FROM approvals_proposal AS proposal
     WHERE proposal.state IN ('pending', 'edited')
       AND EXISTS (SELECT FROM approvals_timer AS timer WHERE timer.proposal_id = proposal.id)
       AND NOT EXISTS (SELECT FROM approvals_timer AS timer
                        WHERE timer.proposal_id = proposal.id
                          AND (timer.fired_at IS NOT NULL OR timer.due_at IS NOT NULL))
       AND proposal.deadline_at > now()
    """,
)

TIMERS = Invariant(
    code="I6",
    name="timers",
    counted="steps in time",
    count="SELECT count(*) FROM approvals_timer WHERE fired_at IS NOT NULL",
    proofs=(
        _LEVELS_ARE_TOLD,
        _IN_ORDER_AND_NEVER_EARLY,
        _WHO_WAS_CALLED_MAY_DECIDE,
        _WHAT_WAITS_IS_WATCHED,
    ),
)
