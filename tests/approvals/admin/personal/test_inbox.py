"""The inbox and the page of preferences, without a browser."""

from datetime import time

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.template import Context, Template
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from approvals.models import (
    ChannelHealth,
    Notice,
    NoticeDelivery,
    NoticeKind,
    NoticeRule,
    OutsideAddress,
    Preference,
    Proposal,
    Reachability,
)
from approvals.notices import occasions
from tests import world as worlds
from tests.world import World, signed_in

pytestmark = pytest.mark.django_db

INBOX, PREFERENCES = "/admin/inbox/", "/admin/preferences/"


@pytest.fixture
def world() -> World:
    return worlds.build()


@pytest.fixture
def client(world: World) -> Client:
    return signed_in(world.owner)


def text(client: Client, address: str = INBOX) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_what_waits_is_listed_with_its_link(world, client):
    proposal = world.propose(title="Move the budget")
    occasions.fan_out()
    page = text(client)
    assert "Needs your decision" in page
    assert f'href="/admin/approvals/proposal/{proposal.pk}/"' in page
    assert "Move the budget" in page
    assert "1 unread" in page


def test_reading_the_inbox_marks_nothing(world, client):
    world.propose()
    occasions.fan_out()
    for _ in range(2):
        client.get(INBOX)
        client.head(INBOX)
    assert Notice.objects.filter(person=world.owner, read_at=None).count() == 1


def test_one_is_marked_or_all_and_only_ones_own(world, client):
    for _ in range(3):
        world.propose()
    occasions.fan_out()
    first = Notice.objects.filter(person=world.owner).first()
    foreign = Notice.objects.filter(person=world.other_owner).first()
    answer = client.post(INBOX, {"notice": [str(first.pk), str(foreign.pk), "nonsense"]}, follow=True)
    assert "1 notice is marked as read." in answer.content.decode()
    assert Notice.objects.filter(read_at__isnull=False).get() == first
    client.post(INBOX, {"all": "1"})
    assert Notice.objects.filter(person=world.owner, read_at=None).count() == 0
    assert Notice.objects.filter(person=world.other_owner, read_at=None).count() == 3


def test_unread_first_and_then_the_newest(world, client):
    for number in range(3):
        world.propose(title=f"Number {number}")
    occasions.fan_out()
    occasions.mark_read(
        person=world.owner, notices=[Notice.objects.get(person=world.owner, proposal__title="Number 2").pk]
    )
    page = text(client)
    assert page.index("Number 1") < page.index("Number 0") < page.index("Number 2")


def test_what_others_settled_does_not_look_like_a_request(world, client):
    proposal = world.propose()
    occasions.fan_out()
    world.approve(proposal, by=world.other_owner)
    occasions.fan_out()
    page = text(client)
    assert "Approved by other-channel-owner" in page
    assert "Needs your decision" not in page


def test_what_one_may_not_see_any_more_is_not_listed(world, client):
    world.propose(title="A secret move")
    occasions.fan_out()
    world.owner.groups.clear()
    assert "A secret move" not in text(client)


def test_a_long_inbox_is_paged_and_asks_few_questions(world, client):
    for number in range(30):
        world.propose(title=f"Number {number:02}")
    occasions.fan_out()
    for address, shown in ((INBOX, 25), (f"{INBOX}?p=2", 5), (f"{INBOX}?p=nonsense", 25)):
        with CaptureQueriesContext(connection) as captured:
            assert text(client, address).count('class="notice ') == shown
        assert len(captured) <= 24, address


def test_the_count_of_the_unread(world):
    for _ in range(2):
        world.propose()
    occasions.fan_out()
    request = RequestFactory().get("/admin/")
    request.user = world.owner
    world.owner.has_perm("approvals.decide_proposal")  # every page knows this already
    with CaptureQueriesContext(connection) as captured:
        shown = Template("{% load notices %}{% inbox_link %}").render(
            Context({"user": world.owner, "request": request})
        )
    assert len(captured) <= 3  # the policy, the roles, and one for the counts
    assert 'href="/admin/inbox/"' in shown
    assert ">2<" in shown
    assert Template("{% load notices %}{% inbox_link %}").render(Context({})).strip() == ""


def choices(**changed: str) -> dict[str, str]:
    usual = {"time_zone": "Europe/Berlin", "quiet_from": "22:00", "quiet_until": "07:00", "daily_at": "09:30"}
    paces = {f"{kind}-{channel}": "now" for kind in NoticeKind for channel in ("inbox", "email")}
    return {**usual, **paces, **changed}


def test_preferences_are_kept_and_followed(world, client):
    User.objects.filter(pk=world.owner.pk).update(email="owner@example.com")
    sent = choices(**{"waits_for_you-email": "never", "waits_for_you-inbox": "never"})
    assert "Saved." in client.post(PREFERENCES, sent, follow=True).content.decode()
    reach = Reachability.objects.get(person=world.owner)
    assert (reach.time_zone, reach.quiet_from, reach.daily_at) == ("Europe/Berlin", time(22), time(9, 30))
    world.propose(title="Not to be told")
    occasions.fan_out()
    assert not NoticeDelivery.objects.exists()
    assert "Not to be told" not in text(client)
    page = text(client, PREFERENCES)
    assert '<option value="Europe/Berlin" selected>' in page
    assert 'value="22:00"' in page


def test_what_is_as_usual_is_not_kept(world, client):
    client.post(PREFERENCES, choices())
    kept = set(Preference.objects.values_list("kind", flat=True))
    assert "waits_for_you" not in kept
    assert "decided" in kept, "usually once a day"


@pytest.mark.parametrize(
    "wrong",
    [
        {"time_zone": "Europe/Atlantis"},
        {"quiet_from": ""},
        {"quiet_until": "25:00"},
        {"daily_at": ""},
        {"waits_for_you-email": "sometimes"},
    ],
)
def test_nonsense_is_not_kept(world, client, wrong):
    answer = client.post(PREFERENCES, choices(**wrong))
    assert (answer.status_code, "errorlist" in answer.content.decode()) == (200, True)
    assert not Reachability.objects.exists()


def test_strangers_are_sent_to_sign_in():
    for address in (INBOX, PREFERENCES):
        assert Client().get(address).status_code == 302


def test_the_inbox_of_nobody_is_friendly(world):
    assert "Nothing here yet" in text(signed_in(worlds.person("newcomer", "Legal")))
    assert not Proposal.objects.exists()


def test_channels_and_what_goes_through_them_have_names_that_people_know(world):
    root = signed_in(User.objects.create_superuser("root", password="a long enough password"))
    pager = OutsideAddress.objects.create(name="Duty pager", url="pagerduty://key@key")
    for lane in ("email", f"apprise:{pager.pk}", "apprise:999999"):
        ChannelHealth.objects.create(lane=lane)
    said = text(root, "/admin/approvals/channelhealth/")
    for name in ("E-mail", "Other services: Duty pager", "Other services: deleted"):
        assert f">{name}</a>" in said
    world.propose()
    occasions.fan_out()
    letter = NoticeDelivery.objects.get(address=pager)
    assert str(letter) == "Needs you · Other services"
    assert str(NoticeRule(kind="escalated", role_id="Legal")) == "Escalated to you · * · Legal"
