"""Proposals as lists of many need them, read in a fixed number of queries."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Func, IntegerField, Q, QuerySet, TextField
from django.db.models.functions import Cast, Coalesce, Now

from approvals.models import Conflict, Proposal, Revision
from approvals.people import eligibility

LARGE: Final = 32_768
"""A payload of more bytes than that is not read for a row; the proposal's own page shows it."""
UNREAD: Final = ("rationale", "trigger", "evidence", "metrics", "expected_outcome", "model")


def read(person: User, ids: Sequence[UUID]) -> list[Any]:
    """Return those `ids` that `person` may see, the first due first, with `state_now` and `time_now`. Three queries."""
    # Any: the annotations are no fields that the type knows.
    rows: Any = (
        eligibility.visible(person)
        .filter(pk__in=ids)
        .as_of_now()
        .annotate(time_now=Now())
        .select_related("verdict", "agent", "surface", "tier")
        .defer(*UNREAD)
        .order_by("deadline_at", "id")
    )
    proposals = list(rows)
    attach_revisions(proposals)
    return proposals


def attach_revisions(proposals: Sequence[Proposal]) -> None:
    """Read the current revisions, the payload of large ones excepted."""
    known: QuerySet[Revision] = Revision.objects.filter(pk__in=[proposal.revision_id for proposal in proposals])
    sized = known.alias(size=_octets("body") + _octets("rollback_body") + _octets(Cast("before", TextField())))
    small = sized.filter(size__lte=LARGE).in_bulk()
    large = known.exclude(pk__in=small).defer("body", "rollback_body", "before").in_bulk()
    for proposal in proposals:
        proposal.revision = small.get(proposal.revision_id) or large[proposal.revision_id]


def _octets(of: str | Cast) -> Coalesce:
    return Coalesce(Func(of, function="octet_length", output_field=IntegerField()), 0)


def is_large(revision: Revision) -> bool:
    """Whether the payload was left out."""
    return "body" in revision.get_deferred_fields()


def in_conflict(proposals: Sequence[Proposal]) -> set[UUID]:
    """Return the ids of those that name the same target as another. One query."""
    ids = [proposal.pk for proposal in proposals]
    pairs = Conflict.objects.filter(Q(older__in=ids) | Q(newer__in=ids), resolved_at=None)
    return {each for pair in pairs.values_list("older_id", "newer_id") for each in pair}
