"""What happened to a proposal so far: its revisions, decisions, dispatches, callbacks and outcomes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from approvals.admin import cards, words
from approvals.models import Attempt, Callback, Decision, Dispatch, DispatchStatus, Outcome, Proposal, Revision

MOST: Final = 50
MOVING: Final = (DispatchStatus.WAITING, DispatchStatus.CLAIMED)


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the history."""

    at: datetime
    when: SafeString
    who: str
    what: str
    words: str
    mark: str
    changes: cards.FieldTable | None = None


@dataclass(frozen=True, slots=True)
class Told:
    events: Sequence[Event]
    revisions: Sequence[Revision]
    dispatches: Sequence["DispatchTold"]
    callbacks: Sequence[Callback]
    outcomes: Sequence[Outcome]

    @property
    def is_moving(self) -> bool:
        """Whether something is still to ship, so that there is more to tell soon."""
        return any(row.dispatch.status in MOVING for row in self.dispatches)


@dataclass(frozen=True, slots=True)
class DispatchTold:
    dispatch: Dispatch
    attempts: Sequence[Attempt]

    @property
    def receipt_text(self) -> str:
        """The receipt as text, cut where it is very long."""
        return cards.as_text(self.dispatch.receipt)


def story(proposal: Proposal, *, now: datetime) -> Told:
    """Read the history of one proposal; the oldest revisions beyond MOST are left out."""
    revisions = list(proposal.revisions.order_by("-number")[:MOST])[::-1]
    decisions = list(proposal.decisions.order_by("-id")[:MOST])
    events = [_revised(revision, before, now) for before, revision in zip([None, *revisions], revisions, strict=False)]
    events += [_decided(decision, now) for decision in decisions]
    return Told(
        events=sorted(events, key=lambda event: event.at),
        revisions=revisions,
        dispatches=[_dispatch(row) for row in proposal.dispatches.order_by("id").prefetch_related("attempts")],
        callbacks=list(proposal.callbacks.order_by("-id")[:10]),
        outcomes=list(proposal.outcomes.order_by("id")[:MOST]),
    )


def _revised(revision: Revision, before: Revision | None, now: datetime) -> Event:
    if before is None:
        what = _("proposed it") if revision.number == 1 else _("wrote revision %s") % revision.number
    else:
        what = _("wrote revision %s") % revision.number
    return Event(
        at=revision.created_at,
        when=words.ago(revision.created_at, now),
        who=revision.author_name,
        what=what,
        words=revision.note,
        mark="person" if revision.author_id else "agent",
        changes=cards.changed_fields(before.payload, revision.payload) if before else None,
    )


def _decided(decision: Decision, now: datetime) -> Event:
    what = decision.get_verdict_display().lower()
    if decision.is_signed:
        what = _("%s, signed") % what
    reason = decision.get_reason_code_display() if decision.reason_code else ""
    return Event(
        at=decision.at,
        when=words.ago(decision.at, now),
        who=decision.by_name,
        what=_("%(what)s revision %(number)s") % {"what": what, "number": decision.revision_number},
        words=": ".join(part for part in (reason, decision.comment) if part),
        mark=str(decision.verdict),
    )


def _dispatch(dispatch: Dispatch) -> DispatchTold:
    return DispatchTold(dispatch, list(dispatch.attempts.all())[-MOST:])
