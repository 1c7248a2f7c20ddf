"""A channel is a folder and one line of the registry; everything else follows from these."""

import re
from collections.abc import Collection, Sequence
from importlib import import_module
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from approvals.messaging import registry, sending
from approvals.messaging.channel import SendingChannel
from approvals.messaging.message import Digest, Message, NotSent
from approvals.models import ASKING, NoticeDelivery, NoticeKind, Pace
from approvals.notices import channels, occasions
from tests import world as worlds
from tests.world import World

ROOT = Path(__file__).resolve().parent.parent.parent.parent
FOLDER = ROOT / "approvals" / "messaging"
EVERY = pytest.mark.parametrize("channel", registry.CHANNELS, ids=lambda channel: channel.slug)


class Pigeon(SendingChannel):
    """A channel as somebody might add it."""

    slug = "pigeon"
    label = "Carrier pigeon"
    told = Pace.NOW

    def __init__(self) -> None:
        self.sent: list[str] = []

    def reached(self, people: Sequence[User]) -> Collection[int]:
        return [person.pk for person in people]

    def send(self, row: NoticeDelivery, message: Message) -> None:
        self.sent.append(message.heading)

    def send_digest(self, row: NoticeDelivery, digest: Digest) -> None:
        self.sent.append(digest.heading)


@pytest.fixture
def world() -> World:
    cache.clear()
    return worlds.build()


@pytest.fixture
def pigeon(monkeypatch: pytest.MonkeyPatch) -> Pigeon:
    added = Pigeon()
    monkeypatch.setattr(registry, "CHANNELS", (*registry.CHANNELS, added))
    return added


def test_each_folder_with_a_channel_is_in_the_registry() -> None:
    folders = {path.parent.name for path in FOLDER.glob("*/channel.py")}
    assert folders == {channel.slug for channel in registry.CHANNELS}


def test_the_order_and_names_are_what_people_know() -> None:
    assert [channel.slug for channel in channels.personal()] == ["inbox", "email", "slack"]
    assert [channels.label(slug) for slug in ("inbox", "email", "slack", "apprise", "gone")] == [
        "Inbox", "E-mail", "Slack", "Other services", "gone",
    ]  # fmt: skip


@EVERY
def test_a_channel_stands_in_the_folder_of_its_name(channel: SendingChannel) -> None:
    assert type(channel).__module__ == f"approvals.messaging.{channel.slug}.channel"
    assert import_module(f"approvals.messaging.{channel.slug}.transport")


@EVERY
def test_a_channel_is_described_with_its_settings(channel: SendingChannel) -> None:
    assert re.search(rf"^## {channel.label}", (ROOT / "docs" / "notifications.md").read_text(), re.MULTILINE)
    configuration = (ROOT / "docs" / "configuration.md").read_text()
    assert all(f"`{name}`" in configuration for name in channel.settings)


@EVERY
def test_a_channel_asks_at_once_and_tells_at_a_pace(channel: SendingChannel) -> None:
    assert {channel.usual(kind) for kind in ASKING} == {Pace.NOW}
    assert {channel.usual(kind) for kind in NoticeKind} <= set(Pace.values)


@EVERY
@pytest.mark.django_db
def test_a_channel_refuses_who_has_no_address_for_good(world: World, channel: SendingChannel) -> None:
    proposal = world.propose()
    row = NoticeDelivery(channel=channel.slug, proposal=proposal, person=world.owner, kind="decided")
    seen = sending.composition.sight(proposal.pk, None)
    assert seen is not None
    message = sending.composition.write(row, seen, identifier="1", person=None, can_ask=False)
    with pytest.raises(NotSent) as refusal:
        channel.send(row, message)
    assert refusal.value.is_final


@pytest.mark.django_db
def test_a_new_channel_tells_people_without_any_other_change(world: World, pigeon: Pigeon) -> None:
    world.propose()
    occasions.fan_out()
    sending.deliver_due()
    assert pigeon.sent == ["Needs your decision"] * 2


@pytest.mark.django_db
def test_a_new_channel_stands_among_the_preferences_and_letters(world: World, pigeon: Pigeon) -> None:
    client = Client()
    client.force_login(world.owner)
    page = client.get("/admin/preferences/").content.decode()
    assert 'name="waits_for_you-pigeon"' in page
    admin = worlds.person("admin", permissions=("view_noticedelivery",))
    client.force_login(admin)
    assert "Carrier pigeon" in client.get("/admin/approvals/noticedelivery/").content.decode()


@pytest.mark.django_db
def test_a_notice_of_a_channel_that_is_gone_is_given_up(world: World, pigeon: Pigeon, monkeypatch) -> None:
    world.propose()
    occasions.fan_out()
    monkeypatch.setattr(registry, "CHANNELS", registry.CHANNELS[:-1])
    sending.deliver_due()
    rows = NoticeDelivery.objects.filter(channel="pigeon")
    assert {(row.status, row.last_error) for row in rows} == {("failed", "There is no such channel.")}
