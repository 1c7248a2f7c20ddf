"""Replays as rows: asked for by people, claimed and carried on by workers. The only writer of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from audit import canonical
from audit.clock import database_now
from policies.actors import actor
from policies.models import PolicyVersion, ReplayRun

LEASE: Final = timedelta(seconds=30)
USUAL_DAYS: Final = 30
MOST: Final = 100_000
MOST_CRASHES: Final = 3
"""A replay that so many workers went away with is given up: it may be what ends them."""
KEPT: Final = 20
"""So many finished replays are kept; older ones go when a new one is asked for."""


class ReplayTaken(RuntimeError):
    """Another worker has this replay now."""

    code = "replay_taken"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a replay is: proposals judged, the id of the last one, and what was counted."""

    done: int
    last: UUID
    tally: Mapping[str, Any]


@transaction.atomic
def ask(
    *, document: dict[str, Any], by: User | None, version: PolicyVersion | None = None, days: int = USUAL_DAYS
) -> ReplayRun:
    """Ask for a replay of `document` over the proposals of the last `days`; the newest MOST of them.

    While one of the same document waits or runs, that one is returned: one at a time.
    """
    digest = canonical.digest(canonical.encode(document))
    at = database_now()
    _forget_old()
    made = ReplayRun(
        digest=digest,
        document=document,
        version=version.number if version else None,
        since=at - timedelta(days=days),
        most=MOST,
        asked_by=by,
        asked_by_name=actor(by).name,
        asked_at=at,
    )
    # Anyone who asks at the same moment meets the unique constraint and gets the same row.
    ReplayRun.objects.bulk_create([made], ignore_conflicts=True)
    run: ReplayRun = ReplayRun.objects.filter(digest=digest).order_by("-id")[0]
    return run


def newest(document: dict[str, Any]) -> ReplayRun | None:
    """Return the latest replay of exactly this document, if there is one."""
    return of_digest(canonical.digest(canonical.encode(document)))


def of_digest(digest: str) -> ReplayRun | None:
    """Return the latest replay of the document with this digest, if there is one."""
    run: ReplayRun | None = ReplayRun.objects.filter(digest=digest).order_by("-id").first()
    return run


@transaction.atomic
def claim_next() -> ReplayRun | None:
    """Claim the replay that waits longest, or one whose worker went away; None if there is none.

    The lease lasts LEASE and is renewed by each `advance`. What too many workers went away with is given up.
    """
    at = database_now()
    free = Q(lease_until__isnull=True) | Q(lease_until__lte=at)
    due = Q(status=ReplayRun.Status.WAITING) | Q(free, status=ReplayRun.Status.RUNNING)
    run: ReplayRun | None
    run = ReplayRun.objects.select_for_update(skip_locked=True).filter(due).order_by("id").first()
    if run is None:
        return None
    run.crashes += run.lease_until is not None
    run.status, run.fence, run.lease_until = ReplayRun.Status.RUNNING, run.fence + 1, at + LEASE
    run.save(update_fields=["status", "fence", "crashes", "lease_until"])
    if run.crashes > MOST_CRASHES:
        fail(run, error="The workers that ran it went away.")
        return claim_next()
    return run


def start(run: ReplayRun, *, total: int) -> None:
    """Say how many proposals there are to judge. Raises ReplayTaken."""
    _save(run, total=total)


def advance(run: ReplayRun, progress: Progress) -> None:
    """Write down how far a claimed replay is and keep it for another LEASE. Raises ReplayTaken."""
    kept = {"done": progress.done, "last": progress.last, "tally": progress.tally}
    _save(run, **kept, lease_until=database_now() + LEASE)


def put_down(run: ReplayRun) -> None:
    """Let go of a claimed replay half way: the next to come goes on. Raises ReplayTaken."""
    _save(run, lease_until=None)


def finish(run: ReplayRun, *, done: int, result: Mapping[str, Any]) -> None:
    """Record what came out. Raises ReplayTaken."""
    ended = {"lease_until": None, "tally": None, "finished_at": database_now()}
    _save(run, status=ReplayRun.Status.DONE, done=done, result=result, **ended)


def fail(run: ReplayRun, *, error: str) -> None:
    """Record why nothing came out. Raises ReplayTaken."""
    ended = {"lease_until": None, "tally": None, "finished_at": database_now()}
    _save(run, status=ReplayRun.Status.FAILED, error=error[:500], **ended)


def _save(run: ReplayRun, **fields: Any) -> None:
    """Write to a replay that is still ours, by its fence."""
    mine = ReplayRun.objects.filter(pk=run.pk, fence=run.fence, status=ReplayRun.Status.RUNNING)
    if not mine.update(**fields):
        raise ReplayTaken(f"Replay {run.pk} is with another worker now, or finished.")
    for name, value in fields.items():
        setattr(run, name, value)


def _forget_old() -> None:
    finished = ReplayRun.objects.filter(status__in=[ReplayRun.Status.DONE, ReplayRun.Status.FAILED])
    kept = finished.order_by("-id").values_list("pk", flat=True)[:KEPT]
    finished.exclude(pk__in=list(kept)).delete()
