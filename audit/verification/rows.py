"""The stored entries in the order of the tree, each checked against its own commitment and leaf."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db import connection

from audit.canonical import InvalidJson
from audit.ledger import commitments, merkle
from audit.models import Leaf
from audit.verification.faults import FaultFound, FaultKind

BATCH: Final = 2_000
_COLUMNS: Final = """
SELECT leaf.index, leaf.hash, entry.id, entry.kind, entry.subject, entry.actor, entry.actor_name, entry.at,
       entry.data::text, entry.request_id, entry.trace_id, entry.salt, entry.commitment
  FROM audit_leaf AS leaf LEFT JOIN audit_entry AS entry ON entry.id = leaf.entry_id
"""
_IN_ORDER: Final = _COLUMNS + " WHERE leaf.index >= %s ORDER BY leaf.index"
_OF_SUBJECT: Final = _COLUMNS + " WHERE entry.subject = %s ORDER BY leaf.index"


class Row(NamedTuple):
    """A leaf with its entry, whose fields are None where it is gone."""

    leaf_index: int
    hash: bytes
    entry_id: int | None
    kind: str
    subject: str
    actor: str
    actor_name: str
    at: datetime
    data: str
    request_id: str
    trace_id: str
    salt: bytes
    commitment: bytes

    def document(self) -> bytes:
        """Write what the leaf commits to, from the data as they are stored. Raises InvalidJson."""
        return commitments.document(
            actor_name=self.actor_name,
            data=commitments.read_back(self.data),
            request_id=self.request_id,
            trace_id=self.trace_id,
        )

    def leaf(self) -> bytes:
        """Write the leaf, from the entry as it is stored."""
        return commitments.leaf(
            kind=self.kind, subject=self.subject, actor=self.actor, at=self.at, commitment=bytes(self.commitment)
        )


def in_order(start: int) -> Iterator[Row]:
    """Yield the rows from index `start` on, in bounded memory; within a transaction."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(_IN_ORDER, [start])
        while batch := cursor.fetchmany(BATCH):
            yield from map(Row._make, batch)


def of_subject(subject: str) -> list[Row]:
    """Return the rows of one subject, in order."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_SUBJECT, [subject])
        return [Row._make(values) for values in cursor.fetchall()]


def check(row: Row) -> bytes:
    """Return the hash of the row's leaf. Raises FaultFound if data, commitment, leaf and hash do not fit."""
    if row.entry_id is None:
        raise FaultFound(FaultKind.MISSING, row.leaf_index, "The entry of this index is gone.")
    if commitments.commit(bytes(row.salt), _document(row)) != bytes(row.commitment):
        text = f"Entry {row.entry_id} ({row.kind}) does not say what it committed to."
        raise FaultFound(FaultKind.CHANGED, row.leaf_index, text)
    hashed = merkle.leaf_hash(row.leaf())
    if hashed != bytes(row.hash):
        raise _misplaced(row, hashed)
    return hashed


def _document(row: Row) -> bytes:
    try:
        return row.document()
    except (InvalidJson, ValueError, TypeError, AttributeError):
        return b""  # what was recorded had a canonical form; this has none, so it is not what was recorded


def _misplaced(row: Row, hashed: bytes) -> FaultFound:
    other: Any = Leaf.objects.filter(hash=hashed).values_list("index", flat=True).first()
    if other is not None:
        text = f"Entry {row.entry_id} ({row.kind}) belongs to index {other}."
        return FaultFound(FaultKind.REORDERED, row.leaf_index, text)
    return FaultFound(FaultKind.CHANGED, row.leaf_index, f"Entry {row.entry_id} ({row.kind}) does not fit its leaf.")
