"""Give committed entries their place in the tree. The only writer of leaves and tiles.

Entries are written by many transactions at once and get their index afterwards, one batch at a time and one
sequencer at a time, so that indexes have no gaps and nobody who records waits for anybody. A batch is one
transaction: a sequencer that is killed leaves nothing half done, and any other goes on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection, transaction

from audit.ledger import commitments, merkle, tiles

LOCK: Final = 0x6C65_6467_6572
"""The advisory lock under which the tree is written: "ledger" in ASCII."""
_SETTLING: Final = "10 seconds"

_WAITING: Final = """
SELECT entry.id, entry.kind, entry.subject, entry.actor, entry.at, entry.commitment
  FROM audit_entry AS entry
 WHERE entry.id > %s AND NOT EXISTS (SELECT FROM audit_leaf AS leaf WHERE leaf.entry_id = entry.id)
 ORDER BY entry.id LIMIT %s
"""
_INSERT_LEAVES: Final = """
INSERT INTO audit_leaf (index, entry_id, hash)
SELECT %s + place - 1, entry_id, hash
  FROM unnest(%s::bigint[], %s::bytea[]) WITH ORDINALITY AS new (entry_id, hash, place)
"""
_INSERT_TILES: Final = """
INSERT INTO audit_tile (level, index, hashes, root)
SELECT * FROM unnest(%s::smallint[], %s::bigint[], %s::bytea[], %s::bytea[])
"""
_LOOK: Final = f"""
SELECT mark,
       noted_transaction <= pg_snapshot_xmin(pg_current_snapshot())::text::bigint
           AND noted_at < clock_timestamp() - interval '{_SETTLING}',
       noted_transaction > pg_snapshot_xmax(pg_current_snapshot())::text::bigint
  FROM audit_sequencermark
"""  # noqa: S608  # the interval is a constant
_NOTE: Final = """
INSERT INTO audit_sequencermark AS kept (id, mark, next_mark, noted_transaction, noted_at)
SELECT 1, 0, coalesce(max(id), 0), pg_snapshot_xmax(pg_current_snapshot())::text::bigint, clock_timestamp()
  FROM audit_entry
    ON CONFLICT (id) DO UPDATE
   SET mark = CASE WHEN %s THEN kept.next_mark ELSE kept.mark END,
       next_mark = excluded.next_mark, noted_transaction = excluded.noted_transaction, noted_at = excluded.noted_at
"""
IS_DUE: Final = f"""
SELECT NOT EXISTS (SELECT FROM audit_sequencermark)
    OR EXISTS (SELECT FROM ({_LOOK}) AS look (mark, has_settled, is_of_another_server)
                WHERE is_of_another_server OR mark < (SELECT max(id) FROM audit_entry))
"""  # noqa: S608  # made of constants
"""Whether `sequence` may have anything to do: until the mark has come to the newest entry, some seconds after it."""

_Row = tuple[int, str, str, str, datetime, bytes]


@dataclass(frozen=True, slots=True)
class _Mark:
    """Up to which id all is in the tree; whether the next mark holds now; whether one has to be noted anew."""

    id: int
    has_settled: bool
    is_of_another_server: bool


@transaction.atomic
def sequence(*, most: int, is_patient: bool = False) -> int:
    """Put up to `most` entries into the tree; return how many.

    While another sequencer is at work there is nothing to do; who is patient waits for it.
    """
    if not _is_alone(is_patient=is_patient):
        return 0
    # Looked at before the entries are read: what the next mark vouches for was committed by then, and is read.
    mark = _look()
    count = _append(_rows(mark.id if mark else 0, most))
    if count < most and (mark is None or mark.has_settled or mark.is_of_another_server):
        with connection.cursor() as cursor:
            cursor.execute(_NOTE, [mark is not None and mark.has_settled])
    return count


@transaction.atomic
def sequence_left_behind(*, most: int) -> int:
    """Put entries into the tree that lie behind the mark; there should be none. Reads every entry's id."""
    return _append(_rows(0, most)) if _is_alone() else 0


def waiting() -> tuple[int, datetime | None]:
    """Count entries that have no index yet, and say since when the oldest waits."""
    mark = _look()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*), min(at) FROM ({_WAITING}) AS waiting", [mark.id if mark else 0, 100_000])  # noqa: S608
        count, since = cursor.fetchone()
    return int(count), since


def _is_alone(*, is_patient: bool = False) -> bool:
    with connection.cursor() as cursor:
        if is_patient:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
            return True
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        row = cursor.fetchone()
    return bool(row[0])


def _look() -> _Mark | None:
    with connection.cursor() as cursor:
        cursor.execute(_LOOK)
        row = cursor.fetchone()
    return _Mark(*row) if row else None


def _rows(mark: int, most: int) -> list[_Row]:
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, [mark, most])
        rows: list[_Row] = cursor.fetchall()
    return rows


def _append(rows: Sequence[_Row]) -> int:
    """Append leaves and the tiles that they complete. Call it with the lock."""
    if not rows:
        return 0
    size = tiles.size()
    hashes = [
        merkle.leaf_hash(commitments.leaf(kind=kind, subject=subject, actor=actor, at=at, commitment=bytes(commitment)))
        for _id, kind, subject, actor, at, commitment in rows
    ]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT_LEAVES, [size, [row[0] for row in rows], hashes])
    complete_tiles(0, size, hashes)
    return len(rows)


def complete_tiles(level: int, size: int, new: Sequence[bytes]) -> None:
    """Store the tiles of a level that `new` hashes behind the first `size` complete, and those above them."""
    begun = size % tiles.WIDTH
    if begun + len(new) < tiles.WIDTH:
        return
    row = [*tiles.hashes(level, size - begun, begun), *new] if begun else list(new)
    first = size // tiles.WIDTH
    whole = [row[at : at + tiles.WIDTH] for at in range(0, len(row) - tiles.WIDTH + 1, tiles.WIDTH)]
    roots = [merkle.root_of(part) for part in whole]
    indexes = list(range(first, first + len(whole)))
    with connection.cursor() as cursor:
        cursor.execute(_INSERT_TILES, [[level] * len(whole), indexes, [b"".join(part) for part in whole], roots])
    complete_tiles(level + 1, first, roots)
