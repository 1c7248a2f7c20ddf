"""Agents' keys: 256 bits, shown once, kept as a hash."""

from datetime import timedelta

import pytest

from audit.clock import database_now
from audit.models import Entry
from policies.models import ApiKey
from policies.registry import agents
from policies.registry.agents import KEY_FORMAT, TooManyKeys
from tests import world as worlds
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return worlds.build()


def test_a_key_opens_the_api_and_its_text_is_kept_nowhere(world):
    issued = agents.issue_key(agent=world.agent, by=world.agent.owner)
    assert KEY_FORMAT.fullmatch(issued.text)
    assert agents.authenticate(issued.text).agent == world.agent
    stored = ApiKey.objects.values().get()
    assert issued.text not in repr(stored)
    assert issued.text.rsplit("_", 1)[1] not in repr(stored)
    assert len(bytes(stored["secret_hash"])) == 32
    assert issued.text not in repr(list(Entry.objects.values()))


def wrong_keys(text: str) -> list[str]:
    changed = text[:-1] + ("A" if text[-1] != "A" else "B")
    return [
        changed,
        "",
        "hitl_",
        text[:-1],
        text + "A",
        " " + text,
        text + "\n",
        text.upper(),
        text.replace("hitl_", ""),
    ]


def test_any_other_text_does_not(world):
    issued = agents.issue_key(agent=world.agent, by=world.agent.owner)
    for wrong in wrong_keys(issued.text):
        assert agents.authenticate(wrong) is None


def test_a_prefix_that_does_not_exist_costs_one_query_too(world, django_assert_num_queries):
    issued = agents.issue_key(agent=world.agent, by=world.agent.owner)
    with django_assert_num_queries(1):
        assert agents.authenticate(issued.text.replace(issued.key.prefix, "a" * 10)) is None
    with django_assert_num_queries(1):
        assert agents.authenticate(issued.text) is not None


def test_keys_end_by_revocation_and_by_time(world):
    revoked = agents.issue_key(agent=world.agent, by=world.agent.owner)
    agents.revoke_key(key=revoked.key, by=world.owner)
    agents.revoke_key(key=revoked.key, by=world.owner)
    assert agents.authenticate(revoked.text) is None
    assert Entry.objects.filter(kind="agent.key_revoked").count() == 1

    ending = agents.issue_key(agent=world.agent, by=world.agent.owner, expires_at=database_now() + timedelta(hours=1))
    assert agents.authenticate(ending.text) is not None
    ApiKey.objects.filter(pk=ending.key.pk).update(expires_at=database_now())
    assert agents.authenticate(ending.text) is None


def test_two_live_keys_and_no_more(world):
    first = agents.issue_key(agent=world.agent, by=None)
    agents.issue_key(agent=world.agent, by=None)
    with pytest.raises(TooManyKeys):
        agents.issue_key(agent=world.agent, by=None)
    agents.revoke_key(key=first.key, by=world.owner)
    assert agents.issue_key(agent=world.agent, by=None)


def test_use_is_written_down_once_a_minute(world, django_assert_num_queries):
    key = agents.issue_key(agent=world.agent, by=None).key
    at = database_now()
    agents.note_use(key, at=at)
    key.refresh_from_db()
    with django_assert_num_queries(0):
        agents.note_use(key, at=at + timedelta(seconds=59))
    agents.note_use(key, at=at + timedelta(seconds=60))
    key.refresh_from_db()
    assert key.last_used_at == at + timedelta(seconds=60)


def test_suspending_twice_tells_once(world):
    agents.suspend(agent=world.agent, by=world.owner)
    agents.suspend(agent=world.agent, by=world.owner)
    assert Entry.objects.filter(kind="agent.status_changed").count() == 1
