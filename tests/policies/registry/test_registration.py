"""Registering agents, through the command."""

import re

import pytest
from django.core.management import CommandError, call_command

from audit.models import Entry
from policies.models import Agent, Connector, KillSwitch, Mandate
from policies.registry import agents
from tests import world as worlds
from tests.world import person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def portal():
    worlds.bootstrap()
    person("olga")


def create(*words: str) -> None:
    call_command("create_agent", "pacer", "--owner", "olga", *words)


def test_an_agent_gets_its_mandates_and_one_key_that_opens(capsys):
    create("--surface", "ads.budget:single", "--surface", "email.lifecycle:batch", "--callback-host", "Agents.Test")
    out = capsys.readouterr().out
    key = re.search(r"hitl_\S+", out)[0]
    assert agents.authenticate(key).agent_id == "pacer"
    agent = Agent.objects.get()
    assert agent.callback_hosts == ["agents.test"]
    assert agent.callback_secret in out
    assert set(Mandate.objects.values_list("surface_id", "tier_id")) == {
        ("ads.budget", "single"),
        ("email.lifecycle", "batch"),
    }
    assert KillSwitch.objects.filter(scope="agent:pacer").exists()
    assert list(Entry.objects.filter(subject="agent:pacer").order_by("id").values_list("kind", flat=True)) == [
        "agent.registered",
        "agent.key_issued",
    ]
    assert key not in str(list(Entry.objects.values()))


def test_the_same_name_twice_says_what_to_do():
    create()
    with pytest.raises(CommandError, match=r"already.*in the admin"):
        create()
    assert Agent.objects.count() == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--surface", "ads.nowhere:single"], r"no surface ads.nowhere. There are: ads.bids, ads.budget, ads"),
        (["--surface", "ads.budget:lax"], r"no tier lax. There are: autopilot, batch"),
        (["--surface", "ads.budget:monitored"], r"starts in the loop. Begin with batch"),
        (["--surface", "ads.budget"], r"SURFACE:TIER"),
        (["--surface", "ads.budget:single", "--surface", "ads.budget:batch"], r"named twice"),
        (["--callback-host", "https://agents.test/x"], r"no host name"),
        (["--owner", "nobody"], r"no active user nobody"),
        (["--executes", "Not A Slug"], r"small letters"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_kept(words, says):
    with pytest.raises(CommandError, match=says):
        create(*words)
    assert not Agent.objects.exists()
    assert not Connector.objects.exists()


def test_an_executor_gets_a_pull_connector_of_its_own():
    create("--executes", "crm-writer")
    connector = Connector.objects.get()
    assert (connector.kind, connector.executor_id) == ("pull", "pacer")
    with pytest.raises(CommandError, match="change its executor"):
        call_command("create_agent", "other", "--owner", "olga", "--executes", "crm-writer")
    assert not Agent.objects.filter(slug="other").exists()
