"""I1 and I2: only what was approved has shipped, and once."""

from approvals.invariants.clearance import every_claim_was_cleared
from approvals.models import Upload
from approvals.uploads import stored_rows
from audit import canonical
from audit.invariants import Breach, Invariant, none
from policies.models import PolicyVersion

_BYTES_ARE_THEIR_DIGEST = none(
    "The digest of a revision is not that of its stored bytes.",
    """
    SELECT id FROM approvals_revision
     WHERE digest <> 'sha256:' || encode(sha256(body), 'hex')
        OR rollback_digest <> coalesce('sha256:' || encode(sha256(rollback_body), 'hex'), '')
    """,
)

_DISPATCH_IS_OF_ITS_REVISION = none(
    "A dispatch has another digest than its revision, or is of another proposal.",
    """
    SELECT dispatch.id
      FROM approvals_dispatch AS dispatch JOIN approvals_revision AS revision ON revision.id = dispatch.revision_id
     WHERE revision.proposal_id <> dispatch.proposal_id
        OR dispatch.digest <> CASE dispatch.kind WHEN 'execute' THEN revision.digest ELSE revision.rollback_digest END
    """,
)

_ATTEMPT_IS_OF_ITS_DISPATCH = none(
    "An attempt sent other bytes than its dispatch names.",
    """
    SELECT dispatch.id
      FROM approvals_attempt AS attempt JOIN approvals_dispatch AS dispatch ON dispatch.id = attempt.dispatch_id
     WHERE attempt.digest <> dispatch.digest
    """,
)

_CLEARED_IS_CURRENT = none(
    "The approved digest of a proposal is not that of its current revision.",
    """
    SELECT proposal.id
      FROM approvals_proposal AS proposal JOIN approvals_revision AS revision ON revision.id = proposal.revision_id
     WHERE proposal.approved_digest <> '' AND proposal.approved_digest <> revision.digest
    """,
)

_CLAIMED_IS_APPROVED = none(
    "What was claimed is not what the proposal was approved for, or was claimed before its release.",
    """
    SELECT dispatch.id
      FROM approvals_dispatch AS dispatch JOIN approvals_proposal AS proposal ON proposal.id = dispatch.proposal_id
      JOIN approvals_attempt AS attempt ON attempt.dispatch_id = dispatch.id AND attempt.fence = dispatch.fence
     WHERE dispatch.kind = 'execute' AND dispatch.status IN ('claimed', 'delivered')
       AND (dispatch.revision_id <> proposal.revision_id OR dispatch.digest <> proposal.approved_digest
            OR proposal.release_at IS NULL OR attempt.started_at < proposal.release_at)
    """,
)

_VERDICT_IS_OF_ITS_POLICY = none(
    "A verdict names a digest that its policy version does not have.",
    """
    SELECT verdict.id
      FROM approvals_verdict AS verdict
      LEFT JOIN policies_policyversion AS version ON version.number = verdict.policy_version_id
     WHERE verdict.policy_digest <> coalesce(version.digest, '')
    """,
)

# An entry is written while the switch's row is locked, so that its time lies between the last claim
# before it and the first claim after it.
_NO_CLAIM_BEHIND_A_SWITCH = none(
    "A dispatch was claimed while a kill switch that covers it was engaged.",
    """
    WITH moves AS (
        SELECT substr(subject, length('kill_switch:') + 1) AS scope, kind, at AS engaged_at,
               lead(at) OVER (PARTITION BY subject ORDER BY id) AS released_at
          FROM audit_entry WHERE kind IN ('kill_switch.engaged', 'kill_switch.released')
    )
    SELECT dispatch.id
      FROM moves
      JOIN approvals_attempt AS attempt
        ON attempt.started_at >= moves.engaged_at AND attempt.started_at < coalesce(moves.released_at, 'infinity')
      JOIN approvals_dispatch AS dispatch ON dispatch.id = attempt.dispatch_id
      JOIN approvals_proposal AS proposal ON proposal.id = dispatch.proposal_id
     WHERE moves.kind = 'kill_switch.engaged'
       AND moves.scope IN ('everywhere', 'surface:' || proposal.surface_id, 'agent:' || proposal.agent_id)
    """,
)

_SWITCHES_ARE_AS_TOLD = none(
    "A kill switch is missing, or is not as the ledger says it was left.",
    """
    WITH wanted AS (
        SELECT 'everywhere' AS scope UNION ALL SELECT 'surface:' || slug FROM policies_surface
         UNION ALL SELECT 'agent:' || slug FROM policies_agent
    ), told AS (
        SELECT DISTINCT ON (subject) substr(subject, length('kill_switch:') + 1) AS scope, kind
          FROM audit_entry WHERE kind IN ('kill_switch.engaged', 'kill_switch.released')
         ORDER BY subject, id DESC
    )
    SELECT wanted.scope
      FROM wanted LEFT JOIN policies_killswitch AS switch USING (scope) LEFT JOIN told USING (scope)
     WHERE switch.is_engaged IS DISTINCT FROM coalesce(told.kind = 'kill_switch.engaged', false)
    """,
)


def _named_rows_are_as_uploaded() -> Breach | None:
    for upload in Upload.objects.filter(proposal__isnull=False).order_by("id").iterator(chunk_size=50):
        if not stored_rows.is_intact(upload):
            return Breach(str(upload.proposal_id), "The stored rows of a proposal are not those that were uploaded.")
    return None


_NAMED_ROWS_ARE_THERE = none(
    "A revision names rows that are not there, or are of another proposal.",
    """
    SELECT revision.id
      FROM approvals_revision AS revision
     WHERE position('"$upload"'::bytea IN revision.body) > 0
       AND EXISTS (
           SELECT 1 FROM jsonb_each(convert_from(revision.body, 'UTF8')::jsonb) AS member (name, said)
            WHERE jsonb_typeof(said) = 'object' AND said ? '$upload'
              AND NOT EXISTS (SELECT 1 FROM approvals_upload AS upload
                               WHERE upload.id::text = said ->> '$upload' AND upload.digest = said ->> 'digest'
                                 AND upload.proposal_id = revision.proposal_id))
    """,
)


def _every_version_is_as_published() -> Breach | None:
    for version in PolicyVersion.objects.order_by("number").iterator(chunk_size=50):
        if canonical.digest(canonical.encode(version.document)) != version.digest:
            return Breach(str(version.number), "The document of a policy version does not have its digest.")
    return None


APPROVED_ONLY = Invariant(
    code="I1",
    name="approved only",
    counted="attempts at shipping",
    count="SELECT count(*) FROM approvals_attempt",
    proofs=(
        _BYTES_ARE_THEIR_DIGEST,
        _DISPATCH_IS_OF_ITS_REVISION,
        _ATTEMPT_IS_OF_ITS_DISPATCH,
        _CLEARED_IS_CURRENT,
        _NAMED_ROWS_ARE_THERE,
        _named_rows_are_as_uploaded,
        _CLAIMED_IS_APPROVED,
        _every_version_is_as_published,
        _VERDICT_IS_OF_ITS_POLICY,
        every_claim_was_cleared,
        _NO_CLAIM_BEHIND_A_SWITCH,
        _SWITCHES_ARE_AS_TOLD,
    ),
)

_ONE_DISPATCH_PER_REVISION = none(
    "A revision has more than one dispatch of a kind.",
    "SELECT revision_id FROM approvals_dispatch GROUP BY revision_id, kind HAVING count(*) > 1",
)

_ONE_LIVE_DISPATCH_PER_PROPOSAL = none(
    "A proposal has more than one dispatch of a kind that was not cancelled.",
    """
    SELECT proposal_id FROM approvals_dispatch
     WHERE status <> 'cancelled' GROUP BY proposal_id, kind HAVING count(*) > 1
    """,
)

_FENCES_ARE_COUNTED = none(
    "The attempts at a dispatch are not numbered from 1 to its fence.",
    """
    SELECT dispatch.id
      FROM approvals_dispatch AS dispatch LEFT JOIN approvals_attempt AS attempt ON attempt.dispatch_id = dispatch.id
     GROUP BY dispatch.id
    HAVING count(attempt.id) <> dispatch.fence OR count(DISTINCT attempt.fence) <> dispatch.fence
        OR coalesce(max(attempt.fence), 0) <> dispatch.fence
    """,
)

_REPEATS_ARE_IDENTICAL = none(
    "Two attempts at one dispatch sent different bytes.",
    "SELECT dispatch_id FROM approvals_attempt GROUP BY dispatch_id HAVING count(DISTINCT digest) > 1",
)

ONCE = Invariant(
    code="I2",
    name="once",
    counted="dispatches",
    count="SELECT count(*) FROM approvals_dispatch",
    proofs=(
        _ONE_DISPATCH_PER_REVISION,
        _ONE_LIVE_DISPATCH_PER_PROPOSAL,
        _FENCES_ARE_COUNTED,
        _REPEATS_ARE_IDENTICAL,
    ),
)
