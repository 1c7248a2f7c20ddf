"""Revisions of a proposal as files of its evidence."""

from collections.abc import Iterator, Sequence
from typing import Final
from uuid import UUID

from approvals.models import Revision
from audit.evidence.collectors import Data, EvidenceFile

PREFIX: Final = "proposal:"


def collect(subject: str, data: Sequence[Data]) -> Iterator[EvidenceFile]:
    """Yield the payload of each revision, byte for byte, as it was approved or refused."""
    if not subject.startswith(PREFIX):
        return
    try:
        proposal = UUID(subject.removeprefix(PREFIX))
    except ValueError:
        return  # no proposal has such an id
    for revision in Revision.objects.filter(proposal=proposal).order_by("number"):
        yield EvidenceFile(f"payloads/revision-{revision.number}.json", bytes(revision.body), revision.digest)
        if revision.rollback_body is not None:
            path = f"payloads/revision-{revision.number}-rollback.json"
            yield EvidenceFile(path, bytes(revision.rollback_body), revision.rollback_digest)
