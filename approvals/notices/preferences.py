"""Notification preferences, chosen or by default. The only writer of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from approvals.models import Preference, Reachability
from approvals.notices import channels
from approvals.notices.channels import NoticeChannel
from approvals.notices.timing import Reach


@dataclass(frozen=True, slots=True)
class Wish:
    """How one person wants to be told; `channels` are those by which they can be reached now, but the inbox."""

    chosen: Mapping[tuple[str, str], str]
    reach: Reach
    channels: Sequence[NoticeChannel] = ()

    def pace(self, kind: str, channel: NoticeChannel) -> str:
        """Return one of Pace for a kind of notice and a channel."""
        return self.chosen.get((kind, channel.slug)) or channel.usual(kind)


def of(people: Sequence[User]) -> dict[int, Wish]:
    """Return the wish of each of `people`, by id. Two queries, and one for each channel at most."""
    ids = [person.pk for person in people]
    chosen: dict[int, dict[tuple[str, str], str]] = {}
    for row in Preference.objects.filter(person__in=ids):
        chosen.setdefault(row.person_id, {})[row.kind, row.channel] = row.pace
    reachable = Reachability.objects.in_bulk(ids)
    reached = [(channel, channel.reached(people)) for channel in channels.sending() if channel.is_personal]
    return {
        person.pk: Wish(
            chosen.get(person.pk, {}),
            reach_of(reachable.get(person.pk)),
            [channel for channel, there in reached if person.pk in there],
        )
        for person in people
    }


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
    gets_daily_report: bool = True


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
            "gets_daily_report": choice.gets_daily_report,
        },
    )


def _unusual(person: User, paces: Iterable[tuple[tuple[str, str], str]]) -> list[Preference]:
    usual = {channel.slug: channel.usual for channel in channels.personal()}
    return [
        Preference(person=person, kind=kind, channel=channel, pace=pace)
        for (kind, channel), pace in paces
        if usual[channel](kind) != pace
    ]
