"""Append entries to the ledger. Nothing else makes them."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection

from audit.canonical import JsonValue
from audit.ledger import commitments
from audit.models import Entry


class LedgerError(RuntimeError):
    """The ledger was asked to record outside a transaction, where an entry could outlive its cause."""

    code = "ledger_outside_transaction"


@dataclass(frozen=True, slots=True)
class Actor:
    """The one that did it: a stable reference such as `user:7`, and the name it went by at the time."""

    ref: str
    name: str = ""


SYSTEM = Actor("system", "HITL Portal")


@dataclass(frozen=True, slots=True)
class Cause:
    """The request that entries come from: the portal's id of it, and the trace that the caller named."""

    request_id: str = ""
    trace_id: str = ""


_NO_CAUSE: Final = Cause()
_cause: ContextVar[Cause] = ContextVar("cause", default=_NO_CAUSE)


@contextmanager
def caused_by(cause: Cause) -> Iterator[None]:
    """Let every entry of the block name the request that it comes from."""
    token = _cause.set(cause)
    try:
        yield
    finally:
        _cause.reset(token)


def record(
    kind: str, *, subject: str, actor: Actor, at: datetime, data: Mapping[str, JsonValue] | None = None
) -> Entry:
    """Append one entry in the caller's transaction; if it cannot be written, the caller's work is undone.

    `kind` is `<thing>.<past participle>`; `data` holds ids, digests and states, never personal data.
    Raises LedgerError outside a transaction, and InvalidJson for data that has no canonical form.
    """
    return append(entry(kind, subject=subject, actor=actor, at=at, data=data))


def entry(kind: str, *, subject: str, actor: Actor, at: datetime, data: Mapping[str, JsonValue] | None = None) -> Entry:
    """Return an entry, unsaved, for a caller that inserts it together with what it tells of.

    Raises LedgerError outside a transaction, and InvalidJson for data that has no canonical form.
    """
    if not connection.in_atomic_block:
        raise LedgerError("The ledger is written inside the transaction of what it records.")
    salt, cause = secrets.token_bytes(commitments.SALT_SIZE), _cause.get()
    kept = dict(data or {})
    written = commitments.document(
        actor_name=actor.name, data=kept, request_id=cause.request_id, trace_id=cause.trace_id
    )
    return Entry(
        kind=kind,
        subject=subject,
        actor=actor.ref,
        actor_name=actor.name,
        at=at,
        data=kept,
        request_id=cause.request_id,
        trace_id=cause.trace_id,
        salt=salt,
        commitment=commitments.commit(salt, written),
    )


def append(line: Entry) -> Entry:
    """Insert an entry that `entry` made."""
    line.save(force_insert=True)
    return line
