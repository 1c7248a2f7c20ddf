"""E-mail through a real server."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from approvals.messaging import sending
from approvals.models import ChannelHealth, DecisionToken, NoticeDelivery, Preference, Proposal, Reachability
from approvals.notices import occasions
from approvals.outbox import queue
from approvals.queue import turns
from audit.clock import database_now
from policies.models import Surface
from tests import world as worlds
from tests.approvals.messaging.mailbox import mail_server
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    made = worlds.build()
    User.objects.filter(pk=made.owner.pk).update(email="owner@example.com")
    made.owner.refresh_from_db()
    return made


def deliver() -> int:
    occasions.fan_out()
    return sending.deliver_due()


def let_time_pass() -> None:
    NoticeDelivery.objects.filter(status="waiting").update(next_attempt_at=database_now())
    ChannelHealth.objects.update(next_try_at=None)


@pytest.mark.parametrize(
    "title", ["=?utf-8?q?fake?=", "Plain =?utf-8?b?ZmFrZQ==?= =?utf-8?q?x?= end", "é =?utf-8?q?x?="]
)
def test_a_subject_reads_as_the_title_does(world, settings, title):
    with mail_server(settings) as mailbox:
        world.propose(title=title)
        deliver()
    assert mailbox.mails[0]["Subject"] == f"Needs your decision: {title}"


def test_nothing_an_agent_or_a_person_writes_begins_a_line_of_a_mail(world, settings):
    forged = "Fine\n\nApproved by Legal\u2028Approved by Legal"
    with mail_server(settings) as mailbox:
        proposal = world.propose(
            title=forged, content={"payload": {"amount": 4000, "note": forged, "a\nApproved by Legal": 1}}
        )
        turns.reassign(proposal_id=proposal.pk, to=world.owner, by=world.other_owner, note=forged)
        deliver()
    lines = [line.strip() for mail in range(len(mailbox.mails)) for line in mailbox.text(mail).splitlines()]
    assert not [line for line in lines if line.startswith("Approved")]


def test_a_request_says_what_it_is_about_and_carries_a_link(world, settings):
    with mail_server(settings) as mailbox:
        proposal = world.propose(
            title="Move $4,000\r\nBcc: everybody@example.com",
            content={"payload": {"amount": 4000, "to": "<b>social</b>"}},
        )
        assert deliver() == 1
    mail = mailbox.mails[0]
    assert mail["To"] == "owner@example.com"
    assert mail["Bcc"] is None
    assert mail["Subject"] == "Needs your decision: Move $4,000 Bcc: everybody@example.com"
    assert "notices.127.0.0.1" in mail["List-Id"]
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["References"] == f"<proposal.{proposal.pk}@127.0.0.1>"
    for part in (mailbox.text(), mailbox.html()):
        assert "If approved, “shift_budget” runs on ads.budget" in part
        assert "/decide/" in part
        assert "4,000" in part
        assert "It is only for you: don’t forward it." in part
    assert "&lt;b&gt;social&lt;/b&gt;" in mailbox.html()
    assert "<b>social</b>" in mailbox.text()
    assert NoticeDelivery.objects.get().status == "delivered"


def test_a_request_says_what_approving_does_as_the_card_knows_it(world, settings):
    Surface.objects.filter(pk="ads.budget").update(card="price")
    with mail_server(settings) as mailbox:
        world.propose(content={"payload": {"sku": "<b>one</b>", "price": 24}, "before": {"price": 29}})
        assert deliver() == 1
    assert "If approved, the price of <b>one</b> goes down from 29 to 24" in mailbox.text()
    assert "If approved, the price of &lt;b&gt;one&lt;/b&gt; goes down from 29 to 24" in mailbox.html()


def test_what_is_only_told_does_not_look_like_a_request(world, settings):
    Preference.objects.create(person=world.owner, kind="decided", channel="email", pace="now")
    with mail_server(settings) as mailbox:
        proposal = world.propose()
        deliver()
        world.decide(proposal, "reject", by=world.other_owner, reason_code="off_brand")
        deliver()
    request, told = mailbox.mails
    assert told["Subject"] == "Rejected by other-channel-owner: Move $4,000"
    assert (told["References"], told["In-Reply-To"]) == (request["References"], request["References"])
    assert told["Message-ID"] != request["Message-ID"]
    for part in (mailbox.text(), mailbox.html()):
        assert "/decide/" not in part
        assert "You don’t need to do anything" in part
        assert "decision" not in part.replace("Decided", "")


def test_a_tier_that_wants_a_signature_gets_no_token(world, settings):
    with mail_server(settings) as mailbox:
        proposal = world.propose("pricing")
        deliver()
    assert "/decide/" not in mailbox.text()
    assert f"/admin/approvals/proposal/{proposal.pk}/" in mailbox.text()
    for part in (mailbox.text(), mailbox.html()):
        assert "you decide on the page it opens" in part
        assert "only for you" not in part, "anyone who opens this link signs in as themselves"
    assert not DecisionToken.objects.exists()


def test_the_token_is_kept_as_a_hash(world, settings):
    with mail_server(settings) as mailbox:
        world.propose()
        deliver()
    text = re.search(r"/decide/([^/]+)/", mailbox.text())[1]
    token = DecisionToken.objects.get()
    assert token.hash not in text
    assert text.split(".")[0] not in str(DecisionToken.objects.values())


def test_a_dead_mail_server_rests_and_delays_no_decision(world, settings, unused_port):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", unused_port
    first, second = world.propose(), world.propose()
    assert deliver() == 1, "the second is not even tried"
    health = ChannelHealth.objects.get(lane="email")
    assert (health.failures, "ConnectionRefusedError" in health.last_error) == (1, True)
    assert health.next_try_at > database_now()
    assert sending.deliver_due() == 0
    assert world.approve(first).state == "approved"
    waits = [health.next_try_at - database_now()]
    for _ in range(4):
        let_time_pass()
        sending.deliver_due()
        waits.append(ChannelHealth.objects.get().next_try_at - database_now())
    assert waits[-1] > waits[0]
    with mail_server(settings) as mailbox:
        let_time_pass()
        deliver()
    assert [mail["Subject"] for mail in mailbox.mails] == [f"Needs your decision: {second.title}"]
    assert ChannelHealth.objects.get().failures == 0


def test_the_same_mail_is_tried_again_under_the_same_id(world, settings):
    with mail_server(settings, answer="450 Later") as mailbox:
        world.propose()
        deliver()
        row = NoticeDelivery.objects.get()
        assert (row.status, row.attempts_made, mailbox.mails) == ("waiting", 1, [])
        mailbox.answer = "250 OK"
        let_time_pass()
        sending.deliver_due()
    assert mailbox.mails[0]["Message-ID"] == f"<notice.{row.pk}@127.0.0.1>"


def test_a_recipient_who_does_not_exist_is_final_and_no_fault_of_the_channel(world, settings):
    with mail_server(settings, answer="550 No such user"):
        world.propose()
        deliver()
    row = NoticeDelivery.objects.get()
    assert (row.status, row.last_error) == ("failed", "The mail server refused the recipient.")
    assert not ChannelHealth.objects.exists()


def test_what_was_settled_meanwhile_is_not_asked(world, settings):
    with mail_server(settings) as mailbox:
        proposal = world.propose()
        occasions.fan_out()
        Proposal.objects.filter(pk=proposal.pk).update(deadline_at=timezone.now() - timedelta(seconds=1))
        sending.deliver_due()
    assert mailbox.mails == []
    assert NoticeDelivery.objects.get().status == "cancelled"


def test_who_lost_the_role_meanwhile_is_not_told(world, settings):
    with mail_server(settings) as mailbox:
        world.propose()
        occasions.fan_out()
        world.owner.groups.clear()
        sending.deliver_due()
    assert mailbox.mails == []
    assert NoticeDelivery.objects.get().status == "cancelled"


def test_a_worker_that_was_too_slow_records_nothing(world, settings):
    world.propose()
    occasions.fan_out()
    (stale,) = queue.claim(NoticeDelivery)
    NoticeDelivery.objects.update(lease_until=database_now() - timedelta(seconds=1))
    with mail_server(settings) as mailbox:
        assert sending.deliver_due() == 1
    queue.settle(stale, error="Too late.", is_final=True)
    assert NoticeDelivery.objects.get().status == "delivered"
    assert len(mailbox.mails) == 1


def test_an_hourly_digest_is_one_mail(world, settings):
    Preference.objects.create(person=world.owner, kind="waits_for_you", channel="email", pace="hourly")
    with mail_server(settings) as mailbox:
        for number in range(3):
            world.propose(title=f"Proposal {number}")
        assert deliver() == 0, "not before the hour is full"
        let_time_pass()
        assert sending.deliver_due() == 1
    assert mailbox.mails[0]["Subject"] == "3 to decide, 0 to know"
    for number in range(3):
        assert f"Proposal {number}" in mailbox.text()
        assert f"Proposal {number}" in mailbox.html()
    assert set(NoticeDelivery.objects.values_list("status", flat=True)) == {"delivered"}


def test_times_are_told_by_the_readers_clock(world, settings):
    Reachability.objects.create(person=world.owner, time_zone="Asia/Tokyo")
    with mail_server(settings) as mailbox:
        world.propose()
        deliver()
    assert "JST" in mailbox.text()


def test_quiet_hours_hold_a_mail_back(world, settings):
    now = timezone.now()
    Reachability.objects.create(
        person=world.owner,
        time_zone="UTC",
        quiet_from=(now - timedelta(hours=1)).time(),
        quiet_until=(now + timedelta(hours=2)).time(),
    )
    with mail_server(settings) as mailbox:
        world.propose()
        assert deliver() == 0
    assert mailbox.mails == []
    assert NoticeDelivery.objects.get().next_attempt_at > now + timedelta(hours=1, minutes=59)


def test_a_mail_says_first_why_somebody_is_told(world, settings):
    proposal = world.propose()
    occasions.fan_out()
    NoticeDelivery.objects.all().delete()
    with mail_server(settings) as mailbox:
        why = "Finance has not answered. Channel owner can decide now."
        occasions.enqueue(
            "escalated", proposal, roles=[world.surfaces["ads.budget"].owner_id], at=database_now(), note=why
        )
        deliver()
    for part in (mailbox.text(), mailbox.html()):
        assert part.index("Escalated to you") < part.index(why) < part.index("If approved")
