"""I8: every running total is the sum of what is recorded, and every entry says what its proposal says."""

from approvals.evaluation.limits.totals import GIVEN_BACK
from audit.invariants import Invariant, none
from policies.facts.measures import any_in_sql

_ADDS = any_in_sql("definition.measure", currency="definition.currency", column="proposal.{}")

_TOTALS_ARE_SUMS = none(
    "A running total is not the sum of its entries.",
    """
    SELECT running.id
      FROM approvals_limittotal AS running
      LEFT JOIN approvals_limitentry AS entry
        ON entry.running_id = running.id AND entry.is_counted AND entry.at >= running.tail_at
     GROUP BY running.id HAVING running.total <> coalesce(sum(entry.amount), 0)
    """,
)

_ENTRIES_FOLLOW = none(
    "An entry of a running total counts another amount than its proposal says, or counts though it was given back.",
    f"""
    SELECT entry.id
      FROM approvals_limitentry AS entry
      JOIN approvals_limittotal AS running ON running.id = entry.running_id
      JOIN approvals_limitdefinition AS definition ON definition.id = running.definition_id
      LEFT JOIN approvals_proposal AS proposal ON proposal.id = entry.proposal_id
     WHERE proposal.id IS NULL OR entry.at <> proposal.created_at
        OR entry.is_counted <> (proposal.state <> ALL(%(given_back)s::text[]))
        OR entry.amount IS DISTINCT FROM {_ADDS}
    """,  # noqa: S608 - from the table of measures
    {"given_back": [str(state) for state in GIVEN_BACK]},
)

_WEIGHED_IS_COUNTED = none(
    "A proposal that was weighed against a limit and let through is not counted by it.",
    """
    SELECT proposal.id
      FROM approvals_proposal AS proposal
      JOIN approvals_revision AS revision ON revision.proposal_id = proposal.id AND revision.number = 1
      JOIN LATERAL (SELECT facts, outcome FROM approvals_verdict
                     WHERE revision_id = revision.id ORDER BY id LIMIT 1) AS verdict ON verdict.outcome <> 'deny'
      JOIN LATERAL jsonb_object_keys(verdict.facts -> 'limits') AS weighed (slug) ON true
      JOIN (SELECT definition.slug, max(running.since) AS since, max(running.tail_at) AS tail_at
              FROM approvals_limitdefinition AS definition
              LEFT JOIN approvals_limittotal AS running ON running.definition_id = definition.id
             GROUP BY definition.slug HAVING count(DISTINCT definition.id) = 1) AS once
        ON once.slug = weighed.slug AND proposal.created_at >= once.tail_at
     WHERE NOT EXISTS (
        SELECT FROM approvals_limitentry AS entry
          JOIN approvals_limittotal AS running ON running.id = entry.running_id
          JOIN approvals_limitdefinition AS definition ON definition.id = running.definition_id
         WHERE entry.proposal_id = proposal.id AND definition.slug = weighed.slug)
    """,
)

_CONFLICTS_ARE_MUTUAL = none(
    "A conflict that is not resolved names a proposal that was given up, or that is not there.",
    """
    SELECT conflict.id
      FROM approvals_conflict AS conflict
      LEFT JOIN approvals_proposal AS older ON older.id = conflict.older_id
      LEFT JOIN approvals_proposal AS newer ON newer.id = conflict.newer_id
     WHERE older.id IS NULL OR newer.id IS NULL OR NOT older.targets && newer.targets
        OR conflict.resolved_at IS NULL
           AND (older.state IN ('rejected', 'blocked', 'expired', 'withdrawn', 'taken_over')
                OR newer.state IN ('rejected', 'blocked', 'expired', 'withdrawn', 'taken_over'))
    """,
)

_ONE_CLAIM_PER_TARGET = none(
    "Two proposals that name the same target are claimed at once.",
    """
    WITH held AS (
        SELECT proposal.id, unnest(proposal.targets) AS target
          FROM approvals_dispatch AS dispatch JOIN approvals_proposal AS proposal ON proposal.id = dispatch.proposal_id
         WHERE dispatch.status = 'claimed'
    )
    SELECT min(id::text) FROM held GROUP BY target HAVING count(DISTINCT id) > 1
    """,
)

TOTALS = Invariant(
    code="I8",
    name="totals",
    counted="running totals",
    count="SELECT count(*) FROM approvals_limittotal",
    proofs=(_TOTALS_ARE_SUMS, _ENTRIES_FOLLOW, _WEIGHED_IS_COUNTED, _CONFLICTS_ARE_MUTUAL, _ONE_CLAIM_PER_TARGET),
)
