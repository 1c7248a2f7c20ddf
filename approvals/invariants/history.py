"""I4 and I5: the ledger tells each step once and nothing else, and each life is a path of the design."""

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Final

from approvals.models import (
    OPEN,
    WAITING,
    Absence,
    Assessment,
    Attempt,
    Decision,
    Dispatch,
    Outcome,
    Proposal,
    Reevaluation,
    Revision,
    State,
    Timer,
    Upload,
    UploadChunk,
    UploadScan,
    Verdict,
)
from approvals.models.states import INITIAL
from approvals.models.verdicts import VERDICTS
from audit import invariants
from audit.invariants import Invariant, guarded, none
from policies.models import Activation, Agent, KillSwitch, PolicyVersion, Surface

Edges = frozenset[tuple[str, str]]


def _edges(sources: Iterable[str], targets: Iterable[str], *, stays: Iterable[str] = ()) -> Edges:
    moves = {(str(source), str(target)) for source, target in product(sources, targets)}
    return frozenset(moves | {(str(state), str(state)) for state in stays})


STEPS: Final[Mapping[str, Edges]] = {
    "proposal.submitted": _edges([""], INITIAL),
    # A vote that settles nothing leaves the state as it is.
    "proposal.decided": _edges(OPEN, [kind.state for kind in VERDICTS.values() if kind.state], stays=OPEN),
    "proposal.edited": _edges(OPEN, [State.EDITED, State.BLOCKED]),
    "proposal.revised": _edges([State.PENDING, State.RETURNED], [State.PENDING, State.BLOCKED]),
    "proposal.withdrawn": _edges([*WAITING, State.APPROVED], [State.WITHDRAWN]),
    "proposal.expired": _edges([*WAITING, State.APPROVED], [State.EXPIRED]),
    "proposal.undone": _edges([State.APPROVED, State.REJECTED], [State.PENDING]),
    # A model's answer may make the verdict stricter; that is no step to another state.
    "proposal.assessed": _edges([], [], stays=State),
    # Nobody answered, so the next role is called.
    "proposal.escalated": _edges([], [], stays=OPEN),
    # A released kill switch: what it held up waits without it, or passes by itself.
    "proposal.switch_released": _edges([State.PENDING], [State.APPROVED], stays=WAITING),
    # A new policy: what is stricter applies to what is open, and to what was approved but not claimed.
    # On what a person may bring back it is only noted.
    "proposal.reevaluated": _edges(
        WAITING, [State.BLOCKED], stays=[*WAITING, State.APPROVED, State.FAILED, State.REJECTED]
    )
    | _edges([State.APPROVED], [State.PENDING]),
    # An approval was held up for longer than it stays good.
    "proposal.asked_again": _edges([State.APPROVED], [State.PENDING]),
    "proposal.shipped": _edges([State.APPROVED], [State.SHIPPED]),
    "proposal.failed": _edges([State.APPROVED], [State.FAILED]),
    # What is retried while it stays shipped is its roll back.
    # What the policy in force asks people for waits for them.
    "proposal.retried": _edges([State.FAILED], [State.APPROVED, State.PENDING], stays=[State.SHIPPED]),
    "proposal.rollback_ordered": _edges([], [], stays=[State.SHIPPED]),
    "proposal.rolled_back": _edges([State.SHIPPED], [State.ROLLED_BACK]),
}
"""Every kind of entry that tells a step of a proposal's life, with the states it may lead from and to."""

_ENTRIES: Final = ", ".join(sorted({f"'{kind.entry}'" for kind in VERDICTS.values()}))
_WHICH: Final = " ".join(f"WHEN '{verdict.value}' THEN '{kind.entry}'" for verdict, kind in VERDICTS.items())

_FLAT: Final = [f"{kind}:{source}:{target}" for kind, edges in STEPS.items() for source, target in sorted(edges)]

_CHAIN_IS_UNBROKEN = none(
    "A step in the ledger does not begin in the state in which the one before it ended.",
    """
    SELECT subject FROM (
        SELECT subject, data ->> 'from' AS began,
               lag(data ->> 'to', 1, '') OVER (PARTITION BY subject ORDER BY id) AS ended
          FROM audit_entry WHERE subject LIKE 'proposal:%' AND data ? 'to'
    ) AS steps WHERE began IS DISTINCT FROM ended
    """,
)

_CHAIN_ENDS_HERE = none(
    "A proposal is not in the state in which the ledger leaves it.",
    """
    WITH ends AS (
        SELECT DISTINCT ON (subject) subject, data ->> 'to' AS state, data ->> 'digest' AS digest
          FROM audit_entry WHERE subject LIKE 'proposal:%' AND data ? 'to' ORDER BY subject, id DESC
    )
    SELECT proposal.id
      FROM approvals_proposal AS proposal
      JOIN approvals_revision AS revision ON revision.id = proposal.revision_id
      LEFT JOIN ends ON ends.subject = 'proposal:' || proposal.id
     WHERE ends.state IS DISTINCT FROM proposal.state OR ends.digest IS DISTINCT FROM revision.digest
    """,
)

_DECISIONS_ARE_TOLD = none(
    "A decision and its ledger entry do not go together: one is missing, doubled or different.",
    f"""
    WITH told AS (
        SELECT data ->> 'decision_id' AS decision, count(*) AS times, min(kind) AS kind, min(subject) AS subject,
               min(actor) AS actor, min(at) AS at, min(data ->> 'digest') AS digest
          FROM audit_entry
         WHERE kind IN ({_ENTRIES})
         GROUP BY 1
    )
    SELECT coalesce(decision.id::text, told.subject)
      FROM approvals_decision AS decision FULL JOIN told ON told.decision = decision.id::text
     WHERE decision.id IS NULL OR told.times IS DISTINCT FROM 1
        OR told.subject <> 'proposal:' || decision.proposal_id OR told.actor <> 'user:' || decision.by_id
        OR told.at <> decision.at OR told.digest IS DISTINCT FROM decision.digest
        OR told.kind IS DISTINCT FROM CASE decision.verdict {_WHICH} END
    """,  # noqa: S608 - both come from the table of verdicts
)

_REVISIONS_ARE_TOLD = none(
    "A revision and its ledger entry do not go together: one is missing, doubled or different.",
    """
    WITH told AS (
        SELECT subject, data ->> 'revision' AS number, count(*) AS times, min(data ->> 'digest') AS digest
          FROM audit_entry WHERE kind IN ('proposal.submitted', 'proposal.edited', 'proposal.revised') GROUP BY 1, 2
    )
    SELECT coalesce(revision.id::text, told.subject)
      FROM approvals_revision AS revision
      FULL JOIN told ON told.subject = 'proposal:' || revision.proposal_id AND told.number = revision.number::text
     WHERE revision.id IS NULL OR told.times IS DISTINCT FROM 1 OR told.digest IS DISTINCT FROM revision.digest
    """,
)

_CLAIMS_ARE_TOLD = none(
    "An attempt and the ledger entry of its claim do not go together: one is missing, doubled or different.",
    """
    WITH told AS (
        SELECT data ->> 'dispatch' AS dispatch, data ->> 'fence' AS fence, count(*) AS times,
               min(subject) AS subject, min(at) AS at, min(data ->> 'digest') AS digest
          FROM audit_entry WHERE kind = 'dispatch.claimed' GROUP BY 1, 2
    )
    SELECT coalesce(attempt.dispatch_id::text, told.subject)
      FROM approvals_attempt AS attempt
      FULL JOIN told ON told.dispatch = attempt.dispatch_id::text AND told.fence = attempt.fence::text
     WHERE attempt.id IS NULL OR told.times IS DISTINCT FROM 1
        OR told.at <> attempt.started_at OR told.digest IS DISTINCT FROM attempt.digest
    """,
)

_RECEIPTS_ARE_TOLD = none(
    "A delivered dispatch and the ledger entry of it do not go together: one is missing, doubled or different.",
    """
    WITH told AS (
        SELECT data ->> 'dispatch' AS dispatch, count(*) AS times, min(kind) AS kind, min(subject) AS subject,
               min(data ->> 'shipped') AS shipped
          FROM audit_entry WHERE kind IN ('proposal.shipped', 'proposal.rolled_back') GROUP BY 1
    ), delivered AS (SELECT * FROM approvals_dispatch WHERE status = 'delivered')
    SELECT coalesce(delivered.id::text, told.subject)
      FROM delivered FULL JOIN told ON told.dispatch = delivered.id::text
     WHERE delivered.id IS NULL OR told.times IS DISTINCT FROM 1 OR told.shipped IS DISTINCT FROM delivered.digest
        OR told.subject <> 'proposal:' || delivered.proposal_id
        OR told.kind <> CASE delivered.kind WHEN 'execute' THEN 'proposal.shipped' ELSE 'proposal.rolled_back' END
    """,
)

_OUTCOMES_ARE_TOLD = none(
    "An outcome and its ledger entry do not go together: one is missing or doubled.",
    """
    WITH told AS (
        SELECT data ->> 'outcome' AS outcome, count(*) AS times, min(subject) AS subject
          FROM audit_entry WHERE kind = 'outcome.reported' GROUP BY 1
    )
    SELECT coalesce(outcome.id::text, told.subject)
      FROM approvals_outcome AS outcome FULL JOIN told ON told.outcome = outcome.id::text
     WHERE outcome.id IS NULL OR told.times IS DISTINCT FROM 1
    """,
)

_ACTIVATIONS_ARE_TOLD = none(
    "A policy version was put in force without its ledger entry, or the ledger tells of one that was not.",
    """
    WITH told AS (
        SELECT subject, data ->> 'digest' AS digest, count(*) AS times
          FROM audit_entry WHERE kind = 'policy.activated' GROUP BY 1, 2
    ), done AS (
        SELECT 'policy_version:' || version.number AS subject, version.digest, count(*) AS times
          FROM policies_activation AS activation
          JOIN policies_policyversion AS version ON version.number = activation.version_id GROUP BY 1, 2
    )
    SELECT coalesce(done.subject, told.subject) FROM done FULL JOIN told USING (subject, digest)
     WHERE done.times IS DISTINCT FROM told.times
    """,
)

LEDGER = Invariant(
    code="I4",
    name="ledger",
    counted="entries",
    count="SELECT count(*) FROM audit_entry",
    proofs=(
        _CHAIN_IS_UNBROKEN,
        _CHAIN_ENDS_HERE,
        _DECISIONS_ARE_TOLD,
        _REVISIONS_ARE_TOLD,
        _CLAIMS_ARE_TOLD,
        _RECEIPTS_ARE_TOLD,
        _OUTCOMES_ARE_TOLD,
        _ACTIVATIONS_ARE_TOLD,
        # Last: what is missing from the tree is told in the words of what it was, where they say more.
        *invariants.proofs(),
    ),
)

_EVERY_STEP_IS_LEGAL = none(
    "The ledger tells of a step that a proposal's life does not have.",
    """
    SELECT subject FROM audit_entry
     WHERE subject LIKE 'proposal:%%' AND data ? 'to'
       AND concat_ws(':', kind, coalesce(data ->> 'from', '?'), data ->> 'to') <> ALL(%(steps)s::text[])
    """,
    {"steps": _FLAT},
)

LEGAL = Invariant(
    code="I5",
    name="legal",
    counted="steps",
    count="SELECT count(*) FROM audit_entry WHERE subject LIKE 'proposal:%' AND data ? 'to'",
    proofs=(
        guarded(
            Proposal, Revision, Verdict, Decision, Dispatch, Attempt, Outcome, Assessment,
            Timer, Absence, Reevaluation, Upload, UploadChunk, UploadScan,
            Activation, Agent, KillSwitch, PolicyVersion, Surface,
        ),
        _EVERY_STEP_IS_LEGAL,
    ),
)  # fmt: skip
