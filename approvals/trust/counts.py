"""Count proposals towards trust: what has changed, and all anew. The only writer of cases and counts.

Both take what a proposal counts for from `cases`. Of what has changed the old case is taken off the sums and the new
one added. The sums are whole numbers, so they are the same as if all had been counted at once, in whatever order.
Everything here holds one advisory lock: nobody counts while all is counted anew.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection, transaction

from approvals.models import TrustProgress
from approvals.trust import cases
from approvals.trust.cases import ADDS, COLUMNS

_LOCK: Final = 0x48495402
_BATCH: Final = 5_000
_KEY: Final = "agent, surface, model, day, action, tenth"

# A transaction that is still open when this reads began at that time or later, and so does whatever it will have
# written. The seconds are for times that somebody took shortly before a transaction began.
_HORIZON: Final = """
SELECT least(clock_timestamp(), min(xact_start)) - interval '5 seconds' FROM pg_stat_activity
 WHERE datname = current_database() AND xact_start IS NOT NULL AND backend_type = 'client backend'"""

# Entries of one proposal commit in their order, because each step holds the proposal's row.
_CHANGED: Final = """
SELECT changed.id, changed.entry
  FROM (SELECT substr(subject, 10)::uuid AS id, max(id) AS entry FROM audit_entry
         WHERE at >= %(since)s AND subject LIKE 'proposal:%%' GROUP BY subject) AS changed
  LEFT JOIN approvals_trustcase AS counted ON counted.proposal_id = changed.id
 WHERE counted.proposal_id IS NULL OR counted.entry < changed.entry
 ORDER BY changed.entry LIMIT %(most)s"""

_COUNT: Final = """
WITH fresh AS MATERIALIZED ({cases}),
stale AS MATERIALIZED (SELECT * FROM approvals_trustcase WHERE proposal_id = ANY(%(ids)s::uuid[])),
change AS (
    SELECT agent, surface, model, {day} AS day, action, tenth, {adds} FROM fresh
     UNION ALL
    SELECT agent, surface, model, {day}, action, tenth, {takes} FROM stale
),
kept AS (
    INSERT INTO approvals_trustcase ({columns}, entry)
    SELECT {fresh}, entry.number
      FROM fresh
      JOIN unnest(%(ids)s::uuid[], %(entries)s::bigint[]) AS entry (id, number) ON entry.id = fresh.proposal_id
        ON CONFLICT (proposal_id) DO UPDATE SET {renewed}, entry = EXCLUDED.entry
),
added AS (
    INSERT INTO approvals_trustcount AS there ({key}, {names})
    SELECT {key}, {totals} FROM change GROUP BY {key}
        ON CONFLICT ({key}) DO UPDATE SET {grown}
)
SELECT DISTINCT agent, surface FROM change"""

_ANEW: Final = "CREATE TEMPORARY TABLE trust_case_anew ON COMMIT DROP AS {cases}"
# Rows that are right stay as they are: nobody who reads them waits.
_MEND_CASES: Final = """
INSERT INTO approvals_trustcase ({columns}, entry)
SELECT {fresh}, coalesce(there.entry, 0)
  FROM trust_case_anew AS fresh LEFT JOIN approvals_trustcase AS there USING (proposal_id)
 WHERE there.proposal_id IS NULL OR ({there}) IS DISTINCT FROM ({fresh})
    ON CONFLICT (proposal_id) DO UPDATE SET {renewed}"""
_ADD_UP: Final = """
CREATE TEMPORARY TABLE trust_count_anew ON COMMIT DROP AS
SELECT {key}, {sums} FROM (SELECT *, {day} AS day FROM trust_case_anew) AS counted GROUP BY {key}"""
_DROP_WRONG: Final = """
DELETE FROM approvals_trustcount AS there
 WHERE NOT EXISTS (SELECT FROM trust_count_anew AS anew WHERE ({anew_sums}) = ({there_sums}))
RETURNING proposals"""
_MEND_SUMS: Final = """
INSERT INTO approvals_trustcount ({key}, {names})
SELECT {key}, {names} FROM trust_count_anew ON CONFLICT ({key}) DO NOTHING"""


def _sql(template: str, *, due: str = cases.SOME) -> str:
    """Fill in the columns of cases and counts."""
    names = [f'"{name}"' for name in ADDS]
    both = [*_KEY.split(", "), *names]
    return template.format(
        cases=cases.of(due),
        key=_KEY,
        day="(settled_at AT TIME ZONE 'UTC')::date",
        columns=", ".join(COLUMNS),
        fresh=", ".join(f"fresh.{name}" for name in COLUMNS),
        there=", ".join(f"there.{name}" for name in COLUMNS),
        renewed=", ".join(f"{name} = EXCLUDED.{name}" for name in COLUMNS[1:]),
        names=", ".join(names),
        adds=", ".join(f"{sql} AS {name}" for name, sql in zip(names, ADDS.values(), strict=True)),
        takes=", ".join(f"-({sql})" for sql in ADDS.values()),
        sums=", ".join(f"sum({sql})::bigint AS {name}" for name, sql in zip(names, ADDS.values(), strict=True)),
        totals=", ".join(f"sum({name})" for name in names),
        grown=", ".join(f"{name} = there.{name} + EXCLUDED.{name}" for name in names),
        anew_sums=", ".join(f"anew.{name}" for name in both),
        there_sums=", ".join(f"there.{name}" for name in both),
    )


class Pair(NamedTuple):
    """An agent on a surface, by their slugs."""

    agent: str
    surface: str


class Recount(NamedTuple):
    """What counting anew found: how many proposals, and how many sums were wrong before."""

    proposals: int
    differences: int


def try_alone() -> bool:
    """Whether nobody else counts until this transaction ends."""
    return bool(_value("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK]))


def wait_alone() -> None:
    """Wait until nobody else counts; holds until this transaction ends."""
    _value("SELECT 1 FROM (SELECT pg_advisory_xact_lock(%s)) AS held", [_LOCK])


def count_changed(*, most: int) -> tuple[int, list[Pair]]:
    """Count up to `most` proposals that have changed; return how many, and the pairs they belong to.

    Call it in a transaction that counts alone. Three statements, whatever has changed.
    """
    progress, _is_new = TrustProgress.objects.get_or_create(pk=1)
    horizon = _value(_HORIZON, [])
    since = progress.counted_until or datetime.min.replace(tzinfo=horizon.tzinfo, year=1970)
    with connection.cursor() as cursor:
        cursor.execute(_CHANGED, {"since": since, "most": most})
        changed = cursor.fetchall()
    pairs = count(changed)
    if len(changed) < most:
        TrustProgress.objects.filter(pk=1).update(counted_until=horizon)
    return len(changed), pairs


def count(changed: Sequence[tuple[UUID, int]]) -> list[Pair]:
    """Count these proposals as they stand, up to these ledger entries; return the pairs whose sums have changed."""
    if not changed:
        return []
    ids, numbers = zip(*changed, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_sql(_COUNT), {"ids": list(ids), "entries": list(numbers)})
        return [Pair(*row) for row in cursor.fetchall()]


@transaction.atomic
def recount() -> Recount:
    """Count all proposals anew, mend what was counted wrong, and say how many sums that were.

    A sum that was wrong means that something changed without a ledger entry, or a fault of ours.
    """
    wait_alone()
    while count_changed(most=_BATCH)[0] == _BATCH:
        pass
    horizon = _value(_HORIZON, [])
    with connection.cursor() as cursor:
        cursor.execute(_sql(_ANEW, due=cases.ALL))
        proposals = cursor.rowcount
        cursor.execute(_sql(_MEND_CASES))
        cursor.execute(_sql(_ADD_UP))
        cursor.execute(_sql(_DROP_WRONG))
        gone = sum(1 for (number,) in cursor.fetchall() if number)
        cursor.execute(_sql(_MEND_SUMS))
        differences = max(gone, cursor.rowcount)
    now = _value("SELECT clock_timestamp()", [])
    TrustProgress.objects.filter(pk=1).update(counted_until=horizon, recounted_at=now)
    return Recount(proposals, differences)


def _value(sql: str, parameters: list[Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        row = cursor.fetchone()
    return row[0]
