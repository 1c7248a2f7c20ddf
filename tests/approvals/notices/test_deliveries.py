"""When a notice leaves, and what goes into one message with it."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from approvals.lifecycle import escalation
from approvals.messaging import sending
from approvals.messaging.slack import decisions
from approvals.models import NoticeDelivery, OutsideAddress, Proposal, Reachability, Timer
from approvals.notices import occasions
from approvals.queue import turns
from audit.clock import database_now
from tests import world as worlds
from tests.approvals.messaging.mailbox import mail_server
from tests.approvals.messaging.slack_api import slack_api
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    made = worlds.build()
    User.objects.filter(pk=made.owner.pk).update(email="owner@example.com")
    made.owner.refresh_from_db()
    return made


def tell() -> None:
    occasions.fan_out()
    sending.deliver_due(most=500)


def pass_a_minute() -> None:
    """Let everything that was planned have been planned a minute earlier."""
    for row in NoticeDelivery.objects.all():
        NoticeDelivery.objects.filter(pk=row.pk).update(next_attempt_at=row.next_attempt_at - timedelta(seconds=61))


def test_of_a_burst_the_first_round_is_one_mail_and_what_follows_another(world, settings):
    with mail_server(settings) as mailbox:
        for number in range(12):
            world.propose(title=f"Lead {number}")
        tell()
        for number in range(12, 30):
            world.propose(title=f"Lead {number}")
            tell()
        assert len(mailbox.mails) == 1
        pass_a_minute()
        tell()
    assert [mail["Subject"] for mail in mailbox.mails] == [
        "12 proposals on ads.budget need you",
        "18 proposals on ads.budget need you",
    ]
    for part in (mailbox.text(0), mailbox.html(0)):
        assert all(f"Lead {number}" in part for number in range(12))
        assert part.count("/decide/") == 12
        assert "/admin/desk/?surface=ads.budget" in part
    assert {*NoticeDelivery.objects.values_list("status", flat=True)} == {"delivered"}


def test_a_single_one_is_as_it_was(world, settings):
    with mail_server(settings) as mailbox:
        world.propose(title="Lead")
        tell()
    assert [mail["Subject"] for mail in mailbox.mails] == ["Needs your decision: Lead"]
    assert mailbox.text().count("/decide/") == 1


def test_of_very_many_some_are_named_and_the_rest_is_counted(world, settings):
    with mail_server(settings) as mailbox:
        for number in range(33):
            world.propose(title=f"Lead {number}")
        tell()
    assert mailbox.mails[0]["Subject"] == "33 proposals on ads.budget need you"
    assert mailbox.text().count("/decide/") == sending.MOST_WRITTEN
    assert "and 13 more" in mailbox.text()
    assert "and 13 more" in mailbox.html()


def test_surfaces_are_told_apart(world, settings):
    world.surface("crm.leads")
    with mail_server(settings) as mailbox:
        for surface in ("ads.budget", "crm.leads", "ads.budget", "crm.leads"):
            world.propose(surface)
        tell()
    assert sorted(mail["Subject"] for mail in mailbox.mails) == [
        "2 proposals on ads.budget need you",
        "2 proposals on crm.leads need you",
    ]


def test_what_was_settled_meanwhile_is_not_counted(world, settings):
    with mail_server(settings) as mailbox:
        proposals = [world.propose(title=f"Lead {number}") for number in range(3)]
        occasions.fan_out()
        world.approve(proposals[0], by=world.other_owner)
        sending.deliver_due()
    assert mailbox.mails[0]["Subject"] == "2 proposals on ads.budget need you"
    assert "Lead 0" not in mailbox.text()


def urgent(world: World) -> dict[str, list[Proposal]]:
    soon = [world.propose() for _ in range(2)]
    Proposal.objects.filter(pk__in=[one.pk for one in soon]).update(deadline_at=database_now() + timedelta(minutes=9))
    return {"signed": [world.propose("pricing") for _ in range(2)], "soon": soon}


@pytest.mark.parametrize("name", ["signed", "soon"])
def test_what_cannot_wait_goes_by_itself_and_at_once(world, settings, name):
    urgent(world)
    tell()
    NoticeDelivery.objects.all().delete()
    with mail_server(settings) as mailbox:
        found = urgent(world)[name]
        tell()
        wanted = {f"<proposal.{one.pk}@127.0.0.1>" for one in found}
        assert wanted <= {mail["References"] for mail in mailbox.mails}


def test_what_is_escalated_goes_at_once(world, settings):
    proposal = world.propose()
    tell()
    with mail_server(settings) as mailbox:
        occasions.enqueue("escalated", proposal, roles=[worlds.OWNER], at=database_now())
        tell()
    assert mailbox.mails[0]["Subject"].startswith("Escalated to you")


def test_reminders_of_many_are_one_message(world, settings):
    for _ in range(5):
        world.propose()
    tell()
    NoticeDelivery.objects.all().delete()
    Timer.objects.filter(share__gt=0, share__lte=0.5).update(due_at=database_now())
    with mail_server(settings) as mailbox:
        assert escalation.fire_due() == 5
        tell()
    assert [mail["Subject"] for mail in mailbox.mails] == ["5 proposals on ads.budget need you"]


def test_what_somebody_hands_on_by_the_dozen_is_one_message(world, settings):
    proposals = [world.propose() for _ in range(12)]
    tell()
    NoticeDelivery.objects.all().delete()
    with mail_server(settings) as mailbox:
        for proposal in proposals:
            turns.reassign(proposal_id=proposal.pk, to=world.owner, by=world.other_owner)
        tell()
    assert [mail["Subject"] for mail in mailbox.mails] == ["12 proposals on ads.budget need you"]


def test_quiet_hours_hold_a_burst_back_as_a_whole(world, settings):
    now = database_now()
    Reachability.objects.create(
        person=world.owner,
        time_zone="UTC",
        quiet_from=(now - timedelta(hours=1)).time(),
        quiet_until=(now + timedelta(hours=2)).time(),
    )
    with mail_server(settings) as mailbox:
        for _ in range(4):
            world.propose()
            tell()
        assert mailbox.mails == []
        NoticeDelivery.objects.update(next_attempt_at=database_now())
        tell()
    assert [mail["Subject"] for mail in mailbox.mails] == ["4 proposals on ads.budget need you"]


def test_a_burst_is_one_message_in_slack_with_a_link_to_all(world, settings):
    decisions.link(person=world.other_owner, slack_user="U0OTHER1")
    with slack_api(settings) as api:
        for number in range(25):
            world.propose(title=f"Lead *{number}*")
        tell()
    (message,) = api.messages.values()
    assert message["text"] == "25 proposals on ads.budget need you"
    text = str(message["blocks"])
    assert "Lead ∗3∗" in text
    assert "• … 5" in text
    assert "/admin/desk/?surface=ads.budget" in text


def test_a_burst_is_one_message_to_an_outside_address(world):
    OutsideAddress.objects.create(name="Team", url="tgram://123456789:abcdefg_hijklmnop/12315544/")
    for _ in range(6):
        world.propose()
    occasions.fan_out()
    rows = NoticeDelivery.objects.filter(channel="apprise")
    assert rows.count() == 6
    assert len({row.next_attempt_at for row in rows}) == 1
    assert {row.is_bundled for row in rows} == {True}


def test_the_statements_of_a_bundle_do_not_grow_with_it_but_for_its_links(
    world, settings, django_assert_max_num_queries
):
    with mail_server(settings) as mailbox:
        for _ in range(50):
            world.propose()
        occasions.fan_out()
        with django_assert_max_num_queries(150):
            sending.deliver_due()
    assert len(mailbox.mails) == 1
