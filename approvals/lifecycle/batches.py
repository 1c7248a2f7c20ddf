"""Decide on many proposals in one go. Each is decided and recorded on its own, by `review`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from approvals.errors import NotInBatch, ProposalError
from approvals.lifecycle import review
from approvals.lifecycle.review import SeenRevision
from approvals.models import Decision, Proposal
from approvals.models.verdicts import BATCHES
from approvals.outbox import wakeups
from approvals.people import eligibility

MOST: Final = 200


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What became of one proposal of a batch: its new state, or why nothing was done, with the refusal's code."""

    proposal_id: UUID
    state: str = ""
    why_not: str = ""
    code: str = ""

    @property
    def is_done(self) -> bool:
        return not self.code


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of every proposal of a batch, in the order in which they were handed in."""

    batch: UUID
    items: Sequence[ItemResult]

    @property
    def done(self) -> Sequence[ItemResult]:
        return [item for item in self.items if item.is_done]

    @property
    def refused(self) -> Sequence[ItemResult]:
        return [item for item in self.items if not item.is_done]


def decide_all(
    *,
    items: Sequence[tuple[UUID, SeenRevision]],
    by: User,
    verdict: Decision.Verdict,
    reason_code: str = "",
    comment: str = "",
) -> BatchResult:
    """Approve or reject up to MOST proposals, each in a transaction of its own: one refusal stops no other.

    `items` name what was on the screen; of a proposal that is named twice, the last one counts. Call it outside
    a transaction, or the locks of all are held until the end. Raises NotInBatch where there are too many.
    """
    assert verdict in BATCHES, f"no batch is decided by {verdict}"
    seen = dict(items)
    _require_few(len(seen))
    batch = uuid4()

    def decide(proposal_id: UUID) -> Proposal:
        return review.decide(
            proposal_id=proposal_id,
            seen=seen[proposal_id],
            by=by,
            verdict=verdict,
            reason_code=reason_code,
            comment=comment,
            batch=batch,
        )

    return _each(batch, list(seen), by, decide)


def undo_batch(*, batch: UUID, by: User, comment: str = "") -> BatchResult:
    """Take back what was decided in `batch`, as far as that is possible and nobody has decided since."""
    decided = Decision.objects.filter(batch=batch, verdict__in=BATCHES).order_by("id")
    ids = list(decided.values_list("proposal_id", flat=True)[:MOST])

    def undo(proposal_id: UUID) -> Proposal:
        return review.undo(proposal_id=proposal_id, by=by, comment=comment, batch=batch)

    return _each(batch, ids, by, undo)


def _each(batch: UUID, ids: Sequence[UUID], by: User, act: Callable[[UUID], Proposal]) -> BatchResult:
    """Do the same with every proposal, and say of each how it went."""
    # What a person may not see is to them as if it were not there, whatever the use case would say of it.
    visible = set(eligibility.visible(by).filter(pk__in=ids).values_list("pk", flat=True))
    with wakeups.gathered():
        return BatchResult(batch, [_one(each, act, is_visible=each in visible) for each in ids])


def _one(proposal_id: UUID, act: Callable[[UUID], Proposal], *, is_visible: bool) -> ItemResult:
    if not is_visible:
        return ItemResult(proposal_id, why_not=_("There is no such proposal."), code="not_found")
    try:
        return ItemResult(proposal_id, state=str(act(proposal_id).state))
    except ProposalError as refusal:
        return ItemResult(proposal_id, why_not=str(refusal), code=refusal.code)


def _require_few(number: int) -> None:
    if number > MOST:
        raise NotInBatch(_("At most %(most)s at a time; these are %(number)s.") % {"most": MOST, "number": number})
