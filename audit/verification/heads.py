"""Signed heads that a ledger has to fit: its own checkpoints, and those that somebody kept."""

from collections.abc import Iterable
from dataclasses import dataclass

from audit.ledger import keys
from audit.ledger.notes import InvalidNote, Note, TreeHead
from audit.models import Checkpoint
from audit.verification.faults import FaultFound, FaultKind


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A head whose signature fits; `is_kept` if it comes from outside of the database."""

    size: int
    root: bytes
    is_kept: bool = False


def opened(note: str) -> TreeHead:
    """Return what a note says that a key of this portal has signed. Raises InvalidNote."""
    parsed = Note.parse(note)
    head = TreeHead.parse(parsed.text)
    parsed.verified(keys.verifier_keys(head.origin))
    return head


def stored(*, after: int = 0) -> list[SignedHead]:
    """Return the checkpoints of the database beyond `after` entries, by size. Raises FaultFound."""
    signed, number = [], None
    for row in Checkpoint.objects.order_by("size").iterator(chunk_size=2_000):
        if number is not None and row.number != number + 1:
            raise FaultFound(FaultKind.MISSING, signed[-1].size, f"Checkpoint number {number + 1} is missing.")
        if number is None and row.number != 1:
            raise FaultFound(FaultKind.MISSING, 0, "The first checkpoint is missing.")
        number = row.number
        try:
            head = opened(row.note)
        except InvalidNote as error:
            text = f"The checkpoint of {row.size} entries: {error}"
            raise FaultFound(FaultKind.WRONG_SIGNATURE, max(row.size - 1, 0), text) from error
        if (head.size, head.root) != (row.size, bytes(row.root)):
            text = f"The checkpoint of {row.size} entries was signed for another size or root."
            raise FaultFound(FaultKind.CHANGED, max(row.size - 1, 0), text)
        signed.append(SignedHead(head.size, head.root))
    return [head for head in signed if head.size > after]


def joined(own: Iterable[SignedHead], notes: Iterable[str]) -> list[SignedHead]:
    """Add kept notes to a list of heads, by size. Raises FaultFound for one that this portal has not signed."""
    heads = list(own)
    for note in notes:
        try:
            head = opened(note)
        except InvalidNote as error:
            raise FaultFound(FaultKind.WRONG_SIGNATURE, 0, f"A checkpoint that was kept: {error}") from error
        heads.append(SignedHead(head.size, head.root, is_kept=True))
    return sorted(heads, key=lambda head: head.size)
