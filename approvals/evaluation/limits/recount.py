"""Counting a limit for the first time, or anew once it counts something else."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar

from django.db import OperationalError, connection, transaction
from psycopg.errors import SerializationFailure

from approvals.evaluation.limits import windows
from approvals.evaluation.limits.totals import GIVEN_BACK, NotCounted
from approvals.models import LimitDefinition
from audit.clock import database_now
from policies.engine.policy import LimitPolicy
from policies.facts.measures import in_sql
from policies.models import Activation, Agent, Surface
from policies.publishing.gate import close_gate
from policies.publishing.publish import compiled
from policies.rules.rule import matches

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")


def with_limits(use_case: Callable[Parameters, Answer]) -> Callable[Parameters, Answer]:
    """Run `use_case` in a transaction, and again where a limit was not counted yet, or moved too far meanwhile."""

    @wraps(use_case)
    def run(*args: Parameters.args, **words: Parameters.kwargs) -> Answer:
        while True:  # another time only if the policy changed once more, or others took what was left once more
            try:
                with transaction.atomic():
                    return use_case(*args, **words)
            except NotCounted:
                count_what_is_in_force()
            except OperationalError as error:
                if not isinstance(error.__cause__, SerializationFailure):
                    raise

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
            digest=windows.digest(limit),
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
    start = windows.begins(limit, at)
    is_rolling = limit.window["kind"] == windows.ROLLING
    statement = _COUNT_ANEW.format(measure=in_sql(limit.measure, currency="%(currency)s"), scopes=_SCOPES[limit.per])
    with connection.cursor() as cursor:
        words: dict[str, Any] = {
            "definition": definition.pk,
            "currency": limit.currency,
            "given_back": [str(state) for state in GIVEN_BACK],
            "start": start,
            "since": windows.BEGINNING if is_rolling else start,
            "surfaces": _among(limit.surfaces, Surface),
            "agents": _among(limit.agents, Agent),
        }
        cursor.execute(f"{_FORGET};{statement}", words)


def _among(globs: tuple[str, ...], model: type[Surface] | type[Agent]) -> list[str]:
    """Return the slugs that one of `globs` matches; all of them where there are no globs."""
    slugs = model.objects.values_list("slug", flat=True)
    return [slug for slug in slugs if not globs or any(matches(glob, slug) for glob in globs)]
