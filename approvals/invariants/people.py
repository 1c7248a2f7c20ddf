"""I7: nobody decided who was not eligible then, and nobody loosened the policy alone.

Roles and policy versions are those that the ledger remembers.
"""

from approvals.invariants.two_people import RELEASED_BY_TWO, no_policy_was_loosened_alone
from audit.invariants import Invariant, Proof, none

# What each policy version says of each surface and each tier, laid out once. Agents change hands, so who
# owned one when something was decided comes from its history; before that began, from the agent itself.
_SAID = """
WITH flags AS MATERIALIZED (
    SELECT version.number, surface.key AS surface,
           (surface.value ->> 'agent_owner_may_decide')::boolean AS agent_owner_may_decide,
           (surface.value ->> 'editor_may_approve')::boolean AS editor_may_approve
      FROM policies_policyversion AS version, jsonb_each(version.document -> 'surfaces') AS surface
), reviews AS MATERIALIZED (
    SELECT version.number, tier.key AS tier, tier.value ->> 'review' AS review
      FROM policies_policyversion AS version, jsonb_each(version.document -> 'tiers') AS tier
), owners AS MATERIALIZED (
    SELECT slug, owner_id FROM policies_historicalagent UNION SELECT slug, owner_id FROM policies_agent
), acts AS (
    SELECT decision.id, decision.proposal_id, decision.revision_id, decision.by_id, decision.at, decision.verdict,
           decision.is_signed, decision.comment, decision.on_behalf_of_id, entry.data -> 'roles' AS roles,
           (entry.data ->> 'policy_version')::int AS policy
      FROM approvals_decision AS decision
      JOIN audit_entry AS entry
        ON entry.subject = 'proposal:' || decision.proposal_id AND entry.data ->> 'decision_id' = decision.id::text
     UNION ALL
    SELECT revision.id, revision.proposal_id, revision.id, revision.author_id, revision.created_at, 'edit',
           false, '', NULL::int, entry.data -> 'roles', (entry.data ->> 'policy_version')::int
      FROM approvals_revision AS revision
      JOIN audit_entry AS entry
        ON entry.subject = 'proposal:' || revision.proposal_id AND entry.kind = 'proposal.edited'
       AND entry.data ->> 'revision' = revision.number::text
     WHERE revision.author_id IS NOT NULL
)
"""


def _none(text: str, statement: str) -> Proof:
    return none(text, _SAID + statement)


_IN_A_ROLE_THAT_DECIDES = _none(
    "Somebody decided or edited in none of the roles that the proposal needs.",
    """
    SELECT acts.id FROM acts JOIN approvals_proposal AS proposal ON proposal.id = acts.proposal_id
     WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(proposal.requirements) AS needed
                        WHERE acts.roles ? (needed ->> 'role'))
    """,
)

_NOT_ON_THEIR_OWN_AGENT = _none(
    "Somebody decided on a proposal of their own agent.",
    """
    SELECT acts.id
      FROM acts
      JOIN approvals_proposal AS proposal ON proposal.id = acts.proposal_id
      JOIN owners ON owners.slug = proposal.agent_id AND owners.owner_id IN (acts.by_id, acts.on_behalf_of_id)
      LEFT JOIN flags ON flags.number = acts.policy AND flags.surface = proposal.surface_id
     WHERE flags.agent_owner_may_decide IS NOT true
       AND owners.owner_id = coalesce(
             (SELECT past.owner_id FROM policies_historicalagent AS past
               WHERE past.slug = proposal.agent_id AND past.history_date <= acts.at
               ORDER BY past.history_date DESC, past.history_id DESC LIMIT 1),
             (SELECT owner_id FROM policies_agent WHERE slug = proposal.agent_id))
    """,
)

# Who was behind it before the decision: a key that is used afterwards takes no vote away.
_NOT_ON_WHAT_THEY_WERE_BEHIND = _none(
    "Somebody decided on what was proposed by an agent that was theirs then, or with their own key.",
    """
    SELECT acts.id
      FROM acts
      JOIN approvals_proposal AS proposal ON proposal.id = acts.proposal_id
      LEFT JOIN flags ON flags.number = acts.policy AND flags.surface = proposal.surface_id
     WHERE flags.agent_owner_may_decide IS NOT true
       AND EXISTS (
             SELECT FROM (SELECT proposal.agent_owner_id, proposal.key_issuer_id
                           UNION ALL
                          SELECT revision.agent_owner_id, revision.key_issuer_id
                            FROM approvals_revision AS revision
                           WHERE revision.proposal_id = proposal.id AND revision.created_at <= acts.at)
                      AS behind (owner, issuer)
              WHERE acts.by_id IN (behind.owner, behind.issuer)
                 OR acts.on_behalf_of_id IN (behind.owner, behind.issuer))
    """,
)

_NO_SAMPLE_OF_THEIR_OWN = none(
    "Somebody judged afterwards what they were behind themselves.",
    """
    SELECT sample.proposal_id
      FROM approvals_sample AS sample JOIN approvals_proposal AS proposal ON proposal.id = sample.proposal_id
     WHERE sample.by_id IN (proposal.agent_owner_id, proposal.key_issuer_id)
    """,
)

_NOT_THEIR_OWN_REVISION = _none(
    "Somebody approved a revision that they wrote themselves.",
    """
    SELECT acts.id
      FROM acts
      JOIN approvals_revision AS current ON current.id = acts.revision_id
      JOIN approvals_revision AS revision ON revision.proposal_id = current.proposal_id
       AND revision.digest = current.digest AND revision.number <= current.number
       AND revision.author_id IN (acts.by_id, acts.on_behalf_of_id)
      JOIN approvals_proposal AS proposal ON proposal.id = acts.proposal_id
      LEFT JOIN flags ON flags.number = acts.policy AND flags.surface = proposal.surface_id
     WHERE acts.verdict = 'approve' AND flags.editor_may_approve IS NOT true
    """,
)

_AS_THE_TIER_ASKS = _none(
    "An approval lacks what its tier asks: a signature with a reason, or a person doing it instead.",
    """
    SELECT acts.id
      FROM acts
      JOIN LATERAL (SELECT tier_id FROM approvals_verdict
                     WHERE revision_id = acts.revision_id AND at <= acts.at ORDER BY at DESC, id DESC LIMIT 1)
        AS verdict ON true
      LEFT JOIN reviews ON reviews.number = acts.policy AND reviews.tier = verdict.tier_id
     WHERE acts.verdict = 'approve'
       AND (coalesce(reviews.review, 'human_only') = 'human_only'
            OR reviews.review = 'signature' AND (NOT acts.is_signed OR acts.comment = ''))
    """,
)

_NAMES_WHAT_WAS_SEEN = none(
    "A decision names another revision than the one it is of.",
    """
    SELECT decision.id
      FROM approvals_decision AS decision JOIN approvals_revision AS revision ON revision.id = decision.revision_id
     WHERE decision.proposal_id <> revision.proposal_id OR decision.revision_number <> revision.number
        OR decision.digest <> revision.digest
    """,
)

_FOR_SOMEBODY_WHO_WAS_AWAY = none(
    "Somebody decided for another person who had not asked them to, or not for that time and place.",
    """
    SELECT decision.id
      FROM approvals_decision AS decision
      JOIN approvals_proposal AS proposal ON proposal.id = decision.proposal_id
      JOIN approvals_absence AS absence ON absence.id = decision.absence_id
      JOIN audit_entry AS entry
        ON entry.subject = 'proposal:' || decision.proposal_id AND entry.data ->> 'decision_id' = decision.id::text
     WHERE absence.person_id IS DISTINCT FROM decision.on_behalf_of_id
        OR absence.delegate_id IS DISTINCT FROM decision.by_id OR absence.noted_by_id = decision.by_id
        OR decision.at < absence.begins_at OR decision.at >= absence.ends_at OR decision.at > absence.cancelled_at
        OR cardinality(absence.surfaces) > 0 AND proposal.surface_id <> ALL(absence.surfaces)
        OR entry.data ->> 'on_behalf_of' IS DISTINCT FROM 'user:' || decision.on_behalf_of_id
        OR cardinality(absence.roles) > 0
           AND NOT to_jsonb(absence.roles) @> coalesce(entry.data -> 'roles', '[]'::jsonb)
    """,
)

PEOPLE = Invariant(
    code="I7",
    name="people",
    counted="decisions",
    count="SELECT count(*) FROM approvals_decision",
    proofs=(
        _NAMES_WHAT_WAS_SEEN,
        _IN_A_ROLE_THAT_DECIDES,
        _NOT_ON_THEIR_OWN_AGENT,
        _NOT_ON_WHAT_THEY_WERE_BEHIND,
        _NO_SAMPLE_OF_THEIR_OWN,
        _NOT_THEIR_OWN_REVISION,
        _AS_THE_TIER_ASKS,
        _FOR_SOMEBODY_WHO_WAS_AWAY,
        no_policy_was_loosened_alone,
        RELEASED_BY_TWO,
    ),
)
