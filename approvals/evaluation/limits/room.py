"""Count a new proposal only as it is stored, where its limits have room: nobody waits for a total that is judged by.

Totals are then looked at and not held. While each limit has room for the proposal, and no rule weighs totals, its
verdict does not depend on how far they have come. So the last statement of the transaction locks them, and refuses
where others have taken the room meanwhile: then nothing is stored, and `recount.with_limits` has it judged anew.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from approvals.evaluation.limits.totals import Total
from approvals.models import Proposal
from approvals.models.stored_row import Statement
from policies.engine.policy import LimitPolicy, Policy
from policies.facts.facts import Facts
from policies.facts.measures import figure, measured
from policies.stored_functions import StoredFunction

WEIGHED: Final = "limits"
"""The fact by which a rule weighs totals."""

COUNT: Final = StoredFunction(
    "approvals_count",
    "the_proposal uuid, the_at timestamptz, the_rows bigint[], the_cutoffs timestamptz[], the_amounts numeric[],"
    " the_most numeric[], OUT counted bigint",
    """
    PERFORM 1 FROM approvals_limittotal WHERE id = ANY(the_rows) ORDER BY id FOR UPDATE;
    UPDATE approvals_limittotal AS total SET total = total.total - gone.amount, tail_at = gone.cutoff
      FROM (SELECT running.id, new.cutoff,
                   (SELECT sum(entry.amount) FROM approvals_limitentry AS entry
                     WHERE entry.running_id = running.id AND entry.is_counted
                       AND entry.at >= running.tail_at AND entry.at < new.cutoff) AS amount
              FROM unnest(the_rows, the_cutoffs) AS new (running_id, cutoff)
              JOIN approvals_limittotal AS running ON running.id = new.running_id) AS gone
     WHERE total.id = gone.id AND gone.amount IS NOT NULL;
    IF EXISTS (SELECT FROM unnest(the_rows, the_most) AS new (running_id, most)
                 LEFT JOIN approvals_limittotal AS running ON running.id = new.running_id
                WHERE (running.total <= new.most) IS NOT TRUE) THEN
        RAISE EXCEPTION 'Others have taken what a limit had left.' USING ERRCODE = 'serialization_failure';
    END IF;
    WITH added AS (
        INSERT INTO approvals_limitentry (running_id, proposal_id, amount, at, is_counted)
        SELECT new.running_id, the_proposal, new.amount, the_at, true
          FROM unnest(the_rows, the_amounts) AS new (running_id, amount)
        RETURNING running_id, amount, at
    )
    UPDATE approvals_limittotal AS total SET total = total.total + added.amount
      FROM added WHERE total.id = added.running_id AND added.at >= total.tail_at;
    GET DIAGNOSTICS counted = ROW_COUNT;
    """,
)
"""Adds a new proposal to totals, unless one of them has come further than `the_most` says.

Each statement of it sees what was committed when it began, so after the totals were locked.
"""
_COUNT: Final = "SELECT approvals_count(%s::uuid, %s, %s::bigint[], %s::timestamptz[], %s::numeric[], %s::numeric[])"


def left(policy: Policy, facts: Facts, limits: Sequence[LimitPolicy], totals: Sequence[Total]) -> list[Decimal] | None:
    """Return how far each of `totals` may have come for the verdict on `facts` to stay as it is.

    None where the verdict rests on more than that: then the totals have to be held.
    """
    if facts.unread or policy.rules.weighs(WEIGHED) or not all(each.row for each in totals):
        return None
    by_slug = {limit.slug: limit for limit in limits}
    most = []
    for each in totals:
        limit = by_slug[each.slug]
        adds = figure(limit.measure, facts)
        bound = limit.limit if limit.warning is None else min(limit.limit, limit.warning)
        room = Decimal(str(bound)) - Decimal(str(adds))
        is_doubtful = adds != measured(limit.measure, facts, currency=limit.currency)
        if is_doubtful or not Decimal(str(each.total)) <= room:
            return None
        most.append(room)
    return most


def counting(
    proposal: Proposal, limits: Sequence[LimitPolicy], totals: Sequence[Total], most: Sequence[Decimal]
) -> Statement:
    """Return the statement that counts a new proposal in `totals`, each of which may have come as far as `most`."""
    by_slug = {limit.slug: limit for limit in limits}
    counted = [(by_slug[each.slug].measure, by_slug[each.slug].currency) for each in totals]
    amounts = [Decimal(str(measured(measure, proposal, currency=currency))) for measure, currency in counted]
    rows, cutoffs = [each.row for each in totals], [each.cutoff for each in totals]
    return Statement(_COUNT, [proposal.pk, proposal.created_at, rows, cutoffs, amounts, list(most)])
