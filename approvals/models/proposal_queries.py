"""Questions asked of proposals in the database's own time."""

from typing import TYPE_CHECKING, Any, Final, Self
from uuid import UUID

from django.apps import apps
from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Q, Value, When
from django.db.models.functions import Now

from approvals.models.states import WAITING, State
from policies.compiled_queries import CompiledQuery

if TYPE_CHECKING:
    from approvals.models.proposal import Proposal


class ProposalQuerySet(models.QuerySet["Proposal"]):
    def locked(self, proposal_id: UUID) -> "Proposal":
        """Lock one proposal's row and return it. Raises Proposal.DoesNotExist."""
        # Not joined to its revision, which is read when it is first asked for: where we waited for the lock
        # and somebody made a new revision meanwhile, a join would look for the new one among the rows as
        # they were before, and find no proposal at all.
        return self.select_for_update().get(pk=proposal_id)

    @staticmethod
    def locked_whole(proposal_id: UUID) -> "Proposal":
        """Lock one proposal's row and read, as they are from then on, its revision, its verdict and its agent.

        Also whether anybody has decided on it yet.
        """
        proposal, read = _LOCKED.get(pk=proposal_id), _READ.get(pk=proposal_id)
        proposal.revision, proposal.verdict, proposal.agent = read.revision, read.verdict, read.agent
        proposal.has_decisions = vars(read)["was_decided_on"]
        return proposal

    def as_of_now(self) -> Self:
        """Add `state_now`: the state by the database's clock, whether or not the sweep has been yet."""
        return self.annotate(
            state_now=Case(
                When(overdue(), then=Value(State.EXPIRED.value)),
                default=F("state"),
                output_field=models.CharField(max_length=16),
            )
        )

    def overdue(self) -> Self:
        """Only what has run out of time but has not been marked as expired yet."""
        return self.filter(overdue())


def _proposals() -> ProposalQuerySet:
    rows: ProposalQuerySet = apps.get_model("approvals", "Proposal").objects.all()
    return rows


def _around(pk: Any) -> ProposalQuerySet:
    decisions = apps.get_model("approvals", "Decision").objects.filter(proposal=OuterRef("pk"))
    rows = _proposals().select_related("revision", "verdict", "agent").annotate(was_decided_on=Exists(decisions))
    # A proposal without its state would read that at once.
    return rows.only("state", "revision", "verdict", "agent").filter(pk=pk)


_LOCKED: Final = CompiledQuery(lambda pk: _proposals().select_for_update().filter(pk=pk))
_READ: Final = CompiledQuery(_around)


def overdue() -> Q:
    """Out of time by the database's clock: undecided past the deadline, or unclaimed past its expiry.

    What was claimed may have reached the far side, so the dispatcher says how it ends, and not the clock.
    """
    dispatches = apps.get_model("approvals", "Dispatch").objects
    claimed = Exists(dispatches.filter(proposal=OuterRef("pk"), kind="execute", fence__gt=0))
    return Q(state__in=WAITING, deadline_at__lte=Now()) | Q(state=State.APPROVED, expires_at__lte=Now()) & ~Q(claimed)
