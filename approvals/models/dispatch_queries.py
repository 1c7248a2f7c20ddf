"""Questions asked of dispatches under their locks."""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import models
from django.db.models import DateTimeField, Exists, Func, JSONField, OuterRef

from approvals.models.decision import Decision
from approvals.models.states import DispatchStatus

if TYPE_CHECKING:
    from approvals.models.proposal import Proposal


class DispatchQuerySet(models.QuerySet[Any]):
    def proposal_of(self, dispatch_id: UUID) -> Any:
        """Return the proposal of a dispatch, for the condition of a query."""
        return self.filter(pk=dispatch_id).values("proposal_id")[:1]

    def is_on_its_way(self, proposal: "Proposal", *, at: datetime) -> bool:
        """Whether a worker has a locked proposal in its hands. One whose lease has run out has let go of it."""
        rows = self.filter(proposal=proposal, kind=self.model.Kind.EXECUTE)
        return rows.filter(status=DispatchStatus.CLAIMED, lease_until__gt=at).exists()

    def with_its_end(self) -> Any:
        """Lock dispatches and read them with their revision and all that their end depends on.

        That is the clock, whether a person has approved what the proposal says now, and the version in force.
        """
        approvals = Decision.objects.filter(revision=OuterRef("proposal__revision"), verdict=Decision.Verdict.APPROVE)
        return (
            self.select_for_update(of=("self",))
            .select_related("revision")
            .annotate(
                now=Func(function="clock_timestamp", output_field=DateTimeField()),
                is_by_people=Exists(approvals),
                version=Func(function="policies_in_force", output_field=JSONField()),
            )
        )
