"""Track record of an agent: how often it was right when it was as confident as it is now."""

from dataclasses import dataclass
from typing import Final

from django.db import connection
from django.utils.translation import gettext as _

LOOKS_BACK: Final = 1_000
"""So many settled proposals of the agent on the surface are looked at, the newest."""
FEWEST: Final = 10
"""With fewer decided there is no track record to speak of."""
BANDS: Final = 10


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """Of `decided` proposals with a similar confidence, so many were right. `confidence` is the one at hand."""

    confidence: float | None
    decided: int
    right: int

    @property
    def is_enough(self) -> bool:
        return self.decided >= FEWEST

    @property
    def share(self) -> float | None:
        """The share that was right; None where there are too few to say."""
        return self.right / self.decided if self.is_enough else None

    @property
    def sentence(self) -> str:
        """Say it in words: `Says 93 %; right 81 % of 412 times`."""
        if self.share is None:
            return _("Too little history yet (%s decided)") % self.decided if self.decided else _("No history yet")
        facts = {"right": _percent(self.share), "decided": self.decided}
        if self.confidence is None:
            return _("Gives no confidence; right %(right)s of %(decided)s times") % facts
        says = {"says": _percent(self.confidence), **facts}
        return _("Says %(says)s; right %(right)s of %(decided)s times") % says


def _percent(share: float) -> str:
    return _("%s %%") % f"{share * 100:.0f}"


# People's word is what counts: what shipped by itself and nobody looked at says nothing about being right, or an
# agent would earn its record by its own confidence. What was rolled back was wrong, though people had approved it.
# Subqueries and no joins: each is a thousand looks into an index, where a join would read all samples there are.
_QUERY: Final = """
WITH settled AS (
    SELECT id, state, confidence, revision_id
      FROM approvals_proposal
     WHERE agent_id = %(agent)s AND surface_id = %(surface)s
       AND state IN ('approved', 'shipped', 'failed', 'rejected', 'rolled_back')
     ORDER BY id DESC LIMIT %(most)s
), judged AS MATERIALIZED (
    SELECT state,
           (SELECT max(decision.revision_number) FROM approvals_decision AS decision
             WHERE decision.revision_id = settled.revision_id AND decision.verdict = 'approve') AS approved,
           (SELECT sample.opinion FROM approvals_sample AS sample
             WHERE sample.proposal_id = settled.id AND sample.opinion <> '') AS opinion
      FROM settled
     WHERE CASE WHEN %(low)s::float IS NULL THEN confidence IS NULL
                ELSE confidence >= %(low)s::float AND confidence < %(high)s::float END
)
SELECT count(*),
       count(*) FILTER (WHERE state NOT IN ('rejected', 'rolled_back')
                          AND coalesce(approved, 1) = 1 AND coalesce(opinion, 'right') = 'right')
  FROM judged
 WHERE approved IS NOT NULL OR opinion IS NOT NULL OR state IN ('rejected', 'rolled_back')"""


def track_record(*, agent: str, surface: str, confidence: float | None) -> TrackRecord:
    """Return how often `agent` was right on `surface` (slugs) when its confidence was in the same tenth.

    Right is what was approved as first proposed, and neither rolled back nor judged otherwise afterwards. Counted
    are the last LOOKS_BACK that were settled, of which only what a person has judged. One query, bounded by an index.
    """
    low, high = band(confidence)
    with connection.cursor() as cursor:
        cursor.execute(_QUERY, {"agent": agent, "surface": surface, "most": LOOKS_BACK, "low": low, "high": high})
        decided, right = cursor.fetchone()
    return TrackRecord(confidence, int(decided), int(right))


def band(confidence: float | None) -> tuple[float | None, float | None]:
    """Return the tenth in which a confidence lies, from and below; the last one holds 1 as well."""
    if confidence is None:
        return None, None
    edges = [number / BANDS for number in range(BANDS)]
    low = max(edge for edge in edges if edge <= confidence)
    return low, (low * BANDS + 1) / BANDS if low < edges[-1] else 2.0
