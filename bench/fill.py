"""Fill a portal with many proposals in seconds: copies of one real proposal, made inside the database."""

from typing import Final

from django.db import connection, models

from approvals.models import Proposal, Revision, Verdict
from policies.models import Agent, Surface

# Identifiers that sort as UUIDv7 do, one series a table.
_ID: Final = "('0193' || lpad(to_hex(n), 8, '0') || '7000800{series}' || lpad(to_hex(n), 12, '0'))::uuid"
_SETTLED: Final = (
    "(ARRAY['shipped','shipped','shipped','rejected','shipped','blocked','shipped','expired','withdrawn'])[1 + n % 9]"
)
_FACTS: Final = (
    'source."facts" || jsonb_build_object('
    "'surface', {surface}, 'agent', {agent}, 'confidence', round((n % 100) / 100.0, 2), 'amount', n % 9000)"
)
_AT: Final = "now() - n * interval '20 seconds'"


def fill(count: int, *, pending: int | None = None) -> None:
    """Add `count` proposals in many states, surfaces and agents, copied from the newest one there is.

    `pending` of them (usually a tenth) wait for people, half of those in the tier `batch`, due within a day.
    Triggers are off while it copies, since the copies begin in states that only a life leads to.
    """
    every = count // (pending or count // 10)
    waits = f"n % {every} = 0"
    state = f"CASE WHEN {waits} THEN 'pending' ELSE {_SETTLED} END"
    cleared = f"NOT ({waits}) AND {_SETTLED} = 'shipped'"
    due = f"CASE WHEN {waits} THEN now() + (60 + n % 86400) * interval '1 second' ELSE {_AT} + interval '10 days' END"
    surfaces, agents = _array(Surface), _array(Agent)
    pick = "({array})[1 + n % array_length({array}, 1)]"
    proposal, revision, verdict = (_ID.format(series=number) for number in (1, 2, 3))
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        _copy(Revision, count, {"id": revision, "proposal_id": proposal, "created_at": _AT})
        facts = _FACTS.format(surface=pick.format(array=surfaces), agent=pick.format(array=agents))
        _copy(Verdict, count, {"id": verdict, "revision_id": revision, "at": _AT, "facts": facts})
        _copy(
            Proposal,
            count,
            {
                "id": proposal,
                "revision_id": revision,
                "verdict_id": verdict,
                "agent_id": pick.format(array=agents),
                "surface_id": pick.format(array=surfaces),
                "title": "'Move $' || n || ' from Search to Social'",
                "state": state,
                "tier_id": f"CASE WHEN {waits} AND (n / {every}) % 2 = 0 THEN 'batch' ELSE source.\"tier_id\" END",
                "payload_digest": "'sha256:' || n",
                "targets": "ARRAY['campaign:' || n]",
                "confidence": "round((n % 100) / 100.0, 2)",
                "amount": "n % 9000",
                "release_at": f"CASE WHEN {cleared} THEN {_AT} END",
                "approved_digest": f"CASE WHEN {cleared} THEN 'sha256:' || repeat('0', 64) ELSE '' END",
                "created_at": _AT,
                "updated_at": _AT,
                "deadline_at": due,
            },
        )
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("ANALYZE")


def _array(model: type[models.Model]) -> str:
    slugs = ", ".join(f"'{slug}'" for slug in model._default_manager.order_by("pk").values_list("pk", flat=True))
    return f"ARRAY[{slugs}]"


def _copy(model: type[models.Model], count: int, instead: dict[str, str]) -> None:
    """Copy the newest row of `model` `count` times, with the SQL of `instead` in place of some columns."""
    columns = [str(field.column) for field in model._meta.concrete_fields]
    values = ", ".join(instead.get(column, f'source."{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({names}) SELECT {values} FROM generate_series(1, {count}) AS n,"
            f" (SELECT * FROM {table} ORDER BY id DESC LIMIT 1) AS source"
        )
