"""Contents of an evidence pack: entries with their proofs, checkpoints, keys, and the files that entries name."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audit.evidence import collectors
from audit.evidence.collectors import EvidenceFile
from audit.ledger import checkpoints, commitments, keys
from audit.ledger.tiles import StoredTree
from audit.models import Checkpoint, Entry
from audit.verification import heads, rows
from audit.verification.rows import Row

FORMAT = "hitl-portal/evidence/v1"


class NothingRecorded(LookupError):
    """The ledger holds nothing about the subject."""

    code = "nothing_recorded"


@dataclass(frozen=True, slots=True)
class Contents:
    """A pack before it is written."""

    index: Mapping[str, Any]
    entries: Sequence[Mapping[str, Any]]
    files: Sequence[EvidenceFile]


def of_subject(subject: str) -> Contents:
    """Gather the evidence about one subject, up to the first checkpoint that covers all of it.

    What is not signed yet is signed now. The same entries give the same contents, whenever they are asked for.
    Raises NothingRecorded.
    """
    leaves = rows.of_subject(subject)
    if Entry.objects.filter(subject=subject, leaf=None).exists() or not leaves:
        checkpoints.catch_up()
        leaves = rows.of_subject(subject)
    if not leaves:
        raise NothingRecorded(f"The ledger holds nothing about {subject}.")
    latest = _covering(leaves[-1])
    tree = StoredTree(latest.size)
    entries = [_entry(row, tree) for row in leaves]
    files = _named(collectors.collect(subject, [commitments.read_back(row.data) for row in leaves]), entries)
    index = {
        "format": FORMAT,
        "subject": subject,
        "count": len(entries),
        "keys": [str(key) for key in keys.verifier_keys(heads.opened(latest.note).origin)],
        "checkpoint": latest.note,
        "earlier": _earlier(leaves[0], latest, tree),
        "attachments": [
            {"path": file.path, "digest": file.digest, "entry": entry["index"]} for file, entry in files
        ],
    }  # fmt: skip
    return Contents(index, entries, [file for file, _entry in files])


def _covering(last: Row) -> Checkpoint:
    made = checkpoints.covering(last.leaf_index) or checkpoints.catch_up()
    assert made is not None and made.size > last.leaf_index, "what has an index is in the newest checkpoint"
    return made


def _entry(row: Row, tree: StoredTree) -> dict[str, Any]:
    return {
        "index": row.leaf_index,
        "leaf": row.leaf().decode(),
        "document": row.document().decode(),
        "salt": bytes(row.salt).hex(),
        "proof": [part.hex() for part in tree.inclusion_proof(row.leaf_index)],
    }


def _earlier(first: Row, latest: Checkpoint, tree: StoredTree) -> list[dict[str, Any]]:
    """Return the first checkpoint that covers the first entry, with the proof that the ledger only grew since."""
    earlier = checkpoints.covering(first.leaf_index)
    if earlier is None or earlier.size >= latest.size:
        return []
    proof = [part.hex() for part in tree.consistency_proof(earlier.size)]
    return [{"note": earlier.note, "proof": proof}]


def _named(
    files: Sequence[EvidenceFile], entries: Sequence[Mapping[str, Any]]
) -> list[tuple[EvidenceFile, Mapping[str, Any]]]:
    """Pair each file with the first entry that names its digest; what none names is no evidence."""
    pairs = []
    for file in files:
        quoted = json.dumps(file.digest)
        naming = next((entry for entry in entries if quoted in entry["document"]), None)
        if naming is not None:
            pairs.append((file, naming))
    return pairs
