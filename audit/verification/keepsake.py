"""The newest checkpoint in a file beside the database, so that a database with another past is found.

A restored backup that goes on from an earlier state, or a ledger that was rewritten, does not fit what the file
says. The file is only ever replaced by a checkpoint that goes on from it.
"""

import logging
import os
from pathlib import Path

from django.conf import settings

from audit.ledger import checkpoints
from audit.ledger.notes import InvalidNote
from audit.ledger.tiles import NotStored, StoredTree
from audit.models import Checkpoint
from audit.verification import heads

log = logging.getLogger(__name__)


def sign_due(*, most: int) -> int:
    """Sign the ledger if that is due, and keep the checkpoint; return how many were made."""
    made = checkpoints.sign_due(most=most)
    newest = Checkpoint.objects.first() if made else None
    if newest is not None:
        keep(newest)
    return made


def notes() -> list[str]:
    """Return the signed note that was kept, if there is one."""
    path = _path()
    try:
        return [path.read_text(encoding="utf-8")] if path is not None else []
    except FileNotFoundError:
        return []


def keep(checkpoint: Checkpoint) -> bool:
    """Replace what was kept by a checkpoint that goes on from it; whether it does. Otherwise the log tells."""
    path = _path()
    if path is None:
        return True
    if not all(_goes_on(note, checkpoint) for note in notes()):
        log.error("The ledger does not go on from the checkpoint in %s: verify it (manage.py ledger verify).", path)
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(checkpoint.note, encoding="utf-8")
    draft.replace(path)
    return True


def _goes_on(note: str, checkpoint: Checkpoint) -> bool:
    try:
        kept = heads.opened(note)
        return kept.size <= checkpoint.size and StoredTree(kept.size).root() == kept.root
    except (InvalidNote, NotStored):
        return False


def _path() -> Path | None:
    return settings.LEDGER_KEEPSAKE
