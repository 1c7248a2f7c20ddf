"""Take evidence out of the portal. Each export is an entry of the ledger itself."""

from django.db import transaction

from audit import canonical
from audit.clock import database_now
from audit.evidence import pack
from audit.ledger import entries
from audit.ledger.entries import Actor


def export(subject: str, *, title: str, by: Actor) -> bytes:
    """Return the pack about a subject, and record who took it. Raises NothingRecorded; then nothing is written."""
    body = pack.of_subject(subject, title=title)
    with transaction.atomic():
        entries.record(
            "evidence.exported",
            subject=by.ref if ":" in by.ref else f"{by.ref}:0",
            actor=by,
            at=database_now(),
            data={"subject": subject, "digest": canonical.digest(body), "bytes": len(body)},
        )
    return body
