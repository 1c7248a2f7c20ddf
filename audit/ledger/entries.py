"""Append entries to the ledger. Nothing else makes them."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection

from audit.canonical import JsonValue
from audit.kinds import registry
from audit.kinds.registry import LedgerError
from audit.ledger import commitments
from audit.models import Entry


class OutsideTransaction(LedgerError):
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
    """What entries come from: the portal's id of a request, a task or a command, and the trace that a caller named."""

    request_id: str = ""
    trace_id: str = ""

    @classmethod
    def run(cls, kind: str, name: str) -> "Cause":
        """Return the cause that one run of a command or a sweep is."""
        return cls(f"{kind}:{name}"[:_MOST_NAME] + f":{secrets.token_hex(8)}")


_MOST_NAME: Final = 47
_cause: ContextVar[Cause | None] = ContextVar("cause", default=None)
_process: list[Cause] = [Cause()]


def begin(cause: Cause) -> Token[Cause | None]:
    """Let every entry of this thread name what it comes from, until `end`."""
    return _cause.set(cause)


def end(token: Token[Cause | None]) -> None:
    """Go back to what it was before."""
    _cause.reset(token)


@contextmanager
def caused_by(cause: Cause) -> Iterator[None]:
    """Let every entry of the block name what it comes from."""
    token = begin(cause)
    try:
        yield
    finally:
        end(token)


def begin_process(cause: Cause) -> None:
    """Let the entries of this process that come from no request or task name `cause`: the command that it carries out.

    All of its threads do, and what it began with is forgotten.
    """
    _process[:] = [cause]


def record(
    kind: str,
    *,
    subject: str,
    actor: Actor,
    at: datetime,
    data: Mapping[str, JsonValue] | None = None,
    trace_id: str = "",
) -> Entry:
    """Append one entry in the caller's transaction; if it cannot be written, the caller's work is undone.

    `kind` is one that an app has declared, `<thing>.<past participle>`; `data` holds ids, digests and states, never
    personal data. Raises as `entry` does.
    """
    return append(entry(kind, subject=subject, actor=actor, at=at, data=data, trace_id=trace_id))


def entry(
    kind: str,
    *,
    subject: str,
    actor: Actor,
    at: datetime,
    data: Mapping[str, JsonValue] | None = None,
    trace_id: str = "",
) -> Entry:
    """Return an entry, unsaved, for a caller that inserts it together with what it tells of.

    `trace_id` is that of the subject, which the entry names where the request at hand has none of its own.

    Raises LedgerError outside a transaction, for a kind that no app has declared and for data that do not fit the
    kind; and InvalidJson for data that have no canonical form.
    """
    if not connection.in_atomic_block:
        raise OutsideTransaction("The ledger is written inside the transaction of what it records.")
    salt, cause = secrets.token_bytes(commitments.SALT_SIZE), _cause.get() or _process[0]
    kept, trace_id = dict(data or {}), cause.trace_id or trace_id
    written = commitments.document(actor_name=actor.name, data=kept, request_id=cause.request_id, trace_id=trace_id)
    registry.check(kind, kept)
    return Entry(
        kind=kind,
        subject=subject,
        actor=actor.ref,
        actor_name=actor.name,
        at=at,
        data=kept,
        request_id=cause.request_id,
        trace_id=trace_id,
        salt=salt,
        commitment=commitments.commit(salt, written),
    )


def append(line: Entry) -> Entry:
    """Insert an entry that `entry` made."""
    line.save(force_insert=True)
    return line
