"""The timeline of a proposal: revisions, decisions, escalations, dispatches, callbacks and outcomes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Q
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from approvals.cards import evidence
from approvals.models import Attempt, Callback, Decision, Dispatch, DispatchStatus, Outcome, Proposal, Revision, Timer
from approvals.models.verdicts import VERDICTS
from approvals.presentation import words
from audit.models import Entry

MOST: Final = 50
MOVING: Final = (DispatchStatus.WAITING, DispatchStatus.CLAIMED)
WITHDRAWN: Final = "proposal.withdrawn"


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the history."""

    at: datetime
    when: SafeString
    who: str
    what: str
    words: str
    mark: str
    changes: evidence.FieldTable | None = None


@dataclass(frozen=True, slots=True)
class HistoryEntry:
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
        return evidence.as_text(self.dispatch.receipt)


def story(proposal: Proposal, *, now: datetime) -> HistoryEntry:
    """Read the history of one proposal; the oldest revisions beyond MOST are left out."""
    revisions = list(proposal.revisions.order_by("-number")[:MOST])[::-1]
    decisions = list(proposal.decisions.order_by("-id")[:MOST])
    events = [_revised(revision, before, now) for before, revision in zip([None, *revisions], revisions, strict=False)]
    entries = _entries(proposal)
    roles = {entry.data["decision_id"]: entry.data["roles"] for entry in entries if entry.kind != WITHDRAWN}
    events += [_decided(decision, roles.get(str(decision.pk), ()), now) for decision in decisions]
    events += [_withdrawn(entry, now) for entry in entries if entry.kind == WITHDRAWN]
    events += _calls(proposal, decisions, now)
    return HistoryEntry(
        events=sorted(events, key=lambda event: event.at),
        revisions=revisions,
        dispatches=[_dispatch(row) for row in proposal.dispatches.order_by("id").prefetch_related("attempts")],
        callbacks=list(proposal.callbacks.order_by("-id")[:10]),
        outcomes=list(proposal.outcomes.select_related("correction").order_by("id")[:MOST]),
    )


def _entries(proposal: Proposal) -> list[Entry]:
    """Return what only the ledger knows: in which roles people decided, and that the agent took it back."""
    decisive = Q(data__has_keys=["decision_id", "roles"]) | Q(kind=WITHDRAWN)
    return list(Entry.objects.filter(decisive, subject=f"proposal:{proposal.pk}").order_by("-id")[: 2 * MOST])


def _withdrawn(entry: Entry, now: datetime) -> Event:
    return Event(
        at=entry.at,
        when=words.ago(entry.at, now),
        who=entry.actor_name,
        what=_("took it back"),
        words="",
        mark="agent",
    )


def _calls(proposal: Proposal, decisions: Iterable[Decision], now: datetime) -> Iterable[Event]:
    """Yield the roles that were called because time went by."""
    first = min((decision.at for decision in decisions), default=None)
    for timer in proposal.timers.filter(kind=Timer.Kind.LEVEL, fired_at__isnull=False):
        at = timer.fired_at
        assert at is not None
        is_silent = first is None or first > at
        what = _("was called: nobody had answered") if is_silent else _("was called: an answer was missing")
        more = _("It could decide too from then on.") if timer.widens else ""
        yield Event(at=at, when=words.ago(at, now), who=timer.role, what=what, words=more, mark="called")


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
        changes=evidence.changed_fields(before.payload, revision.payload) if before else None,
    )


def _decided(decision: Decision, roles: Iterable[str], now: datetime) -> Event:
    what = decision.get_verdict_display().lower()
    if decision.is_signed:
        what = _("%s, signed") % what
    facts = {"what": what, "number": decision.revision_number, "roles": _(" and ").join(roles)}
    as_roles = _("%(what)s revision %(number)s as %(roles)s")
    reason = decision.get_reason_code_display() if decision.reason_code else ""
    return Event(
        at=decision.at,
        when=words.ago(decision.at, now),
        who=decision.by_name,
        what=(as_roles if facts["roles"] else _("%(what)s revision %(number)s")) % facts,
        words=": ".join(part for part in (reason, decision.comment) if part),
        mark=VERDICTS[Decision.Verdict(decision.verdict)].mark,
    )


def _dispatch(dispatch: Dispatch) -> DispatchTold:
    return DispatchTold(dispatch, list(dispatch.attempts.all())[-MOST:])
