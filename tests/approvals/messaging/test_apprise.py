"""Other services, told through Apprise; the service is a stand-in on this machine."""

import json

import pytest
from apprise import Apprise
from apprise.plugins.discord import NotifyDiscord
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from approvals.messaging import sending
from approvals.messaging.apprise import addresses, transport
from approvals.messaging.apprise.addresses import AddressRefused
from approvals.models import ChannelHealth, NoticeDelivery, NoticeRule, OutsideAddress
from approvals.notices import occasions
from audit.models import Entry
from policies.models import Surface
from tests import world as worlds
from tests.approvals.far_side import answering
from tests.approvals.outbox.servers import answer
from tests.world import World

pytestmark = pytest.mark.django_db

DISCORD = "discord://1234567890/a-very-secret-token"
ADMIN = "/admin/approvals/outsideaddress/"


@pytest.fixture
def world() -> World:
    return worlds.build()


@pytest.fixture
def root() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.mark.parametrize(
    "url",
    [
        DISCORD,
        "workflows://prod-1.westeurope.logic.azure.com:443/workflow/signature",
        "discord://1/2?thread=7",
    ],
)
def test_services_with_hosts_of_their_own_are_allowed(url):
    assert addresses.check(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "file:///etc/passwd",
        "json://127.0.0.1/hook",
        "xml://127.0.0.1",
        "form://127.0.0.1",
        "syslog://",
        "dbus://",
        "gnome://",
        "windows://",
        "macosx://",
        "exec://rm",
        "mailto://user:password@example.com",
        "apprise://127.0.0.1/token",
        "https://discord.com/api/webhooks/1/2",
        "discord://1/2?template=/etc/passwd",
        "discord://1/2?attach=/etc/passwd",
        "discord://1/2?verify=no",
        "discord://1/2?Redirect=yes",
        "workflows://127.0.0.1/workflow/signature",
        "workflows://logic.azure.com.example.com/workflow/signature",
        "workflows://[::1/x",
        "discord://1/2\n",
        "DISCORD ://1/2",
        "d" * 1001,
    ],
)
def test_what_reads_files_runs_commands_or_goes_anywhere_is_refused(url):
    with pytest.raises(AddressRefused) as refused:
        addresses.check(url)
    assert not url or url not in str(refused.value)


def test_every_service_on_the_list_is_one_that_apprise_knows():
    known = {scheme for plugin in Apprise().details()["schemas"] for scheme in plugin["secure_protocols"] or ()}
    assert set(addresses.SERVICES) <= known


def test_an_address_is_told_passively(world, monkeypatch):
    OutsideAddress.objects.create(name="Team", url=DISCORD)
    with answering(answer(204)) as far:
        monkeypatch.setattr(NotifyDiscord, "notify_url", far.url)
        proposal = world.propose(title="Move the budget")
        occasions.fan_out()
        sending.deliver_due()
    body = json.loads(far.seen[0].body)
    assert "For your information: needs Channel owner" in json.dumps(body, ensure_ascii=False)
    assert f"/admin/approvals/proposal/{proposal.pk}/" in json.dumps(body)
    assert "/decide/" not in json.dumps(body)
    assert NoticeDelivery.objects.get(channel="apprise").status == "delivered"


def test_kinds_and_surfaces_narrow_what_it_is_told(world):
    one = OutsideAddress.objects.create(name="Failures", url=DISCORD, kinds=["failed"])
    two = OutsideAddress.objects.create(name="Prices", url=DISCORD)
    two.surfaces.add(Surface.objects.get(pk="pricing"))
    OutsideAddress.objects.create(name="Off", url=DISCORD, is_enabled=False)
    world.propose()
    world.propose("pricing")
    occasions.fan_out()
    row = NoticeDelivery.objects.get(channel="apprise")
    assert (row.address, row.proposal.surface_id) == (two, "pricing")
    assert one.kinds == ["failed"]


def test_a_dead_service_rests_alone(world, monkeypatch):
    for name in ("Dead", "Alive"):
        OutsideAddress.objects.create(name=name, url=DISCORD)
    with answering(answer(500), answer(204)) as far:
        monkeypatch.setattr(NotifyDiscord, "notify_url", far.url)
        world.propose()
        occasions.fan_out()
        sending.deliver_due()
    assert sorted(NoticeDelivery.objects.values_list("status", flat=True)) == ["delivered", "waiting"]
    assert ChannelHealth.objects.filter(failures=1, lane__startswith="apprise:").count() == 1


def test_it_follows_nobody_elsewhere(monkeypatch):
    with answering(answer(302, b"", "Location: http://127.0.0.1:9/internal")) as far:
        monkeypatch.setattr(NotifyDiscord, "notify_url", far.url)
        plugin = transport._plugin(DISCORD)
        assert plugin.notify(body="x", title="y") is False
        assert len(far.seen) == 1


def test_an_administrator_enters_an_address_that_never_comes_out_again(world, root):
    answer_ = root.post(f"{ADMIN}add/", {"name": "Team", "address": DISCORD, "is_enabled": "on"}, follow=True)
    assert answer_.status_code == 200
    row = OutsideAddress.objects.get()
    assert row.url == DISCORD
    with connection.cursor() as cursor:
        cursor.execute("SELECT url FROM approvals_outsideaddress")
        assert "secret" not in cursor.fetchone()[0]
    for address in (ADMIN, f"{ADMIN}{row.pk}/change/", f"{ADMIN}{row.pk}/history/"):
        page = root.get(address).content.decode()
        assert "a-very-secret-token" not in page
        assert "Discord" in page or address != ADMIN
    root.post(f"{ADMIN}{row.pk}/change/", {"name": "Others", "address": "", "kinds": ["failed"]})
    row.refresh_from_db()
    assert (row.name, row.url, row.kinds, row.is_enabled) == ("Others", DISCORD, ["failed"], False)
    entries = Entry.objects.filter(subject=f"outsideaddress:{row.pk}")
    assert entries.count() == 2
    assert "secret" not in str([*entries.values()])


@pytest.mark.parametrize("url", ["json://127.0.0.1/", "discord://1", "discord://1/2?verify=no"])
def test_a_refused_address_is_not_kept(world, root, url):
    page = root.post(f"{ADMIN}add/", {"name": "Team", "address": url, "is_enabled": "on"})
    assert "errorlist" in page.content.decode()
    assert not OutsideAddress.objects.exists()


def test_dead_letters_and_channels_are_shown(world, root):
    OutsideAddress.objects.create(name="Team", url="discord://")
    proposal = world.propose(title="Move the budget")
    occasions.fan_out()
    sending.deliver_due()
    page = root.get("/admin/approvals/noticedelivery/?letters=dead").content.decode()
    assert "Move the budget" in page
    assert "The address is not complete." in page
    world.approve(proposal)
    ChannelHealth.objects.create(lane="email", failures=3, last_error="The mail server cannot be used.")
    assert "The mail server cannot be used." in root.get("/admin/approvals/channelhealth/").content.decode()


def test_an_administrator_says_who_is_told(world, root):
    sent = {"kind": "decided", "surface": "", "role": worlds.OWNER}
    root.post("/admin/approvals/noticerule/add/", sent)
    assert NoticeRule.objects.get().is_told is False
    assert Entry.objects.filter(kind="noticerule.added").exists()
