"""What the demo's agents say makes sense to the portal."""

from datetime import timedelta
from itertools import islice

import pytest
from django.contrib.auth.models import User
from django.test import Client

from approvals.models import Notice, Proposal, Timer
from approvals.notices import occasions
from hitlportal.demo import agents as agents_of_the_demo
from hitlportal.demo import stage
from hitlportal.demo.memory import Folder, Memory
from hitlportal.demo.scenario import proposals
from policies.models import Connector, Tier
from policies.publishing.publish import active_policy
from policies.registry import agents

pytestmark = pytest.mark.django_db
HOLD = timedelta(seconds=20)
UNDO = timedelta(seconds=10)


@pytest.fixture
def memory() -> Memory:
    memory = Memory(executor_port=9)
    stage.prepare(memory, hold=HOLD, undo=UNDO)
    return memory


def propose(memory: Memory, act: proposals.Act) -> dict:
    answer = Client().post(
        "/api/v1/proposals/",
        agents_of_the_demo.body(act),
        content_type="application/json",
        headers={"Authorization": f"Bearer {memory.keys[act.agent]}"},
    )
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_the_opening_shows_one_proposal_of_each_fate(memory):
    fates = [(act.name, propose(memory, act)) for act in proposals.opening()]
    assert [(name, said["state"], said["verdict"]["tier"]) for name, said in fates] == [
        ("creative", "approved", "monitored"),
        ("budget", "pending", "single"),
        ("price", "pending", "signature"),
        ("segment", "blocked", None),
    ]


@pytest.mark.parametrize(
    ("acts", "soon"),
    [
        pytest.param(proposals.opening, timedelta(minutes=3), id="a-person-decides-first"),
        pytest.param(proposals.rehearsed, timedelta(seconds=5), id="nobody-waits-in-a-rehearsal"),
    ],
)
def test_a_price_wants_two_people_and_calls_the_executive_soon(memory, acts, soon):
    said = propose(memory, next(act for act in acts() if act.name == "price"))
    proposal = Proposal.objects.get(pk=said["id"])
    assert proposal.distinct_people
    assert [(row["name"], row["role"]) for row in proposal.requirements] == [
        ("Finance", "Finance"),
        ("Product", "Product"),
    ]
    timer = Timer.objects.get(proposal=proposal, kind=Timer.Kind.LEVEL)
    assert (timer.role, timer.widens) == ("Executive", True)
    assert timer.due_at - proposal.created_at == pytest.approx(soon, abs=timedelta(seconds=1))


def test_anyone_who_has_to_sign_a_price_is_told_and_can_be_reached(memory):
    said = propose(memory, next(act for act in proposals.opening() if act.name == "price"))
    occasions.fan_out()
    told = Notice.objects.filter(proposal=said["id"]).values_list("person__email", flat=True)
    assert {*told} == {"manager@shop.example", "product@shop.example", "finance@shop.example"}


def test_a_second_price_is_for_the_rehearsal_only(memory):
    names = [act.name for act in proposals.rehearsed()]
    assert names == [*(act.name for act in proposals.opening()), "team price"]
    assert propose(memory, proposals.rehearsed()[-1])["verdict"]["tier"] == "signature"


def test_everything_after_it_is_taken_too_and_can_be_revised(memory):
    for act in islice(proposals.further(), 48):
        assert propose(memory, act)["state"] in {"approved", "pending"}, act.name


def test_preparing_again_keeps_what_works_and_repairs_what_does_not(memory):
    keys, passwords = dict(memory.keys), dict(memory.passwords)
    memory.executor_port = 10
    stage.prepare(memory, hold=HOLD, undo=UNDO)
    assert (memory.keys, memory.passwords) == (keys, passwords)
    assert Connector.objects.get().url == "http://127.0.0.1:10/actions"
    assert Connector.objects.get().secret == memory.executor_secret

    forgetful = Memory(executor_port=10)
    stage.prepare(forgetful, hold=HOLD, undo=UNDO)
    for slug, key in forgetful.keys.items():
        assert agents.authenticate(key).agent_id == slug
        assert agents.authenticate(keys[slug]) is None
    for username, password in forgetful.passwords.items():
        assert User.objects.get(username=username).check_password(password)


def test_the_hold_is_short_in_the_policy_that_is_in_force(memory):
    assert Tier.objects.get(slug="monitored").hold == HOLD
    assert active_policy().tiers["monitored"].hold == HOLD


def test_anyone_who_decides_owns_no_agent(memory):
    assert not User.objects.get(username=stage.MANAGER).agents.exists()
    assert not User.objects.get(username=stage.ADMIN).has_perm("approvals.decide_proposal")
    assert not User.objects.filter(is_superuser=True).exists()


def test_a_damaged_memory_is_an_empty_one(tmp_path):
    folder = Folder(tmp_path)
    assert folder.load() == Memory()
    folder.save(Memory(portal="http://127.0.0.1:8000"))
    assert folder.load().portal == "http://127.0.0.1:8000"
    folder.memory.write_text("{")
    assert folder.load() == Memory()
