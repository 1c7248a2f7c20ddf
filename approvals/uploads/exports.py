"""Rows that a person takes out of the portal: in the ledger before the first of them leaves."""

from django.contrib.auth.models import User
from django.db import transaction

from approvals.models import Upload
from audit.clock import database_now
from audit.ledger import entries
from policies.actors import actor


@transaction.atomic
def begin(*, upload: Upload, by: User) -> None:
    """Record that `by`, who may see the proposal, takes out all of its rows."""
    entries.record(
        "rows.exported",
        subject=f"user:{by.pk}",
        actor=actor(by),
        at=database_now(),
        data={
            "upload": str(upload.pk),
            "proposal": str(upload.proposal_id),
            "rows": upload.count,
            "digest": upload.digest,
        },
    )
