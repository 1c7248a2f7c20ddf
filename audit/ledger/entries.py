"""The only maker of ledger entries."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from audit.canonical import JsonValue
from audit.models import Entry


class LedgerError(RuntimeError):
    """The ledger was asked to record outside a transaction, where an entry could outlive its cause."""

    code = "ledger_outside_transaction"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: a stable reference such as `user:7`, and the name it went by at the time."""

    ref: str
    name: str = ""


SYSTEM = Actor("system", "HITL Portal")


def record(
    kind: str, *, subject: str, actor: Actor, at: datetime, data: Mapping[str, JsonValue] | None = None
) -> Entry:
    """Append one entry in the caller's transaction; if it cannot be written, the caller's work is undone.

    `kind` is `<thing>.<past participle>`; `data` holds ids, digests and states, never personal data.
    Raises LedgerError outside a transaction.
    """
    return append(entry(kind, subject=subject, actor=actor, at=at, data=data))


def entry(kind: str, *, subject: str, actor: Actor, at: datetime, data: Mapping[str, JsonValue] | None = None) -> Entry:
    """Return an entry, unsaved, for a caller that inserts it together with what it tells of.

    Raises LedgerError outside a transaction.
    """
    if not connection.in_atomic_block:
        raise LedgerError("The ledger is written inside the transaction of what it records.")
    return Entry(kind=kind, subject=subject, actor=actor.ref, actor_name=actor.name, at=at, data=dict(data or {}))


def append(line: Entry) -> Entry:
    """Insert an entry that `entry` made."""
    line.save(force_insert=True)
    return line
