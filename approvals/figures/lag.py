"""Lag of due work by kind, for the metrics and the health page.

A scheduler that is late changes nothing that was decided, but it keeps people waiting; this says for how long.
`approvals.sweeps` names what is measured here.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import Case, Count, F, Min, Q, QuerySet, When
from django.db.models.functions import Coalesce, Greatest, Now
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from approvals.figures import heartbeats
from approvals.lifecycle import reevaluation
from approvals.models import (
    WAITING,
    Callback,
    ChannelHealth,
    Dispatch,
    DispatchStatus,
    IdempotentAnswer,
    NoticeDelivery,
    Occasion,
    Proposal,
    ReportDelivery,
    Timer,
    TrustProgress,
)
from approvals.models.answer import KEPT_FOR
from approvals.shipping import claimable, kinds
from approvals.sweeps import SWEEPS
from approvals.uploads import intake
from audit.clock import database_now
from audit.ledger import sequencer
from audit.models import Entry
from audit.verification import runs
from policies.models import Activation, ReplayRun


@dataclass(frozen=True, slots=True)
class DueWork:
    """What is due of one kind: how many rows, and since when the oldest is."""

    rows: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Lag:
    """How far one kind of work is behind. `is_late` says that somebody should look."""

    kind: str
    label: str | Promise
    rows: int
    seconds: float
    is_late: bool


@dataclass(frozen=True, slots=True)
class _Kind:
    label: str | Promise
    measure: Callable[[], DueWork]
    tolerable_seconds: float


COUNTED_WITHIN: Final = timedelta(minutes=5)
RECOUNTED_WITHIN: Final = timedelta(days=1)
_KINDS: Final[dict[str, _Kind]] = {}


def register(kind: str, label: str | Promise, measure: Callable[[], DueWork], *, tolerable_seconds: float) -> None:
    """Measure one more kind of work; `kind` is small letters and underscores, `measure` reads and changes nothing."""
    _KINDS[kind] = _Kind(label, measure, tolerable_seconds)


def known_kinds() -> set[str]:
    """Return every kind that is measured."""
    return {*_KINDS}


def measure_all(kinds: Collection[str] | None = None) -> list[Lag]:
    """Measure every kind, or only `kinds`, one query or two for each, by the database's clock."""
    at = database_now()
    measured = []
    for kind, known in _KINDS.items():
        if kinds is not None and kind not in kinds:
            continue
        due = known.measure()
        seconds = max(0.0, (at - due.since).total_seconds()) if due.since and due.rows else 0.0
        is_late = due.rows > 0 and seconds >= known.tolerable_seconds
        measured.append(Lag(kind, known.label, due.rows, seconds, is_late))
    return measured


def due_of(rows: QuerySet[Any], since: Any) -> DueWork:
    """Count `rows`, all of which are due; `since` is the expression for when each became so."""
    figures = rows.aggregate(rows=Count("pk"), since=Min(since))
    return DueWork(figures["rows"], figures["since"])


def shipping_due() -> DueWork:
    """What a worker could claim now; what a kill switch stops is not late but stopped."""
    return due_of(claimable.unhindered(claimable.due(kinds.FALLBACK)), Greatest("next_attempt_at", "lease_until"))


_TO_SEND: Final = Q(status=DispatchStatus.WAITING, next_attempt_at__lte=Now()) | Q(
    status=DispatchStatus.CLAIMED, lease_until__lte=Now()
)


_FAILED_FOR: Final = timedelta(days=1)
_ON_ITS_WAY: Final = (DispatchStatus.WAITING, DispatchStatus.CLAIMED)


def _receivers() -> DueWork:
    """What a receiver has refused at least once and not taken since; what was given up counts for a day."""
    repeated = Q(status__in=_ON_ITS_WAY) & ~Q(last_error="")
    given_up = Q(status=DispatchStatus.FAILED, next_attempt_at__gt=Now() - _FAILED_FOR)
    dispatches = due_of(Dispatch.objects.filter(repeated | given_up), "created_at")
    callbacks = due_of(Callback.objects.filter(repeated), "created_at")
    moments = [one.since for one in (dispatches, callbacks) if one.since is not None]
    return DueWork(dispatches.rows + callbacks.rows, min(moments, default=None))


def _channels() -> DueWork:
    """Channels to people that cannot be reached, since when something last went out by one of them."""
    return due_of(ChannelHealth.objects.filter(failures__gt=0), Coalesce("last_sent_at", Now()))


def _silent(program: str) -> Callable[[], DueWork]:
    def measure() -> DueWork:
        silence = heartbeats.silence(program)
        return DueWork(silence.programs, silence.since)

    return measure


def callbacks_due() -> DueWork:
    """What agents are to be told now."""
    return due_of(Callback.objects.filter(_TO_SEND), Greatest("next_attempt_at", "lease_until"))


def escalations_due() -> DueWork:
    """Reminders and levels whose time has come."""
    return due_of(Timer.objects.filter(fired_at=None, due_at__lte=Now()), "due_at")


def occasions_due() -> DueWork:
    """What people are still to be told of."""
    return due_of(Occasion.objects.all(), "at")


def notices_due() -> DueWork:
    """What could be sent now; a channel that cannot be reached is not late but left alone for a while."""
    resting = ChannelHealth.objects.filter(next_try_at__gt=Now()).values("lane")
    rows = NoticeDelivery.objects.filter(_TO_SEND).exclude(lane__in=resting)
    return due_of(rows, Greatest("next_attempt_at", "lease_until"))


def reports_due() -> DueWork:
    """Daily reports that could be sent now."""
    return due_of(ReportDelivery.objects.filter(_TO_SEND), Greatest("next_attempt_at", "lease_until"))


def expiry_due() -> DueWork:
    """What ran out of time and is not marked yet."""
    since = Case(When(state__in=WAITING, then=F("deadline_at")), default=F("expires_at"))
    return due_of(Proposal.objects.overdue(), since)


def reevaluation_due() -> DueWork:
    """What is open under an older policy than the one in force."""
    active = Activation.objects.order_by("-id").first()
    if active is None:
        return DueWork(0, None)
    return due_of(reevaluation.outdated(active.version_id), Greatest(F("created_at"), active.at))


def assessing_due() -> DueWork:
    """What the model is to be asked about."""
    waiting = Proposal.objects.filter(is_to_be_assessed=True) if settings.LLM_BASE_URL else Proposal.objects.none()
    return due_of(waiting, "revision__created_at")


def ledger_due() -> DueWork:
    """Entries that have no place in the tree yet."""
    return DueWork(*sequencer.waiting())


def verification_due() -> DueWork:
    """A verification of the ledger that should have been by now."""
    latest = runs.latest()
    if latest is None:
        first = Entry.objects.order_by("id").values_list("at", flat=True).first()
        return DueWork(int(first is not None), first)
    assert latest.finished_at is not None, "it has come to an end"
    due_at = latest.finished_at + runs.EVERY
    return DueWork(int(due_at <= database_now()), due_at)


def ledger_faults() -> DueWork:
    """The fault that the last verification found, since then."""
    latest = runs.latest()
    return DueWork(int(latest is not None and latest.fault != ""), latest.finished_at if latest else None)


def replays_due() -> DueWork:
    """Replays that wait for a worker."""
    return due_of(ReplayRun.objects.filter(status=ReplayRun.Status.WAITING), "asked_at")


def trust_due() -> DueWork:
    """Whether what was decided is counted: late is the counting, not each decision."""
    progress = TrustProgress.objects.filter(pk=1, counted_until__lt=Now() - COUNTED_WITHIN)
    return due_of(progress, "counted_until")


def recount_due() -> DueWork:
    """Whether everything was counted anew within a day."""
    progress = TrustProgress.objects.filter(pk=1, recounted_at__lt=Now() - RECOUNTED_WITHIN)
    due = due_of(progress, "recounted_at")
    return DueWork(due.rows, due.since + RECOUNTED_WITHIN if due.since else None)


def forgetting_due() -> DueWork:
    """Answers that nobody may repeat any more, and uploads that no proposal has named in time."""
    answers = due_of(IdempotentAnswer.objects.filter(created_at__lt=Now() - KEPT_FOR), F("created_at") + KEPT_FOR)
    uploads = due_of(intake.overdue(), F("created_at") + intake.LIFETIME)
    moments = [one.since for one in (answers, uploads) if one.since is not None]
    return DueWork(answers.rows + uploads.rows, min(moments, default=None))


for _due in (due for sweep in SWEEPS for due in sweep.due):
    register(_due.kind, _due.label, globals()[_due.measure], tolerable_seconds=_due.tolerable_seconds)
# From here on the first failure counts, whatever it is the first of.
register("receivers", _("Receivers that fail"), _receivers, tolerable_seconds=0)
register("channels", _("Ways to people that fail"), _channels, tolerable_seconds=0)
register("worker", _("Workers"), _silent(heartbeats.WORKER), tolerable_seconds=0)
register("notice_worker", _("Workers for notices"), _silent(heartbeats.NOTICE_WORKER), tolerable_seconds=0)
register("beat", _("Beat, which reminds the workers"), _silent(heartbeats.BEAT), tolerable_seconds=0)
