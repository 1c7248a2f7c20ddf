"""Running totals, exact whoever submits at the same time. The only writer of what limits count.

A total is the sum of its counted entries that are inside the window, one entry per proposal. Entries stay
when a proposal is rejected, blocked, withdrawn or expires, but do not count; after an undo they count again.

Cost: an entry is added, changed and taken off once each, so a submission costs the same however long the
window is. What is held, and in which order, `surroundings` says.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import wraps
from typing import Any, Final, NamedTuple, ParamSpec, TypeVar

from django.db import connection, transaction

from approvals.evaluation import limit_windows
from approvals.evaluation.limit_windows import TotalWindow
from approvals.models import LimitDefinition, Proposal, State
from approvals.models.together import Statement
from audit.clock import database_now
from policies.engine.policy import LimitPolicy
from policies.facts.measures import FIELDS, any_in_sql, in_sql, measured
from policies.models import Activation, Agent, Surface
from policies.publishing.current import Current
from policies.publishing.gate import close_gate
from policies.publishing.publish import compiled
from policies.rules.rule import matches

GIVEN_BACK: Final = (State.REJECTED, State.BLOCKED, State.EXPIRED, State.WITHDRAWN)
"""What is in these states does not count."""

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")


class NotCounted(Exception):
    """A limit of the policy in force has not been counted yet; `with_limits` sees to it."""


class Total(NamedTuple):
    """A running total as it stands without the proposal in question; `row` is what is locked of it."""

    slug: str
    row: int
    total: float


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
SELECT wanted.slug, running.id, running.total - coalesce(own.amount, 0)
  FROM {_WANTED} JOIN {_ROW} LEFT JOIN {_OWN}"""  # noqa: S608

HOLD: Final = (_BEGIN, _LOCK, _POP, _READ)
"""Statements that lock the totals that `asked` names and read them; the last one returns `(slug, row, total)`."""

LOOK: Final = (
    f"""
SELECT wanted.slug, coalesce(running.id, 0), coalesce(running.total, 0) - coalesce(own.amount, 0)
       - coalesce((SELECT sum(entry.amount) FROM approvals_limitentry AS entry
                    WHERE entry.running_id = running.id AND entry.is_counted
                      AND entry.proposal_id IS DISTINCT FROM %(own)s::uuid
                      AND entry.at >= running.tail_at AND entry.at < wanted.cutoff), 0)
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
    found: dict[str, float] = {}
    for each in totals:
        found[each.slug] = max(each.total, found.get(each.slug, each.total))
    if len(found) < len(limits):
        raise NotCounted
    return found


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


def with_limits(use_case: Callable[Parameters, Answer]) -> Callable[Parameters, Answer]:
    """Run `use_case` in a transaction; where a limit has not been counted yet, count it and run it again."""

    @wraps(use_case)
    def run(*args: Parameters.args, **words: Parameters.kwargs) -> Answer:
        while True:  # a second time only if the policy changed once more in between
            try:
                with transaction.atomic():
                    return use_case(*args, **words)
            except NotCounted:
                count_what_is_in_force()

    return run


@transaction.atomic
def count_what_is_in_force() -> None:
    """Make every limit of the policy in force count from what was proposed inside its window so far.

    One that was counted under the activation before this one, too, has missed nothing and goes on. Nobody
    is judged meanwhile, so that nothing is missed here either. Cost: one pass over the proposals inside the
    window of each new definition.
    """
    close_gate()
    latest = list(Activation.objects.order_by("-id").values_list("id", "version_id", "version__digest")[:2])
    if not latest:
        return
    activation, number, digest = latest[0]
    before = latest[1][0] if len(latest) > 1 else None
    at = database_now()
    for limit in compiled(number, digest).limits:
        definition, is_new = LimitDefinition.objects.get_or_create(
            slug=limit.slug,
            digest=limit_windows.digest(limit),
            defaults={"measure": limit.measure, "currency": limit.currency, "counted_for": activation},
        )
        if definition.counted_for == activation and not is_new:
            continue
        if is_new or definition.counted_for != before:
            _count_anew(definition, limit, at=at)
        definition.counted_for = activation
        definition.save(update_fields=["counted_for"])


_SCOPES: Final[Mapping[str, str]] = {
    "surface": "ARRAY[surface_id::text]",
    "agent": "ARRAY[agent_id::text]",
    "agent_and_surface": "ARRAY[agent_id || ' ' || surface_id]",
    "target": "CASE WHEN targets = '{}' THEN ARRAY[''] ELSE targets::text[] END",
    "everywhere": "ARRAY['']",
}
_FORGET: Final = """
DELETE FROM approvals_limitentry
 WHERE running_id IN (SELECT id FROM approvals_limittotal WHERE definition_id = %(definition)s);
DELETE FROM approvals_limittotal WHERE definition_id = %(definition)s"""
_COUNT_ANEW: Final = """
WITH new AS MATERIALIZED (
    SELECT id, created_at, state <> ALL(%(given_back)s::text[]) AS counts, {measure}::numeric AS amount, scope
      FROM approvals_proposal CROSS JOIN LATERAL (SELECT DISTINCT unnest({scopes}) AS scope) AS each
     WHERE created_at >= %(start)s AND state <> 'blocked'
       AND surface_id = ANY(%(surfaces)s::text[]) AND agent_id = ANY(%(agents)s::text[])
), totals AS (
    INSERT INTO approvals_limittotal (definition_id, scope, since, tail_at, total)
    SELECT %(definition)s, scope, %(since)s, %(start)s, coalesce(sum(amount) FILTER (WHERE counts), 0)
      FROM new GROUP BY scope
    RETURNING id, scope
)
INSERT INTO approvals_limitentry (running_id, proposal_id, amount, at, is_counted)
SELECT totals.id, new.id, new.amount, new.created_at, new.counts FROM new JOIN totals ON totals.scope = new.scope"""


def _count_anew(definition: LimitDefinition, limit: LimitPolicy, *, at: datetime) -> None:
    start = limit_windows.begins(limit, at)
    is_rolling = limit.window["kind"] == limit_windows.ROLLING
    statement = _COUNT_ANEW.format(measure=in_sql(limit.measure, currency="%(currency)s"), scopes=_SCOPES[limit.per])
    with connection.cursor() as cursor:
        words: dict[str, Any] = {
            "definition": definition.pk,
            "currency": limit.currency,
            "given_back": [str(state) for state in GIVEN_BACK],
            "start": start,
            "since": limit_windows.BEGINNING if is_rolling else start,
            "surfaces": _among(limit.surfaces, Surface),
            "agents": _among(limit.agents, Agent),
        }
        cursor.execute(f"{_FORGET};{statement}", words)


def _among(globs: tuple[str, ...], model: type[Surface] | type[Agent]) -> list[str]:
    """Return the slugs that one of `globs` matches; all of them where there are no globs."""
    slugs = model.objects.values_list("slug", flat=True)
    return [slug for slug in slugs if not globs or any(matches(glob, slug) for glob in globs)]
