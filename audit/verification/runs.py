"""Verifications of the whole ledger, each night and on demand, with their results."""

from datetime import datetime, timedelta
from typing import Final

from django.db import connection, transaction

from audit.canonical import JsonValue
from audit.clock import database_now
from audit.ledger import entries, sequencer
from audit.ledger.entries import SYSTEM, Actor
from audit.models import Verification
from audit.verification import keepsake, walk
from audit.verification.walk import Progress, Report

EVERY: Final = timedelta(days=1)
ABANDONED_AFTER: Final = timedelta(hours=6)
_LOCK: Final = 0x7665_7269_6679
_BATCH: Final = 1_000


def latest() -> Verification | None:
    """Return the last verification that has come to an end."""
    verification: Verification | None = Verification.objects.filter(finished_at__isnull=False).first()
    return verification


def run_due(*, most: int) -> int:
    """Verify the ledger if nobody has within a day, or is about to; return how many runs there were."""
    begun = _begin_if_due()
    if begun is None:
        return 0
    while sequencer.sequence_left_behind(most=_BATCH) == _BATCH:
        pass
    _finish(begun, walk.whole(kept=keepsake.notes()), by=SYSTEM)
    return 1


def run(*, by: Actor, progress: Progress = lambda _count: None) -> Report:
    """Verify everything now, and keep the result as a row and as an entry of the ledger."""
    begun: Verification = Verification.objects.create(started_at=database_now())
    report = walk.whole(kept=keepsake.notes(), progress=progress)
    _finish(begun, report, by=by)
    return report


@transaction.atomic
def _begin_if_due() -> Verification | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    at = database_now()
    is_done = Verification.objects.filter(finished_at__gt=at - EVERY).exists()
    is_under_way = Verification.objects.filter(finished_at=None, started_at__gt=at - ABANDONED_AFTER).exists()
    if is_done or is_under_way:
        return None
    begun: Verification = Verification.objects.create(started_at=at)
    return begun


@transaction.atomic
def _finish(begun: Verification, report: Report, *, by: Actor) -> None:
    at: datetime = database_now()
    fault = report.fault
    begun.finished_at, begun.size, begun.checkpoints = at, report.size, report.heads
    if fault is not None:
        begun.fault, begun.fault_index, begun.text = fault.kind, fault.index, fault.text
    begun.save()
    data: dict[str, JsonValue] = {
        "size": report.size,
        "checkpoints": report.heads,
        "fault": begun.fault,
        "index": begun.fault_index,
    }
    entries.record("ledger.verified", subject="ledger:whole", actor=by, at=at, data=data)
