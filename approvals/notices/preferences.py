"""How people want to be told: what they chose, or else what is usual. The only writer of those choices."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from typing import Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from approvals.models import ChannelKind, NoticeKind, Pace, Preference, Reachability, SlackLink
from approvals.notices.timing import Reach

PERSONAL: Final = (ChannelKind.INBOX, ChannelKind.EMAIL, ChannelKind.SLACK)
"""The channels that reach one person."""
_ASKED: Final[Mapping[str, str]] = {
    ChannelKind.INBOX: Pace.NOW,
    ChannelKind.EMAIL: Pace.NOW,
    ChannelKind.SLACK: Pace.NOW,
}
_TOLD: Final[Mapping[str, str]] = {
    ChannelKind.INBOX: Pace.NOW,
    ChannelKind.EMAIL: Pace.DAILY,
    ChannelKind.SLACK: Pace.NEVER,
}
USUAL: Final[Mapping[str, Mapping[str, str]]] = {
    NoticeKind.WAITS_FOR_YOU: _ASKED,
    NoticeKind.REMINDER: _ASKED,
    NoticeKind.ESCALATED: _ASKED,
    NoticeKind.ASSIGNED: _ASKED,
    NoticeKind.SENT_BACK_ANSWER: _ASKED,
    NoticeKind.DECIDED: _TOLD,
    NoticeKind.SHIPPED_BY_ITSELF: {**_TOLD, ChannelKind.EMAIL: Pace.HOURLY},
    NoticeKind.FAILED: {**_TOLD, ChannelKind.EMAIL: Pace.NOW},
    NoticeKind.EXPIRED: _TOLD,
    NoticeKind.WITHDRAWN: {**_TOLD, ChannelKind.EMAIL: Pace.NEVER},
}
"""When somebody who chose nothing is told, by kind and channel."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How one person wants to be told; `channels` are those by which they can be reached now, but the inbox."""

    chosen: Mapping[tuple[str, str], str]
    reach: Reach
    channels: Sequence[str] = ()

    def pace(self, kind: str, channel: str) -> str:
        """Return one of Pace for a kind of notice and a channel."""
        return self.chosen.get((kind, channel)) or USUAL[kind][channel]


def of(people: Sequence[User]) -> dict[int, Wish]:
    """Return the wish of each of `people`, by id. Three queries at most."""
    ids = [person.pk for person in people]
    chosen: dict[int, dict[tuple[str, str], str]] = {}
    for row in Preference.objects.filter(person__in=ids):
        chosen.setdefault(row.person_id, {})[row.kind, row.channel] = row.pace
    reachable = Reachability.objects.in_bulk(ids)
    linked = {*SlackLink.objects.filter(person__in=ids).values_list("person_id", flat=True)} if has_slack() else set()
    return {
        person.pk: Wish(
            chosen.get(person.pk, {}),
            reach_of(reachable.get(person.pk)),
            [
                *([ChannelKind.EMAIL] if person.email else []),
                *([ChannelKind.SLACK] if person.pk in linked else []),
            ],
        )
        for person in people
    }


def has_slack() -> bool:
    """Whether the portal can speak with Slack at all."""
    return bool(settings.SLACK_BOT_TOKEN)


def reach_of(row: Reachability | None) -> Reach:
    """Return when a person may be reached, from the row in which they said so, if they did."""
    if row is None:
        return Reach(ZoneInfo(settings.TIME_ZONE))
    begins, ends = row.quiet_from, row.quiet_until
    quiet = None if begins is None or ends is None else (begins, ends)
    return Reach(ZoneInfo(row.time_zone or settings.TIME_ZONE), quiet, row.daily_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferenceChoice:
    """What somebody chose on the page of preferences. `paces` are by kind and channel."""

    paces: Mapping[tuple[str, str], str]
    time_zone: str
    quiet_from: time | None
    quiet_until: time | None
    daily_at: time


@transaction.atomic
def choose(*, person: User, choice: PreferenceChoice) -> None:
    """Keep what `person` chose for themselves. What is as usual is not kept, so that it follows the usual."""
    Preference.objects.filter(person=person).delete()
    Preference.objects.bulk_create(_unusual(person, choice.paces.items()))
    Reachability.objects.update_or_create(
        person=person,
        defaults={
            "time_zone": choice.time_zone,
            "quiet_from": choice.quiet_from,
            "quiet_until": choice.quiet_until,
            "daily_at": choice.daily_at,
        },
    )


def _unusual(person: User, paces: Iterable[tuple[tuple[str, str], str]]) -> list[Preference]:
    return [
        Preference(person=person, kind=kind, channel=channel, pace=pace)
        for (kind, channel), pace in paces
        if USUAL[kind][channel] != pace
    ]
