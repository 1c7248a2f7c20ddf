"""Cases for and against trust: what each proposal counts for, as one SQL query over what is stored of it.

One text serves the proposals that have changed and all there are, so both count alike. It reads only what never changes
unnoticed: every step of a proposal, each review of a sample and each report of an outcome has its ledger entry.
"""

from typing import Final

SOME: Final = "SELECT unnest(%(ids)s::uuid[]) AS id"
ALL: Final = "SELECT id FROM approvals_proposal"

COLUMNS: Final = (
    "proposal_id", "agent", "surface", "model", "action", "tenth", "kind", "is_right", "weight", "confidence", "reason",
    "is_rolled_back", "has_shipped", "has_incident", "is_inside", "settled_at", "problem_at", "wait_seconds",
)  # fmt: skip

# Right is what people approved as first proposed, or found right in a sample; never what was rolled back or followed
# by an incident. What shipped by itself and nobody looked at says nothing. An agent's own report counts only where it
# speaks against the agent, and only until a person has reported; whatever was corrected does not count.
_CASES: Final = """
WITH due AS MATERIALIZED ({due}),
said AS (
    SELECT decision.proposal_id,
           max(decision.at) FILTER (WHERE decision.verdict = 'approve' AND decision.revision_id = own.revision_id)
               AS approved_at,
           max(decision.revision_number)
               FILTER (WHERE decision.verdict = 'approve' AND decision.revision_id = own.revision_id) AS approved,
           max(decision.at) FILTER (WHERE decision.verdict = 'reject') AS rejected_at,
           (array_agg(decision.reason_code ORDER BY decision.id DESC)
               FILTER (WHERE decision.verdict = 'reject'))[1] AS reason
      FROM due
      JOIN approvals_proposal AS own ON own.id = due.id
      JOIN approvals_decision AS decision ON decision.proposal_id = due.id
     GROUP BY decision.proposal_id
),
report AS (
    SELECT outcome.proposal_id, outcome.kind <> 'measured' AS is_incident, outcome.reported_by_id, outcome.observed_at,
           outcome.reported_at, outcome.id,
           CASE WHEN outcome.kind = 'measured' AND jsonb_typeof(own.expected_outcome) = 'object'
                 AND own.expected_outcome ->> 'metric' = outcome.metric
                THEN coalesce(outcome.value >= {low}, true) AND coalesce(outcome.value <= {high}, true) END AS is_inside
      FROM due
      JOIN approvals_outcome AS outcome ON outcome.proposal_id = due.id
      JOIN approvals_proposal AS own ON own.id = due.id
     WHERE NOT EXISTS (SELECT FROM approvals_outcome AS later WHERE later.corrects_id = outcome.id)
),
happened AS (
    SELECT proposal_id, bool_or(is_incident) AS is_incident,
           max(reported_at) FILTER (WHERE is_incident) AS incident_at,
           (array_agg(is_inside ORDER BY reported_by_id IS NULL, observed_at DESC, id DESC)
               FILTER (WHERE is_inside IS NOT NULL AND NOT (is_inside AND reported_by_id IS NULL)))[1] AS is_inside
      FROM report GROUP BY proposal_id
),
known AS (
    SELECT proposal.id, proposal.agent_id, proposal.surface_id, proposal.action, proposal.state, proposal.created_at,
           proposal.updated_at, proposal.release_at, said.*, sample.opinion, sample.probability,
           sample.at AS sampled_at,
           coalesce(happened.is_incident, false) AS is_incident, happened.is_inside AS inside,
           happened.incident_at,
           round(coalesce(proposal.confidence, 0)::numeric * 1000000)::integer AS confidence,
           CASE WHEN jsonb_typeof(proposal.model) = 'object'
                THEN left(trim(concat(proposal.model ->> 'name', ' ', proposal.model ->> 'version')), 200)
                ELSE '' END AS model_version,
           CASE WHEN proposal.state IN ('approved', 'shipped', 'failed', 'rolled_back') THEN
                     CASE WHEN said.approved = 1 THEN 'approved'
                          WHEN said.approved > 1 AND revision.author_id IS NOT NULL THEN 'edited'
                          WHEN said.approved > 1 THEN 'revised'
                          WHEN sample.opinion <> '' THEN 'sampled'
                          WHEN proposal.state IN ('shipped', 'rolled_back') THEN 'unseen'
                          ELSE 'waiting' END
                WHEN proposal.state IN ('rejected', 'returned', 'taken_over', 'expired', 'withdrawn', 'blocked')
                THEN proposal.state
                ELSE 'waiting' END AS kind
      FROM due
      JOIN approvals_proposal AS proposal ON proposal.id = due.id
      JOIN approvals_revision AS revision ON revision.id = proposal.revision_id
      LEFT JOIN said ON said.proposal_id = due.id
      LEFT JOIN approvals_sample AS sample ON sample.proposal_id = due.id
      LEFT JOIN happened ON happened.proposal_id = due.id
)
SELECT id AS proposal_id, agent_id AS agent, surface_id AS surface, model_version AS model, action,
       least(confidence / 100000, 9) AS tenth, kind,
       CASE WHEN kind IN ('waiting', 'returned', 'taken_over', 'expired', 'withdrawn', 'blocked') THEN NULL
            WHEN is_incident OR state = 'rolled_back' THEN false
            WHEN kind = 'approved' THEN true
            WHEN kind = 'sampled' THEN opinion = 'right'
            WHEN kind = 'unseen' THEN NULL
            ELSE false END AS is_right,
       CASE WHEN kind = 'sampled' AND NOT is_incident AND state <> 'rolled_back'
            THEN round(1000 / greatest(coalesce(probability, 1), 0.001)::numeric)::bigint ELSE 1000 END AS weight,
       confidence, CASE WHEN kind = 'rejected' THEN coalesce(reason, '') ELSE '' END AS reason,
       state = 'rolled_back' AS is_rolled_back, state IN ('shipped', 'rolled_back') AS has_shipped,
       is_incident AS has_incident, inside AS is_inside,
       CASE kind WHEN 'waiting' THEN created_at WHEN 'rejected' THEN coalesce(rejected_at, updated_at)
                 WHEN 'sampled' THEN sampled_at WHEN 'unseen' THEN release_at
                 WHEN 'approved' THEN approved_at WHEN 'edited' THEN approved_at WHEN 'revised' THEN approved_at
                 ELSE updated_at END AS settled_at,
       greatest(incident_at, CASE WHEN state = 'rolled_back' THEN updated_at END,
                CASE WHEN kind = 'sampled' AND opinion <> 'right' THEN sampled_at END) AS problem_at,
       CASE WHEN kind IN ('approved', 'edited', 'revised', 'rejected')
            THEN least(extract(epoch FROM coalesce(greatest(approved_at, rejected_at), updated_at) - created_at),
                       2147483647)::int
            END AS wait_seconds
  FROM known"""


def _bound(name: str) -> str:
    """Return the SQL of a bound that an agent wrote; what is no number bounds nothing."""
    value = f"own.expected_outcome -> '{name}'"
    return f"(CASE WHEN jsonb_typeof({value}) = 'number' THEN ({value})::float END)"


def of(due: str) -> str:
    """Return the query for the proposals that `due` selects: SOME, with `ids`, or ALL."""
    return _CASES.format(due=due, low=_bound("low"), high=_bound("high"))


# What a case adds to each sum.
_IS_JUDGED: Final = "is_right IS NOT NULL"
_MISS: Final = "(confidence - is_right::int * 1000000)::bigint"
ADDS: Final = {
    "proposals": "1",
    "decided": f"({_IS_JUDGED})::int",
    "right": "coalesce(is_right, false)::int",
    "weight": f"CASE WHEN {_IS_JUDGED} THEN weight ELSE 0 END",
    "weight_right": "CASE WHEN is_right THEN weight ELSE 0 END",
    "weight_squares": f"CASE WHEN {_IS_JUDGED} THEN weight * weight ELSE 0 END",
    **{
        kind: f"(kind = '{kind}')::int"
        for kind in (
            "approved", "edited", "revised", "returned", "rejected", "taken_over", "expired", "withdrawn", "blocked",
            "unseen", "sampled",
        )
    },
    "sampled_wrong": "(kind = 'sampled' AND NOT coalesce(is_right, true))::int",
    "shipped": "has_shipped::int",
    "rolled_back": "is_rolled_back::int",
    "incidents": "has_incident::int",
    "inside": "coalesce(is_inside, false)::int",
    "outside": "coalesce(NOT is_inside, false)::int",
    "confidence": f"CASE WHEN {_IS_JUDGED} THEN confidence::bigint ELSE 0 END",
    "squares": f"CASE WHEN {_IS_JUDGED} THEN {_MISS} * {_MISS} ELSE 0 END",
}  # fmt: skip
