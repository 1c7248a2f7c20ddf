"""Heartbeats of workers and beat, written every few seconds. The only writer of Heartbeat."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models.functions import Now

from approvals.models.heartbeat import Heartbeat
from audit.clock import database_now

WORKER: Final = "worker"
NOTICE_WORKER: Final = "notice_worker"
BEAT: Final = "beat"
PROGRAMS: Final = frozenset({WORKER, NOTICE_WORKER, BEAT})
EVERY_SECONDS: Final = 5.0
SILENT_AFTER: Final = timedelta(seconds=30)
# A machine that was taken away without a word is missed for this long, as long as others do its work.
MISSED_FOR: Final = timedelta(hours=1)
KEPT_FOR: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Silence:
    """How many programs of a kind should run and are silent, and since when; `since` is None where none ever ran."""

    programs: int
    since: datetime | None


@transaction.atomic
def note(program: str, *, host: str) -> None:
    """Write down that a program runs at this moment, and forget those of which nobody has heard for a day."""
    at = database_now()
    Heartbeat.objects.bulk_create(
        [Heartbeat(program=program, host=host, at=at)],
        update_conflicts=True,
        unique_fields=["program", "host"],
        update_fields=["at"],
    )
    Heartbeat.objects.filter(program=program, at__lt=at - KEPT_FOR).delete()


@transaction.atomic
def leave(program: str, *, host: str) -> None:
    """Write down that a program was stopped on purpose: it is missed only if none of its kind is left."""
    others = Heartbeat.objects.filter(program=program, at__gt=database_now() - SILENT_AFTER).exclude(host=host)
    if others.exists():
        Heartbeat.objects.filter(program=program, host=host).delete()


def silence(program: str) -> Silence:
    """Return who of a kind of program is missed. One query."""
    rows = list(Heartbeat.objects.filter(program=program).annotate(now=Now()).values_list("at", "now"))
    if not rows:
        return Silence(1, None)
    heard, now = [at for at, _now in rows], rows[0][1]
    missed = [at for at in heard if now - MISSED_FOR < at <= now - SILENT_AFTER]
    if any(at > now - SILENT_AFTER for at in heard):
        return Silence(len(missed), min(missed, default=None))
    return Silence(max(1, len(missed)), max(heard))
