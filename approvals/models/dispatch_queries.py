"""Questions asked of dispatches under their locks."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.apps import apps
from django.db import models
from django.db.models import DateTimeField, Exists, Func, JSONField, OuterRef

from approvals.models.decision import Decision
from approvals.models.states import DispatchStatus
from policies.compiled_queries import CompiledQuery

if TYPE_CHECKING:
    from approvals.models.proposal import Proposal


class DispatchQuerySet(models.QuerySet[Any]):
    def is_on_its_way(self, proposal: "Proposal", *, at: datetime) -> bool:
        """Whether a worker has a locked proposal in its hands. One whose lease has run out has let go of it."""
        rows = self.filter(proposal=proposal, kind=self.model.Kind.EXECUTE)
        return rows.filter(status=DispatchStatus.CLAIMED, lease_until__gt=at).exists()

    def locked_whole(self, dispatch_id: UUID) -> Any:
        """Lock the proposal first and then its dispatch, in the order that everybody does.

        The dispatch comes with its proposal, its revision and all that its end depends on: the clock (`now`), whether
        a person has approved what the proposal says now (`is_by_people`), and number and digest of the `version` in
        force. Raises Dispatch.DoesNotExist.
        """
        proposal = _PROPOSAL_OF.first(dispatch=dispatch_id)
        if proposal is None:
            raise self.model.DoesNotExist
        # Nobody who holds the proposal waits for its dispatch, so the clock read with it is that of now.
        dispatch = _WITH_ITS_END.get(dispatch=dispatch_id)
        dispatch.proposal = proposal
        if dispatch.revision_id == proposal.revision_id:
            proposal.revision = dispatch.revision
        return dispatch


def _proposal_of(dispatch: Any) -> models.QuerySet[Any]:
    proposals, dispatches = (apps.get_model("approvals", name).objects for name in ("Proposal", "Dispatch"))
    of_this = dispatches.filter(pk=dispatch).values("proposal_id")[:1]
    rows: models.QuerySet[Any] = proposals.select_for_update().filter(pk=of_this)
    return rows


def _with_its_end(dispatch: Any) -> models.QuerySet[Any]:
    approvals = Decision.objects.filter(revision=OuterRef("proposal__revision"), verdict=Decision.Verdict.APPROVE)
    rows: models.QuerySet[Any] = (
        apps.get_model("approvals", "Dispatch")
        .objects.select_for_update(of=("self",))
        .filter(pk=dispatch)
        .select_related("revision")
        .annotate(
            now=Func(function="clock_timestamp", output_field=DateTimeField()),
            is_by_people=Exists(approvals),
            version=Func(function="policies_in_force", output_field=JSONField()),
        )
    )
    return rows


_PROPOSAL_OF: Final = CompiledQuery(_proposal_of)
_WITH_ITS_END: Final = CompiledQuery(_with_its_end)
