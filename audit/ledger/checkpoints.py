"""Sign heads of the ledger: every minute, and every 1,000 entries. The only writer of checkpoints."""

from datetime import datetime, timedelta
from typing import Final

from django.db import connection, transaction

from audit.clock import database_now
from audit.ledger import keys, notes, sequencer, tiles
from audit.ledger.notes import TreeHead
from audit.ledger.tiles import StoredTree
from audit.models import Checkpoint

EVERY_ENTRIES: Final = 1_000
EVERY: Final = timedelta(minutes=1)
IS_DUE: Final = f"""
SELECT tree.size <> coalesce(signed.size, 0)
   AND (signed.at IS NULL OR tree.size - signed.size >= {EVERY_ENTRIES}
        OR signed.at <= clock_timestamp() - interval '{EVERY.total_seconds()} seconds')
  FROM (SELECT coalesce(max(index) + 1, 0) AS size FROM audit_leaf) AS tree
  LEFT JOIN (SELECT size, at FROM audit_checkpoint ORDER BY number DESC LIMIT 1) AS signed ON true
"""  # noqa: S608  # made of constants
"""Whether `sign_due` has anything to do."""


def sign_due(*, most: int) -> int:
    """Sign the tree as it is if the last checkpoint is too old or too far back; return how many were made."""
    latest, size = Checkpoint.objects.first(), tiles.size()
    signed = latest.size if latest else 0
    if size == signed:
        return 0
    is_due = latest is None or size - signed >= EVERY_ENTRIES or database_now() - latest.at >= EVERY
    return int(is_due and sign() is not None)


@transaction.atomic
def sign() -> Checkpoint | None:
    """Sign the tree as it is, and return the checkpoint; the one there is where nothing came since, None if empty.

    Waits for a sequencer at work.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [sequencer.LOCK])
    size = tiles.size()
    if size == 0:
        return None
    made: Checkpoint | None = Checkpoint.objects.filter(size=size).first()
    return made or _signed(size, at=database_now())


def _signed(size: int, *, at: datetime) -> Checkpoint:
    head = TreeHead(keys.origin(), size, StoredTree(size).root())
    note = notes.sign(head.text(), name=head.origin, keys=[keys.signing_key()])
    last = Checkpoint.objects.values_list("number", flat=True).first()
    checkpoint: Checkpoint = Checkpoint.objects.create(
        size=size, number=(last or 0) + 1, root=head.root, note=str(note), at=at
    )
    return checkpoint


def covering(index: int) -> Checkpoint | None:
    """Return the first checkpoint that covers an entry."""
    return Checkpoint.objects.filter(size__gt=index).order_by("size").first()


def catch_up() -> Checkpoint | None:
    """Put everything that is recorded into the tree now, and sign it. Returns the newest checkpoint, None if empty."""
    while sequencer.sequence(most=EVERY_ENTRIES, is_patient=True) == EVERY_ENTRIES:
        pass
    return sign()
