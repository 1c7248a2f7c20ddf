"""A whole past, written with COPY: many proposals with all that they left behind, up to the leaves of the ledger.

Nine lives are lived through the use cases and copied over and over, one every 20 seconds, in steady memory. Triggers
are off meanwhile, since copies begin in states that only a life leads to, and indexes are made afterwards.
"""

import os
import resource
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final, NamedTuple

import psycopg
from django.contrib.auth.models import User
from django.db import connection, models, transaction

from approvals import models as approvals
from approvals.trust import figures
from approvals.trust.cases import ADDS
from approvals.trust.counts import Pair
from audit import models as audit
from audit.clock import database_now
from audit.ledger import checkpoints, sequencer, tiles
from bench.growth import lives, templates
from bench.growth.templates import TABLES, Template
from policies.models import Mandate

EVERY: Final = timedelta(seconds=20)
WAITING_FOR: Final = timedelta(hours=1)
"""What waits was proposed within so long: no reminder is due yet, and nothing runs out of time while it is measured."""
SETTLED: Final = timedelta(hours=2)
AT_A_TIME: Final = 2_000
MANY: Final = 20_000
"""From so many on, indexes are made afterwards."""
_ADD_UP: Final = """
INSERT INTO approvals_trustcount (agent, surface, model, day, action, tenth, {names})
SELECT agent, surface, model, (settled_at AT TIME ZONE 'UTC')::date, action, tenth, {sums}
  FROM approvals_trustcase GROUP BY 1, 2, 3, 4, 5, 6"""
_INDEXES: Final = """
SELECT indexdef, 'DROP INDEX ' || quote_ident(indexname) FROM pg_indexes
 WHERE tablename = ANY(%s) AND indexname NOT IN (SELECT conname FROM pg_constraint)"""
_Rows = dict[type[models.Model], list[str]]


class Past(NamedTuple):
    """What a past was and used: who decides in it, how long it took, MiB of disk and of this process's memory."""

    person: User
    proposals: int
    waiting: int
    entries: int
    seconds: float
    disk_mib: int
    memory_mib: int


def make(proposals: int, *, agents: int = 1, surfaces: int = 10) -> Past:
    """Make a portal in an empty one, with a past of so many proposals, 2 % of which wait."""
    person = lives.make_world(agents=agents, surfaces=surfaces)
    _age(timedelta(seconds=EVERY.total_seconds() * proposals) + timedelta(days=2))
    checkpoints.catch_up()
    begun = time.perf_counter()
    parts = _live(person)
    waiting = max(1, proposals * 2 // 100)
    with _bare(is_large=proposals >= MANY):
        _write(_copies(parts, proposals - waiting, waiting, agents=agents, surfaces=surfaces))
    _settle()
    entries, size = _row("SELECT count(*), pg_database_size(current_database()) FROM audit_leaf", [])
    took = time.perf_counter() - begun
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return Past(person, proposals, waiting, entries, took, size >> 20, memory)


def _age(by: timedelta) -> None:
    """Let all that is there have happened before the past begins. Nothing of it has its place in the tree yet."""
    aged = {"audit_entry": "at", "policies_activation": "at", "policies_policyversion": "created_at"}
    with _without_triggers() as cursor:
        for table, column in aged.items():
            cursor.execute(f"UPDATE {table} SET {column} = {column} - %s", [by])


def _live(person: User) -> list[tuple[Template, int]]:
    """Live each life, read it, and take it away again; return the templates and their shares of a hundred."""
    began = database_now()
    made = lives.live(person)
    parts = [(templates.read(life, began=began), life.share) for life in made]
    tables = [model._meta.db_table for model in TABLES if model is not audit.Entry]
    with _without_triggers() as cursor:
        cursor.execute("DELETE FROM audit_entry WHERE at >= %s AND subject LIKE 'proposal:%%'", [began])
        others = ("approvals_occasion", "approvals_noticedelivery", "approvals_trustcount", "approvals_callback")
        for table in (*tables, *others):
            cursor.execute(f"DELETE FROM {table}")
    return parts


class _Copy(NamedTuple):
    template: Template
    number: int
    back: timedelta
    agent: str
    surface: str


def _copies(
    parts: Sequence[tuple[Template, int]], settled: int, waiting: int, *, agents: int, surfaces: int
) -> Iterator[_Copy]:
    """Say what is copied, the oldest first: what is settled by now, then what waits."""
    past = [template for template, share in parts if not template.waits for _ in range(share)]
    open_now = [template for template, _ in parts if template.waits]
    for number in range(settled + waiting):
        if number < settled:
            # 37 has no factor in common with their number: the lives are mixed, and their shares stay.
            template, back = past[number * 37 % len(past)], SETTLED + EVERY * (settled - number)
        else:
            left = settled + waiting - number
            template = open_now[number % len(open_now)]
            back = timedelta(seconds=int(WAITING_FOR.total_seconds() * left / waiting))
        agent = lives.agent_name(number // 7 % agents)
        yield _Copy(template, number + 1, back, agent, lives.surface_name(number // 3 % surfaces))


def _write(copies: Iterator[_Copy]) -> None:
    """Write copies: while some are written, the next are put into words."""
    first = {model: _next_key(model) for model in TABLES if templates.is_counted(model)}
    size = tiles.size()
    under_way: Future[None] | None = None
    with ThreadPoolExecutor(1) as writer, _second_connection() as other:
        while rows := _some(copies, first):
            texts, leaves, entry = rows
            numbers = range(size, size + len(leaves))
            texts[audit.Leaf] = [
                f"{index}\t{entry + place}\t\\\\x{leaf.hex()}\n"
                for place, (index, leaf) in enumerate(zip(numbers, leaves, strict=True))
            ]
            if under_way is not None:
                under_way.result()
            with transaction.atomic():
                sequencer.complete_tiles(0, size, leaves)
            under_way = writer.submit(_copy, other, texts)
            size += len(leaves)
        if under_way is not None:
            under_way.result()
    with connection.cursor() as cursor:
        for model, key in first.items():
            pk = model._meta.pk.column
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, %s), %s)", [model._meta.db_table, pk, key])


def _some(copies: Iterator[_Copy], first: dict[type[models.Model], int]) -> tuple[_Rows, list[bytes], int] | None:
    """Put the next copies into words: rows by table, hashes of leaves, first entry's number; None at the end."""
    rows: _Rows = {model: [] for model in TABLES}
    leaves: list[bytes] = []
    entry = first[audit.Entry]
    for count, copy in enumerate(copies, start=1):
        template = copy.template
        texts, hashes = template.fill(copy.number, back=copy.back, agent=copy.agent, surface=copy.surface, first=first)
        for model, text in texts.items():
            rows[model].append(text)
        for model, number in template.numbered.items():
            first[model] += number
        leaves += hashes
        if count == AT_A_TIME:
            break
    return (rows, leaves, entry) if leaves else None


def _copy(other: psycopg.Connection[Any], texts: _Rows) -> None:
    with other.transaction(), other.cursor() as cursor:
        for model, rows in texts.items():
            names = ", ".join(f'"{name}"' for name in templates.columns(model))
            statement = f"COPY {model._meta.db_table} ({names}) FROM STDIN"
            with cursor.copy(statement) as copy:
                copy.write("".join(rows))


@contextmanager
def _second_connection() -> Iterator[psycopg.Connection[Any]]:
    parameters = connection.get_connection_params()
    names = ("host", "port", "user", "password", "dbname")
    with psycopg.connect(**{name: parameters[name] for name in names if name in parameters}) as other:
        other.execute("SET session_replication_role = replica; SET synchronous_commit = off; SET TIME ZONE 'UTC'")
        other.commit()
        yield other


@contextmanager
def _without_triggers() -> Iterator[Any]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield cursor


@contextmanager
def _bare(*, is_large: bool) -> Iterator[None]:
    """Take away the indexes that nothing but reading needs, and make them again."""
    if not is_large:
        yield
        return
    tables = [model._meta.db_table for model in TABLES]
    with connection.cursor() as cursor:
        cursor.execute(_INDEXES, [tables])
        indexes = cursor.fetchall()
        for _, drop in indexes:
            cursor.execute(drop)
        try:
            yield
        finally:
            cursor.execute("SET maintenance_work_mem = '512MB'")
            for definition, _ in indexes:
                cursor.execute(definition)
            cursor.execute("RESET maintenance_work_mem")


def _settle() -> None:
    """Let all be counted and in the tree, as it is while a portal runs."""
    at = database_now()
    names = [f'"{name}"' for name in ADDS]
    sums = ", ".join(f"sum({sql})::bigint" for sql in ADDS.values())
    with connection.cursor() as cursor:
        cursor.execute(_ADD_UP.format(names=", ".join(names), sums=sums))
        cursor.execute(
            "UPDATE audit_sequencermark SET mark = last.id, next_mark = last.id"
            " FROM (SELECT max(id) AS id FROM audit_entry) AS last"
        )
    done = {"counted_until": at, "recounted_at": at}
    approvals.TrustProgress.objects.update_or_create(pk=1, defaults=done)
    with transaction.atomic():
        figures.refresh({Pair(*row) for row in Mandate.objects.values_list("agent_id", "surface_id")})
    checkpoints.sign()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if not connection.in_atomic_block else "ANALYZE")


def _next_key(model: type[models.Model]) -> int:
    pk = model._meta.pk.column
    return int(_row(f"SELECT coalesce(max({pk}), 0) + 1 FROM {model._meta.db_table}", [])[0])


def _row(sql: str, parameters: Sequence[Any]) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        row: tuple[Any, ...] = cursor.fetchone()
    return row


def sizes() -> list[int]:
    """Return how many proposals are measured: as BENCH_GROWTH says, with commas, else 10,000 and 1,000,000."""
    return [int(size) for size in os.environ.get("BENCH_GROWTH", "10000,1000000").split(",")]
