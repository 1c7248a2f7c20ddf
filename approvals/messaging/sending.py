"""Carry notices out through their channels. No transaction is open while a channel talks.

A channel that cannot be reached is left alone for a while, longer each time; what waits for it waits, and
nothing else does.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from approvals.messaging import composition, registry
from approvals.messaging.channel import SendingChannel
from approvals.messaging.composition import Sight
from approvals.messaging.message import Message, NotSent
from approvals.models import ASKING, ChannelHealth, NoticeDelivery, Reachability
from approvals.notices import preferences
from approvals.notices.timing import Reach
from approvals.outbox import backoff, queue
from approvals.people import held_roles
from audit.clock import database_now

MOST_IN_BUNDLE: Final = 500
MOST_WRITTEN: Final = 20
"""So many of a bundle are written out; the rest is counted, and found behind its link."""


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
    """Claim the next notice, and all that are due to go into the same message."""
    resting = ChannelHealth.objects.filter(next_try_at__gt=Now()).values("lane")
    rows = queue.claim(NoticeDelivery, ~Q(lane__in=resting))
    if not rows:
        return rows
    first, to = rows[0], {"person": rows[0].person_id, "address": rows[0].address_id, "channel": rows[0].channel}
    if first.is_bundled:
        place = Q(is_bundled=True, proposal__surface=first.proposal.surface_id, **to)
        place &= Q(kind__in=ASKING) if first.kind in ASKING else ~Q(kind__in=ASKING)
        return [*rows, *queue.claim(NoticeDelivery, place, most=MOST_IN_BUNDLE - 1)]
    channel = registry.channel(first.channel) if first.is_gathered else None
    if channel is None or channel.most_in_one == 1:
        return rows
    return [*rows, *queue.claim(NoticeDelivery, Q(is_gathered=True, **to), most=channel.most_in_one - 1)]


def _deliver(rows: Sequence[NoticeDelivery]) -> None:
    lane = rows[0].lane
    seen = _seen(rows)
    rows = [row for row in rows if _still_counts(row, seen.get(row.proposal_id))]
    if not rows:
        return
    try:
        _send(rows, seen)
    except NotSent as error:
        if error.is_channel_down:
            _rest(lane, error.reason)
        for row in rows:
            queue.settle(row, error=error.reason, is_final=error.is_final, after=error.after)
    else:
        _works(lane)
        queue.settle_delivered(rows)


def _seen(rows: Sequence[NoticeDelivery]) -> dict[UUID, Sight]:
    """Return what the rows are about, by its id, as their one reader sees it now."""
    person = rows[0].person
    if person is None:
        return composition.sights({row.proposal_id for row in rows}, None)
    held_roles.remember(person)
    for row in rows:
        row.person = person
    return composition.sights({row.proposal_id for row in rows}, person) if person.is_active else {}


def _still_counts(row: NoticeDelivery, seen: Sight | None) -> bool:
    """Whether there is still something to say; where that is pointless by now, the row is cancelled."""
    if seen is None:
        queue.cancel(row, reason=_("The person may not see the proposal any more."))
        return False
    if composition.is_past(row, seen):
        queue.cancel(row, reason=_("It was settled before this was sent."))
        return False
    return True


def _send(rows: Sequence[NoticeDelivery], seen: Mapping[UUID, Sight]) -> None:
    first = rows[0]
    channel = registry.channel(first.channel)
    if channel is None:
        raise NotSent(_("There is no such channel."), is_final=True)
    written = rows[:MOST_WRITTEN] if first.is_bundled else rows
    with timezone.override(_reach(first.person).zone):
        messages = [_write(row, seen[row.proposal_id], channel) for row in written]
    if len(rows) == 1:
        channel.send(first, messages[0])
    elif first.is_bundled:
        rest = rows[len(written) :]
        asking = sum(row.kind in ASKING and seen[row.proposal_id].may.may_decide for row in rest)
        surface = seen[first.proposal_id].proposal.surface
        gathered = composition.bundle(messages, surface, identifier=str(first.pk), more=len(rest), more_waiting=asking)
        channel.send_digest(first, gathered)
    else:
        channel.send_digest(first, composition.digest(messages, identifier=str(first.pk)))


def _reach(person: User | None) -> Reach:
    return preferences.reach_of(Reachability.objects.filter(person=person).first() if person else None)


def _write(row: NoticeDelivery, seen: Sight, channel: SendingChannel) -> Message:
    return composition.write(
        row, seen, identifier=str(row.pk), person=row.person, can_ask=channel.can_ask, choices=channel.choices
    )


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
