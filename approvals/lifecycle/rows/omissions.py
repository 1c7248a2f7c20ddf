"""Leave single rows out of what a proposal names: an edit by a person, like any other."""

from collections.abc import Collection, Mapping
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from approvals.errors import UploadRefused
from approvals.lifecycle import review
from approvals.lifecycle.review import SeenRevision
from approvals.models import Proposal, Upload
from approvals.people import eligibility
from approvals.uploads import intake, stored_rows
from policies.engine import references
from policies.engine.policy import SurfacePolicy

MOST_NAMED: Final = 20
"""So many rows are named in the note of the edit."""


def leave_out(
    *, proposal_id: UUID, seen: SeenRevision, by: User, member: str, numbers: Collection[int], note: str = ""
) -> Proposal:
    """Put the rows of the field `member` without those of these numbers in place of the current ones, for approval.

    The rows that are left are stored and checked first, in constant memory and with no lock held; the edit then names
    them by their own digest. Where the payload says beside the rows how many they are, it says the new number. Raises
    what `review.edit` raises, and UploadRefused; what was stored for an edit that is refused is forgotten in a day.
    """
    with transaction.atomic():
        locked = review.lock(proposal_id)
        review.require_open(locked, seen)
        eligibility.require(by, locked.proposal, locked.surface)
    payload = locked.proposal.revision.payload
    upload = _named(payload, member)
    kept = intake.leave_out(upload=upload, numbers=numbers, by=by)
    return review.edit(
        proposal_id=proposal_id,
        seen=seen,
        by=by,
        payload=_without(payload, upload, kept, locked.surface),
        note=_note(upload, numbers, note),
    )


def _named(payload: Any, member: str) -> Upload:
    for reference in references.read(payload):
        if reference.member == member and (upload := stored_rows.named(reference)) is not None:
            return upload
    raise UploadRefused(_("The payload names no uploaded rows there."))


def _without(payload: Mapping[str, Any], upload: Upload, kept: Upload, surface: SurfacePolicy) -> dict[str, Any]:
    """Return the payload with what is left, and with its number where the surface reads how many people it reaches."""
    changed = {**payload, upload.member: intake.reference(kept)}
    name = (surface.audience_pointer or "").removeprefix("/")
    if name in changed and changed[name] == upload.count and not isinstance(changed[name], bool):
        changed[name] = kept.count
    return changed


def _note(upload: Upload, numbers: Collection[int], note: str) -> str:
    named = [f"{number:,}" for number in stored_rows.in_source(upload, numbers)]
    more = _(" and %d more") % (len(named) - MOST_NAMED) if len(named) > MOST_NAMED else ""
    sentence = _("Left out of %(field)s: row %(rows)s%(more)s.") % {
        "field": upload.member,
        "rows": ", ".join(named[:MOST_NAMED]),
        "more": more,
    }
    return f"{sentence} {note}".strip()
