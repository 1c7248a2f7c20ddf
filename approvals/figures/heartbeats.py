"""Heartbeats of workers and beat, written every few seconds. The only writer of Heartbeat."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import connection, transaction
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


_NOTE: Final = """
WITH forgotten AS (
    DELETE FROM approvals_heartbeat
     WHERE program = ANY(%(programs)s) AND host <> %(host)s AND at < now() - make_interval(secs => %(kept)s)
)
INSERT INTO approvals_heartbeat (program, host, at)
SELECT program, %(host)s, now() FROM unnest(%(programs)s::varchar[]) AS running (program)
    ON CONFLICT (program, host) DO UPDATE SET at = excluded.at
"""


def note(*programs: str, host: str) -> None:
    """Write down that programs run at this moment, and forget those of which nobody has heard for a day.

    One statement: it is carried out every few seconds by each worker.
    """
    if programs:
        with connection.cursor() as cursor:
            cursor.execute(_NOTE, {"programs": sorted(programs), "host": host, "kept": KEPT_FOR.total_seconds()})


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
