"""Carry notices out through their channels. No transaction is open while a channel talks.

A channel that cannot be reached is left alone for a while, longer each time; what waits for it waits, and
nothing else does.
"""

import random
from collections.abc import Sequence

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from approvals.messaging import composition, registry
from approvals.messaging.channel import Written
from approvals.messaging.message import Message, NotSent
from approvals.models import ChannelHealth, NoticeDelivery, Reachability
from approvals.notices import preferences
from approvals.outbox import backoff, queue
from audit.clock import database_now


def deliver_due(*, most: int = 50) -> int:
    """Send what is due, at most `most` messages; return how many were tried."""
    for tried in range(most):
        rows = _claim()
        if not rows:
            return tried + _bring_up_to_date(most - tried)
        _deliver(rows)
    return most


def _bring_up_to_date(most: int) -> int:
    """Do what channels have to do besides sending, such as changing what was sent; return how many were tried."""
    tried = 0
    for channel in registry.channels():
        for follow_up in channel.follow_ups:
            while tried < most and not _is_resting(channel.slug):
                try:
                    if not follow_up():
                        break
                except NotSent as error:
                    _rest(channel.slug, error.reason)
                tried += 1
    return tried


def _is_resting(lane: str) -> bool:
    return ChannelHealth.objects.filter(lane=lane, next_try_at__gt=Now()).exists()


def _claim() -> list[NoticeDelivery]:
    """Claim the next notice; where its channel sends digests, all that are due to go into one."""
    resting = ChannelHealth.objects.filter(next_try_at__gt=Now()).values("lane")
    rows = queue.claim(NoticeDelivery, ~Q(lane__in=resting))
    channel = registry.channel(rows[0].channel) if rows and rows[0].is_gathered else None
    if channel is None or channel.most_in_one == 1:
        return rows
    same = Q(is_gathered=True, person=rows[0].person_id, channel=rows[0].channel)
    return [*rows, *queue.claim(NoticeDelivery, same, most=channel.most_in_one - 1)]


def _deliver(rows: Sequence[NoticeDelivery]) -> None:
    lane = rows[0].lane
    written = [(row, message) for row in rows if (message := _write(row)) is not None]
    if not written:
        return
    try:
        _send(written)
    except NotSent as error:
        if error.is_channel_down:
            _rest(lane, error.reason)
        for row, _message in written:
            queue.settle(row, error=error.reason, is_final=error.is_final, after=error.after)
    else:
        _works(lane)
        for row, _message in written:
            queue.settle(row)


def _write(row: NoticeDelivery) -> Message | None:
    """Write one notice as its reader would see it now; None, and the row is cancelled, where that is pointless."""
    person = row.person
    seen = composition.sight(row.proposal_id, person) if person is None or person.is_active else None
    if seen is None:
        queue.cancel(row, reason=_("The person may not see the proposal any more."))
        return None
    if composition.is_past(row, seen):
        queue.cancel(row, reason=_("It was settled before this left."))
        return None
    channel = registry.channel(row.channel)
    can_ask, choices = (channel.can_ask, channel.choices) if channel else (False, None)
    reach = preferences.reach_of(Reachability.objects.filter(person=person).first() if person else None)
    with timezone.override(reach.zone):
        return composition.write(row, seen, identifier=str(row.pk), person=person, can_ask=can_ask, choices=choices)


def _send(written: Sequence[Written]) -> None:
    channel = registry.channel(written[0][0].channel)
    if channel is None:
        raise NotSent(_("There is no such channel."), is_final=True)
    channel.send(written)


@transaction.atomic
def _rest(lane: str, reason: str) -> None:
    """Leave a channel alone for a while."""
    ChannelHealth.objects.get_or_create(lane=lane)
    row = ChannelHealth.objects.select_for_update().get(pk=lane)
    row.failures += 1
    row.last_error = reason[:500]
    # The jitter spreads tries; it decides nothing. At least half of the time is waited.
    jitter = 0.5 + random.random() / 2  # noqa: S311
    row.next_try_at = database_now() + backoff.delay(row.failures, jitter=jitter)
    row.save()


def _works(lane: str) -> None:
    facts = {"failures": 0, "next_try_at": None, "last_error": "", "last_sent_at": database_now()}
    ChannelHealth.objects.update_or_create(lane=lane, defaults=facts)
