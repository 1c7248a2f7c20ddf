"""Report of the day before, sent to the owners of surfaces each morning by their own clock.

A row for each owner, day and channel makes it happen once; a day on which nothing happened is not reported.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

from django.contrib.auth.models import User
from django.db.models import Q
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from approvals.figures import daily
from approvals.figures.daily import DailyFigures
from approvals.messaging import composition, registry
from approvals.messaging.channel import SendingChannel
from approvals.messaging.message import Fact, Message, NotSent
from approvals.models import Reachability, ReportDelivery
from approvals.notices import preferences
from approvals.notices.timing import Reach, due_at
from approvals.outbox import queue
from approvals.people import eligibility
from approvals.presentation import volumes, words
from audit.clock import database_now
from policies.publishing.publish import active_policy

DAY: Final = timedelta(days=1)


def plan_due(*, most: int = 1_000) -> int:
    """Write a row for each owner whose morning has come, by channel; return how many are new."""
    at = database_now()
    owners = _owners()
    chosen = Reachability.objects.in_bulk([person.pk for person in owners])
    mornings = {
        person.pk: day
        for person in owners
        if person.pk not in chosen or chosen[person.pk].gets_daily_report
        if (day := _reported(preferences.reach_of(chosen.get(person.pk)), at)) is not None
    }
    known = {*ReportDelivery.objects.filter(person__in=mornings, day__gte=at.date() - 3 * DAY).values_list(
        "person", "day", "channel"
    )}  # fmt: skip
    rows = [
        ReportDelivery(person=person, day=mornings[person.pk], channel=channel.slug, next_attempt_at=at, created_at=at)
        for channel, people in _reached([person for person in owners if person.pk in mornings])
        for person in people
        if (person.pk, mornings[person.pk], channel.slug) not in known
    ][:most]
    ReportDelivery.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def _owners() -> list[User]:
    """Return the active people who own a surface that is published and may see it."""
    roles = {surface.owner for surface in active_policy().surfaces.values() if surface.is_enabled}
    may_see = [User.objects.with_perm(each).values("pk") for each in (eligibility.SEE, eligibility.SEE_ALL)]
    people = User.objects.filter(Q(pk__in=may_see[0]) | Q(pk__in=may_see[1]), is_active=True, groups__name__in=roles)
    return list(people.distinct().order_by("pk"))


def _reported(reach: Reach, at: datetime) -> date | None:
    """Return the day to report `at`: the one before, once it is morning where the person is; else None."""
    today = at.astimezone(reach.zone).date()
    midnight = datetime(today.year, today.month, today.day, tzinfo=reach.zone).astimezone(UTC)
    return today - DAY if due_at("daily", reach, midnight - timedelta(microseconds=1)) <= at else None


def _reached(people: Sequence[User]) -> list[tuple[SendingChannel, list[User]]]:
    channels = [channel for channel in registry.channels() if channel.is_personal]
    reached = [(channel, channel.reached(people)) for channel in channels]
    return [(channel, [person for person in people if person.pk in ids]) for channel, ids in reached]


def send_due(*, most: int = 20) -> int:
    """Send up to `most` reports that are due; return how many were tried."""
    for tried in range(most):
        rows = queue.claim(ReportDelivery)
        if not rows:
            return tried
        _send(rows[0])
    return most


def _send(row: ReportDelivery) -> None:
    person, channel = row.person, registry.channel(row.channel)
    zone = preferences.reach_of(Reachability.objects.filter(person=person).first()).zone
    figures = daily.digest(person, day=row.day, zone=zone) if person.is_active else None
    if channel is None or figures is None or figures.is_quiet:
        queue.cancel(row, reason=_("Nothing happened that this person may see."))
        return
    try:
        with timezone.override(zone):
            channel.send_report(person, _message(row, figures))
    except NotSent as error:
        queue.settle(row, error=error.reason, is_final=error.is_final, after=error.after)
    else:
        queue.settle(row)


def _message(row: ReportDelivery, figures: DailyFigures) -> Message:
    facts = [Fact(volume.name, volumes.line(volume)) for volume in figures.volumes]
    by_itself = _("%(shipped)s shipped, %(stopped)s stopped, %(rolled_back)s rolled back, %(failed)s failed") % {
        name: words.number(figures.total(name)) for name in ("shipped", "stopped", "rolled_back", "failed")
    }
    facts.append(Fact(_("Automatic"), by_itself))
    facts.append(Fact(_("Decided by people"), words.number(sum(figures.decided.values()))))
    if waiting := figures.opinions.get("", 0):
        facts.append(Fact(_("Spot checks to look at"), words.number(waiting)))
    undone = figures.rolled_back_after_approval
    return Message(
        id=str(row.pk),
        thread=f"report.{row.person_id}.{row.day}",
        asks=False,
        heading=_("Daily report"),
        title=formats.date_format(row.day, "l, j F Y"),
        effect=_("%s rolled back after approval.") % words.number(undone) if undone else "",
        url=composition.site_url(f"{reverse('admin:monitor_digest')}?day={row.day}"),
        link_text=_("Open the day in numbers"),
        facts=facts,
    )
