"""The form of an invariant, how it is proved on the live database, and the ledger's own ones.

A proof is one question that must have no answer: a statement that selects whatever breaks it, so that
the database does the work and nothing is held in memory here but the first breach.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import pgtrigger
from django.db import connection, transaction
from django.db.models import Model

from audit.ledger.notes import InvalidNote
from audit.ledger.tiles import NotStored, StoredTree
from audit.models import Checkpoint, Entry, Leaf, Tile
from audit.verification import heads


@dataclass(frozen=True, slots=True)
class Breach:
    """The first thing found that must not be: which row, and what is wrong with it."""

    subject: str
    text: str


Proof = Callable[[], Breach | None]


@dataclass(frozen=True, slots=True)
class Invariant:
    """A promise with its proofs; `counted` names what `count`, a statement, counts."""

    code: str
    name: str
    counted: str
    count: str
    proofs: tuple[Proof, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """How an invariant was found: how many rows it speaks of, the first breach, and how long it took."""

    code: str
    name: str
    counted: str
    count: int
    breach: Breach | None
    seconds: float


# A bare LIMIT would make the planner bet on finding a row soon, and there is none: it has to read everything.
_WHOLE: Final = "WITH breach AS MATERIALIZED ({}) SELECT * FROM breach LIMIT 1"


def none(text: str, statement: str, parameters: Mapping[str, Any] | None = None) -> Proof:
    """Make the proof that `statement`, which selects the id of what breaks it, selects nothing."""

    def proof() -> Breach | None:
        with connection.cursor() as cursor:
            cursor.execute(_WHOLE.format(statement), parameters)
            row = cursor.fetchone()
        return None if row is None else Breach(str(row[0]), text)

    return proof


def guarded(*models: type[Model]) -> Proof:
    """Make the proof that every trigger which the code declares for `models` is there and enabled."""

    def proof() -> Breach | None:
        tables = {model._meta.db_table for model in models}
        declared = ((model._meta.db_table, trigger.get_pgid(model)) for model, trigger in pgtrigger.registered())
        wanted = {(table, name) for table, name in declared if table in tables}
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE tgenabled = 'O' AND NOT tgisinternal"
            )
            missing = sorted(wanted - set(cursor.fetchall()))
        return Breach("/".join(missing[0]), "A trigger is missing or disabled.") if missing else None

    return proof


def check(invariants: Iterable[Invariant]) -> Iterator[Result]:
    """Prove each invariant on one snapshot of the database, and yield how it was found."""
    with _snapshot():
        for invariant in invariants:
            started = time.monotonic()
            breach = next((breach_found for proof in invariant.proofs if (breach_found := proof()) is not None), None)
            count = _count(invariant.count)
            seconds = time.monotonic() - started
            yield Result(invariant.code, invariant.name, invariant.counted, count, breach, seconds)


@contextmanager
def _snapshot() -> Iterator[None]:
    """Let all statements see the same moment, however busy the portal is; in a transaction, the caller's."""
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        with connection.cursor() as cursor:
            if is_outermost:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            # Large joins in bounded memory; compiling the statements costs more than it saves.
            cursor.execute("SET LOCAL work_mem = '64MB'; SET LOCAL jit = off")
        yield


def _count(statement: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        row = cursor.fetchone()
    return int(row[0])


def proofs() -> tuple[Proof, ...]:
    """Return what must hold of the ledger by itself: append-only, and every line says what and who."""
    return (
        guarded(Entry, Leaf, Tile, Checkpoint),
        none(
            "A ledger entry does not say what happened, to what or by whom.",
            "SELECT id FROM audit_entry WHERE kind = '' OR subject = '' OR actor = '' OR position(':' IN subject) = 0",
        ),
        none(
            "The ledger's indexes have a gap.",
            "SELECT size FROM (SELECT max(index) + 1 AS size, count(*) AS leaves FROM audit_leaf) AS tree"
            " WHERE size <> leaves",
        ),
        none(
            "The entry of a place in the ledger is gone.",
            "SELECT leaf.index FROM audit_leaf AS leaf LEFT JOIN audit_entry AS entry ON entry.id = leaf.entry_id"
            " WHERE entry.id IS NULL",
        ),
        _newest_checkpoint_fits,
    )


def _newest_checkpoint_fits() -> Breach | None:
    """Prove that the newest checkpoint is signed and has the root of the tree; `ledger verify` proves them all."""
    newest = Checkpoint.objects.first()
    if newest is None:
        return None
    try:
        head = heads.opened(newest.note)
        fits = head.size == newest.size and StoredTree(head.size).root() == head.root
    except (InvalidNote, NotStored):
        fits = False
    return None if fits else Breach(f"checkpoint:{newest.size}", "The newest checkpoint does not fit the ledger.")
