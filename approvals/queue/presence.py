"""Other people looking at the same proposal, so that two do not do the same work."""

from datetime import timedelta
from typing import Final

from django.contrib.auth.models import User
from django.db.models.functions import Now

from approvals.models import Presence, Proposal

FRESH: Final = timedelta(seconds=45)
"""A page tells every 20 seconds that it is being looked at."""
MOST: Final = 5


def look(*, proposal: Proposal, person: User) -> None:
    """Write down that `person` looks at `proposal` now, and forget what they looked at before."""
    Presence.objects.filter(person=person, seen_at__lt=Now() - FRESH).delete()
    # Not update_or_create: two tabs of one person would race for the row.
    Presence.objects.bulk_create(
        [Presence(proposal=proposal, person=person, seen_at=Now())],
        update_conflicts=True,
        unique_fields=["proposal", "person"],
        update_fields=["seen_at"],
    )


def others(*, proposal: Proposal, person: User) -> list[str]:
    """Return the names of who else has looked at `proposal` just now, the latest first. One query."""
    rows = Presence.objects.filter(proposal=proposal, seen_at__gt=Now() - FRESH).exclude(person=person)
    return list(rows.order_by("-seen_at").values_list("person__username", flat=True)[:MOST])
