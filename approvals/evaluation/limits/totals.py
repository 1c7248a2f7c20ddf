"""Running totals, exact under concurrent submissions. The only writer of what limits count.

A total is the sum of its counted entries that are inside the window, one entry per proposal. Entries stay
when a proposal is rejected, blocked, withdrawn or expires, but do not count; after an undo they count again.

Cost: an entry is added, changed and taken off once each, so a submission costs the same however long the
window is. What is held, and in which order, `context` says.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from approvals.evaluation.limits.windows import TotalWindow
from approvals.models import Proposal, State
from approvals.models.stored_row import Statement
from policies.engine.policy import LimitPolicy
from policies.facts.measures import FIELDS, any_in_sql, measured
from policies.publishing.current import Current

GIVEN_BACK: Final = (State.REJECTED, State.BLOCKED, State.EXPIRED, State.WITHDRAWN)
"""What is in these states does not count."""


class NotCounted(Exception):
    """A limit of the policy in force has not been counted yet; `recount.with_limits` sees to it."""


class Total(NamedTuple):
    """A running total as it stands without the proposal in question."""

    slug: str
    row: int
    """What is locked of it; 0 where nothing was counted yet."""
    total: float
    cutoff: datetime | None
    """Entries before this have left the window."""


_WANTED: Final = (
    "unnest(%(slugs)s::text[], %(digests)s::text[], %(scopes)s::text[], %(since)s::timestamptz[],"
    " %(cutoffs)s::timestamptz[]) AS wanted (slug, digest, scope, since, cutoff)"
    " JOIN approvals_limitdefinition AS definition"
    " ON definition.slug = wanted.slug AND definition.digest = wanted.digest"
    " AND definition.counted_for = %(activation)s"
)
_ROW: Final = (
    "approvals_limittotal AS running"
    " ON running.definition_id = definition.id AND running.scope = wanted.scope AND running.since = wanted.since"
)

_BEGIN: Final = f"""
INSERT INTO approvals_limittotal (definition_id, scope, since, tail_at, total)
SELECT definition.id, wanted.scope, wanted.since, wanted.since, 0
  FROM {_WANTED} LEFT JOIN {_ROW}
 WHERE running.id IS NULL ORDER BY 1, 2, 3
    ON CONFLICT DO NOTHING"""  # noqa: S608

# All rows that this transaction will ever touch, those of the proposal's earlier entries included, in one order.
_LOCK: Final = f"""
SELECT id FROM approvals_limittotal
 WHERE id = ANY(ARRAY(SELECT running.id FROM {_WANTED} JOIN {_ROW}
                       UNION SELECT running_id FROM approvals_limitentry WHERE proposal_id = %(own)s::uuid))
 ORDER BY id FOR UPDATE"""  # noqa: S608

_POP: Final = f"""
UPDATE approvals_limittotal AS total SET total = total.total - gone.amount, tail_at = gone.cutoff
  FROM (SELECT running.id, wanted.cutoff,
               (SELECT sum(entry.amount) FROM approvals_limitentry AS entry
                 WHERE entry.running_id = running.id AND entry.is_counted
                   AND entry.at >= running.tail_at AND entry.at < wanted.cutoff) AS amount
          FROM {_WANTED} JOIN {_ROW}) AS gone
 WHERE total.id = gone.id AND gone.amount IS NOT NULL"""  # noqa: S608

_OWN: Final = (
    "approvals_limitentry AS own ON own.running_id = running.id AND own.proposal_id = %(own)s::uuid"
    " AND own.is_counted AND own.at >= running.tail_at"
)
_READ: Final = f"""
SELECT wanted.slug, running.id, running.total - coalesce(own.amount, 0), wanted.cutoff
  FROM {_WANTED} JOIN {_ROW} LEFT JOIN {_OWN}"""  # noqa: S608

HOLD: Final = (_BEGIN, _LOCK, _POP, _READ)
"""Statements that lock the totals that `asked` names and read them; the last one returns what makes a Total."""

LOOK: Final = (
    f"""
SELECT wanted.slug, coalesce(running.id, 0), coalesce(running.total, 0) - coalesce(own.amount, 0)
       - coalesce((SELECT sum(entry.amount) FROM approvals_limitentry AS entry
                    WHERE entry.running_id = running.id AND entry.is_counted
                      AND entry.proposal_id IS DISTINCT FROM %(own)s::uuid
                      AND entry.at >= running.tail_at AND entry.at < wanted.cutoff), 0), wanted.cutoff
  FROM {_WANTED} LEFT JOIN {_ROW} LEFT JOIN {_OWN}""",  # noqa: S608
)
"""The same without locking or changing anything."""


def covering(standing: Current, *, surface: str, agent: str) -> list[LimitPolicy]:
    """Return the limits that count proposals of `agent` on `surface`."""
    return [limit for limit in standing.policy.limits if limit.covers(surface=surface, agent=agent)]


def asked(rows: list[TotalWindow], *, activation: int | None) -> dict[str, Any]:
    """Return the parameters of HOLD and LOOK; they also take `own`, the id of the proposal in question."""
    return {
        "slugs": [row.slug for row in rows],
        "digests": [row.digest for row in rows],
        "scopes": [row.scope for row in rows],
        "since": [row.since for row in rows],
        "cutoffs": [row.cutoff for row in rows],
        "activation": activation,
    }


def facts(limits: list[LimitPolicy], totals: list[Total]) -> dict[str, float]:
    """Return each limit's total for the policy to weigh; of several targets the highest counts.

    Raises NotCounted.
    """
    figures: dict[str, float] = {}
    for each in totals:
        figures[each.slug] = max(each.total, figures.get(each.slug, each.total))
    if len(figures) < len(limits):
        raise NotCounted
    return figures


_ADD: Final = """
WITH added AS (
    INSERT INTO approvals_limitentry (running_id, proposal_id, amount, at, is_counted)
    SELECT running, %s, amount, %s, true FROM unnest(%s::bigint[], %s::numeric[]) AS new (running, amount)
    RETURNING running_id, amount, at
)
UPDATE approvals_limittotal AS total SET total = total.total + added.amount
  FROM added WHERE total.id = added.running_id AND added.at >= total.tail_at"""


def adding(proposal: Proposal, limits: list[LimitPolicy], totals: list[Total]) -> Statement:
    """Return the statement that counts a new proposal in `totals`, which are locked."""
    by_slug = {limit.slug: limit for limit in limits}
    amounts = [
        Decimal(str(measured(limit.measure, proposal, currency=limit.currency)))
        for limit in (by_slug[each.slug] for each in totals)
    ]
    return Statement(_ADD, [proposal.pk, proposal.created_at, [each.row for each in totals], amounts])


FOLLOW: Final = (
    """
SELECT id FROM approvals_limittotal
 WHERE id = ANY(ARRAY(SELECT running_id FROM approvals_limitentry WHERE proposal_id = %(own)s::uuid))
 ORDER BY id FOR UPDATE""",
    f"""
WITH mine AS (
    SELECT entry.id, CASE WHEN entry.is_counted THEN entry.amount ELSE 0 END AS counted,
           {any_in_sql("definition.measure", currency="definition.currency", column="%({})s")} AS amount
      FROM approvals_limitentry AS entry
      JOIN approvals_limittotal AS running ON running.id = entry.running_id
      JOIN approvals_limitdefinition AS definition ON definition.id = running.definition_id
     WHERE entry.proposal_id = %(own)s::uuid
), changed AS (
    UPDATE approvals_limitentry AS entry SET is_counted = %(counts)s, amount = mine.amount
      FROM mine WHERE entry.id = mine.id AND (entry.is_counted <> %(counts)s OR entry.amount <> mine.amount)
    RETURNING entry.running_id, entry.at, CASE WHEN %(counts)s THEN mine.amount ELSE 0 END - mine.counted AS more
)
UPDATE approvals_limittotal AS total SET total = total.total + changed.more
  FROM changed WHERE total.id = changed.running_id AND changed.at >= total.tail_at""",  # noqa: S608 - by measures
)
"""Statements that make a locked proposal's entries say what it says now, and the totals with them."""


def followed(proposal: Proposal) -> dict[str, Any]:
    """Return the parameters of FOLLOW."""
    return {
        "own": proposal.pk,
        "counts": proposal.state not in GIVEN_BACK,
        **{name: getattr(proposal, name) for name in FIELDS},
    }
