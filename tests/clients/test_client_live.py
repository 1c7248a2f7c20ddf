"""The client against the portal itself, over HTTP."""

import json
import threading
import time

import httpx
import pytest
from pytest_django.live_server_helper import LiveServer

from approvals.models import Proposal as Stored
from hitl_portal import CallRefused, Portal, ProposalRejected, ProposalReturned, WaitTimedOut, verified_callback
from hitl_portal.cli import doctor
from hitl_portal.cli.main import main
from policies.models import Agent, Connector, Mandate
from policies.registry import agents
from tests import world as worlds
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)
SENT = {
    "surface": "crm.segments",
    "action": "resize",
    "title": "Resize the segment",
    "payload": {"size": 4000},
    "confidence": 0.95,
}


@pytest.fixture
def world(live_server: LiveServer) -> World:
    made = worlds.build()
    executor = Agent.objects.create(slug="runner", name="Runner", owner=made.owner)
    made.connector = Connector.objects.create(slug="crm", kind="pull", executor=executor)
    made.surface("crm.segments", "single")
    made.surface("crm.logs", "autopilot", floor_id="autopilot")
    return made


def portal_of(agent: Agent, live_server: LiveServer) -> Portal:
    return Portal(live_server.url, agents.issue_key(agent=agent, by=None).text)


@pytest.fixture
def portal(world: World, live_server: LiveServer):
    with portal_of(world.agent, live_server) as portal:
        yield portal


@pytest.fixture
def executing(world: World, live_server: LiveServer):
    with portal_of(Agent.objects.get(slug="runner"), live_server) as portal:
        yield portal


def stored(proposal) -> Stored:
    return Stored.objects.get(pk=proposal.id)


def test_a_governed_call_ships_what_a_person_has_made_of_it(world, portal, executing):
    @portal.governed(
        surface="crm.segments", action="resize", title="Resize to {size}", fields={"confidence": 0.9}, wait=20
    )
    def resize(size: int) -> str:
        raise AssertionError("the portal ships")

    def people() -> None:
        proposal = waiting_for(Stored.objects.filter(title="Resize to 4000"))
        world.approve(proposal, comment="Fine.")
        executor = executing.executor({("crm.segments", "resize"): lambda work: {"resized": work.payload["size"]}})
        while not executor.run_once():
            time.sleep(0.05)

    person = threading.Thread(target=people)
    person.start()
    answer = resize(4000)
    person.join()
    assert answer == ('Done: “Resize to 4000” was approved and has shipped. The answer was: {"resized": 4000}.')
    assert resize(4000) == answer
    assert Stored.objects.count() == 1


def waiting_for(rows) -> Stored:
    while (found := rows.first()) is None:
        time.sleep(0.05)
    return found


def test_a_rejection_is_told_and_a_return_can_be_answered(world, portal):
    proposal = portal.propose(**SENT)
    assert portal.propose(**SENT).is_replayed
    world.decide(stored(proposal), "send_back", comment="Smaller.")
    with pytest.raises(ProposalReturned, match="Smaller"):
        portal.wait(proposal, timeout=0)
    revised = portal.revise(portal.get(proposal), {"size": 10}, note="As you say.")
    assert (revised.state, revised.revision) == ("pending", 2)
    world.decide(stored(proposal), "reject", comment="No.", reason_code="other")
    with pytest.raises(ProposalRejected, match="No"):
        portal.wait(proposal, timeout=0)


def test_silence_times_out_and_then_expires_and_is_never_consent(world, portal):
    proposal = portal.propose(**SENT)
    with pytest.raises(WaitTimedOut):
        portal.wait(proposal, timeout=0.1)
    assert portal.withdraw(proposal).state == "withdrawn"
    with pytest.raises(ProposalRejected, match="withdrawn"):
        portal.wait(proposal.id)


def test_evaluating_and_listing_surfaces_store_nothing(world, portal):
    assert portal.evaluate(**SENT).outcome == "require_approval"
    assert {surface["slug"] for surface in portal.surfaces()} >= {"crm.segments", "ads.budget"}
    assert not Stored.objects.exists()


def test_what_the_surface_does_not_take_is_refused_with_its_field(world, portal):
    with pytest.raises(CallRefused) as refused:
        portal.propose(**SENT, currency="XXY")
    assert refused.value.errors[0]["pointer"] == "/currency"
    assert "/currency" in str(refused.value)


def test_the_executor_does_what_it_names_and_refuses_the_rest(world, portal, executing):
    for name in ("one", "two"):
        made = portal.propose(**{**SENT, "action": name, "payload": {"name": name}})
        world.approve(stored(made))
    ran: list[str] = []
    executor = executing.executor({("crm.segments", "one"): lambda work: ran.append(work.payload["name"])})
    assert [executor.run_once() for _ in range(3)] == [True, True, False]
    assert ran == ["one"]
    states = dict(Stored.objects.values_list("action", "state"))
    assert states == {"one": "shipped", "two": "failed"}


def test_the_doctor_names_what_is_wrong(world, portal, live_server, monkeypatch, capsys):
    monkeypatch.setenv("HITL_PORTAL_URL", live_server.url)
    monkeypatch.setenv("HITL_PORTAL_KEY", portal.configuration.key)
    assert main(["doctor"]) == 0
    told = capsys.readouterr().out
    assert "The key is live." in told and "May propose on crm.segments (single, Channel owner decides)." in told
    assert portal.configuration.key not in told

    monkeypatch.setenv("HITL_PORTAL_KEY", "hitl_unknown")
    assert main(["doctor"]) == 1
    assert "not a live one" in capsys.readouterr().out

    monkeypatch.setenv("HITL_PORTAL_KEY", portal.configuration.key)
    Mandate.objects.filter(agent=world.agent).delete()
    assert main(["doctor"]) == 1
    assert "no mandate" in capsys.readouterr().out

    monkeypatch.setenv("HITL_PORTAL_URL", "http://127.0.0.1:9")
    assert main(["doctor"]) == 1
    assert "does not answer" in capsys.readouterr().out


def test_the_doctor_reads_the_clock():
    late = httpx.Response(200, headers={"Date": "Sat, 01 Jan 2000 00:00:00 GMT"})
    assert not doctor._clock(late).is_well


def test_the_command_proposes_waits_and_shows(world, portal, live_server, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HITL_PORTAL_URL", live_server.url)
    monkeypatch.setenv("HITL_PORTAL_KEY", portal.configuration.key)
    file = tmp_path / "proposal.json"
    file.write_text(json.dumps(SENT))
    assert main(["propose", str(file)]) == 0
    identifier, state = capsys.readouterr().out.split()[:2]
    assert state == "pending"
    assert main(["wait", identifier, "--timeout", "0"]) == 5
    world.decide(Stored.objects.get(), "reject", comment="No.", reason_code="other")
    assert main(["wait", identifier]) == 3
    assert "No." in capsys.readouterr().err
    assert main(["status", identifier]) == 0
    assert "rejected" in capsys.readouterr().out
    assert main(["status", "01934f6e-0000-7000-8000-000000000000"]) == 1
    stream = tmp_path / "stream.jsonl"
    stream.write_text("".join(json.dumps({**SENT, "payload": {"n": n}}) + "\n" for n in range(3)))
    assert main(["play", str(stream)]) == 0
    assert "state pending 3" in capsys.readouterr().out


def test_a_callback_of_the_portal_verifies(world):
    from approvals.outbox import signing  # noqa: PLC0415  # beside the one test that signs

    body = json.dumps({"type": "proposal.approved", "data": {}}).encode()
    headers = signing.json_headers(world.agent.callback_secret, message_id="m1", body=body)
    assert verified_callback(world.agent.callback_secret, headers, body)["type"] == "proposal.approved"
