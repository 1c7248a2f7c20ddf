"""Claim rows of an outbox with lease and fence, and record how they went. The network is used in between."""

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Final, TypeVar

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from approvals.models import DispatchStatus
from approvals.models.outbox import Delivery
from approvals.outbox import backoff
from audit.clock import database_now

LEASE: Final = timedelta(minutes=2)
Row = TypeVar("Row", bound=Delivery)
_DUE: Final = Q(status=DispatchStatus.WAITING, next_attempt_at__lte=Now()) | Q(
    status=DispatchStatus.CLAIMED, lease_until__lte=Now(), attempts_made__lt=backoff.MAX_ATTEMPTS
)


@transaction.atomic
def claim(kind: type[Row], *among: Q, most: int = 1, lease: timedelta = LEASE) -> list[Row]:
    """Claim up to `most` rows that are due, the longest due first; rows that others hold are skipped.

    `among` narrows the choice. Ends the rows that no worker survived.
    """
    kind._default_manager.filter(  # noqa: SLF001  # Django's documented interface
        status=DispatchStatus.CLAIMED, lease_until__lte=Now(), attempts_made__gte=backoff.MAX_ATTEMPTS
    ).update(
        status=DispatchStatus.FAILED,
        lease_until=None,
        last_error=_("No worker finished it in %s attempts.") % backoff.MAX_ATTEMPTS,
    )
    due = kind._default_manager.select_for_update(skip_locked=True, of=("self",)).filter(_DUE, *among)  # noqa: SLF001
    rows: list[Row] = list(due.order_by("next_attempt_at")[:most])
    if not rows:
        return rows
    until = database_now() + lease
    held = kind._default_manager.filter(pk__in=[row.pk for row in rows])  # noqa: SLF001
    held.update(
        status=DispatchStatus.CLAIMED,
        fence=F("fence") + 1,
        attempts_made=F("attempts_made") + 1,
        lease_until=until,
    )
    for row in rows:
        row.status, row.lease_until = DispatchStatus.CLAIMED, until
        row.fence += 1
        row.attempts_made += 1
    return rows


@transaction.atomic
def settle_delivered(rows: Sequence[Row]) -> None:
    """Record that claimed rows of one kind were delivered together; those that another worker took over excepted."""
    kind = type(rows[0])
    claimed = kind._default_manager.filter(pk__in=[row.pk for row in rows], status=DispatchStatus.CLAIMED)  # noqa: SLF001
    fences = dict(claimed.select_for_update(of=("self",)).order_by("pk").values_list("pk", "fence"))
    mine = [row.pk for row in rows if fences.get(row.pk) == row.fence]
    kind._default_manager.filter(pk__in=mine).update(  # noqa: SLF001
        status=DispatchStatus.DELIVERED, delivered_at=database_now(), lease_until=None, last_error=""
    )


@transaction.atomic
def settle(row: Delivery, *, error: str = "", is_final: bool = False, after: timedelta | None = None) -> None:
    """Record how a claimed row went: delivered (no error), to be tried again, or given up."""
    kind = type(row)
    now = kind._default_manager.select_for_update(of=("self",)).get(pk=row.pk)  # noqa: SLF001
    if now.fence != row.fence or now.status != DispatchStatus.CLAIMED:
        return  # another worker took it over, or it waits anew; that counts
    at = database_now()
    now.lease_until = None
    now.last_error = error[:500]
    if not error:
        now.status = DispatchStatus.DELIVERED
        now.delivered_at = at
    elif is_final or now.attempts_made >= backoff.MAX_ATTEMPTS:
        now.status = DispatchStatus.FAILED
    else:
        now.status = DispatchStatus.WAITING
        # The jitter spreads retries; it decides nothing.
        now.next_attempt_at = at + (after or backoff.delay(now.attempts_made, jitter=random.random()))  # noqa: S311
    now.save()


@transaction.atomic
def cancel(row: Delivery, *, reason: str) -> None:
    """Record that a claimed row has lost its purpose."""
    kind = type(row)
    held = kind._default_manager.filter(pk=row.pk, fence=row.fence, status=DispatchStatus.CLAIMED)  # noqa: SLF001
    held.update(status=DispatchStatus.CANCELLED, lease_until=None, last_error=reason[:500])
