"""The report of the day before, each morning, to the owners of surfaces."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.db import connection

from approvals.messaging import daily_report
from approvals.messaging.slack import decisions
from approvals.models import Dispatch, Reachability, ReportDelivery
from approvals.notices.timing import Reach
from approvals.shipping import claims, dispatches, recovery
from audit.clock import database_now
from tests import world as worlds
from tests.approvals.messaging.mailbox import mail_server
from tests.approvals.messaging.slack_api import slack_api
from tests.approvals.races import race
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    made = worlds.build()
    User.objects.filter(pk=made.owner.pk).update(email="owner@example.com")
    made.owner.refresh_from_db()
    # Whatever the time is now, where the owner is it is past eight in the morning.
    Reachability.objects.create(person=made.owner, time_zone="UTC", daily_at="00:00")
    return made


def ship_yesterday(world: World) -> None:
    """Ship 312 titles and roll them back, a day ago."""
    titles = [{"sku": number} for number in range(312)]
    proposal = world.propose("ads.budget", content={"payload": {"titles": titles}, "rollback": {"titles": []}})
    world.approve(proposal)
    _ship()
    recovery.roll_back(proposal_id=proposal.pk, by=world.owner)
    _ship()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE approvals_dispatch SET delivered_at = delivered_at - interval '1 day'")
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")
    assert Dispatch.objects.count() == 2


def _ship() -> None:
    while claim := claims.claim_next(worker="test", kind="webhook"):
        dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={"done": True})


def test_an_owner_gets_it_once_in_the_surfaces_own_numbers(world, settings):
    ship_yesterday(world)
    with mail_server(settings) as mailbox:
        assert daily_report.plan_due() == 1
        assert daily_report.plan_due() == 0
        assert (daily_report.send_due(), daily_report.send_due()) == (1, 0)
    (mail,) = mailbox.mails
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    assert mail["To"] == "owner@example.com"
    assert mail["Subject"].startswith("Daily report: ")
    for part in (mailbox.text(), mailbox.html()):
        assert "312 titles · 1 proposal shipped, 1 rolled back after approval" in part
        assert "1 rolled back after approval." in part
        assert f"/admin/monitor/digest/?day={yesterday}" in part
    assert ReportDelivery.objects.get().status == "delivered"


def test_it_comes_by_slack_as_well(world, settings):
    ship_yesterday(world)
    decisions.link(person=world.owner, slack_user="U0OWNER1")
    with slack_api(settings) as api, mail_server(settings) as mailbox:
        daily_report.plan_due()
        daily_report.send_due()
    assert len(mailbox.mails) == 1
    assert "312 titles" in api.text()


def test_who_wants_none_gets_none(world):
    ship_yesterday(world)
    Reachability.objects.update(gets_daily_report=False)
    assert daily_report.plan_due() == 0


def test_who_owns_no_surface_gets_none(world):
    ship_yesterday(world)
    User.objects.filter(pk=worlds.person("lawyer", "Legal").pk).update(email="lawyer@example.com")
    daily_report.plan_due()
    assert {*ReportDelivery.objects.values_list("person", flat=True)} == {world.owner.pk}


def test_a_quiet_day_is_not_reported(world, settings):
    with mail_server(settings) as mailbox:
        daily_report.plan_due()
        daily_report.send_due()
    assert mailbox.mails == []
    assert ReportDelivery.objects.get().status == "cancelled"


@pytest.mark.parametrize(
    ("zone", "at", "day"),
    [
        ("Europe/Berlin", "2026-11-28T06:59Z", None),
        ("Europe/Berlin", "2026-11-28T07:00Z", "2026-11-27"),
        ("America/New_York", "2026-11-28T12:59Z", None),
        ("America/New_York", "2026-11-28T13:00Z", "2026-11-27"),
        ("Asia/Tokyo", "2026-11-27T23:00Z", "2026-11-27"),
    ],
)
def test_it_is_morning_by_the_owners_clock(zone, at, day):
    found = daily_report._reported(Reach(ZoneInfo(zone)), datetime.fromisoformat(at))
    assert (found and str(found)) == day


def test_a_mail_server_that_is_away_is_tried_again(world, settings, unused_port):
    ship_yesterday(world)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", unused_port
    daily_report.plan_due()
    daily_report.send_due()
    assert ReportDelivery.objects.get().status == "waiting"
    ReportDelivery.objects.update(next_attempt_at=database_now())
    with mail_server(settings) as mailbox:
        daily_report.send_due()
    assert len(mailbox.mails) == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_one(world, settings):
    world.approve(world.propose())
    race(1, *[lambda _: daily_report.plan_due()] * 4)
    assert ReportDelivery.objects.count() == 1
