"""Every entry of the ledger names the request, task or command that it comes from, and the trace behind it."""

import re

import pytest
from django.core.management import call_command

from approvals import tasks
from approvals.models import Proposal
from approvals.shipping import claims, dispatches
from audit.clock import database_now
from audit.ledger import entries
from audit.ledger.entries import SYSTEM, Cause
from audit.models import Entry
from hitlportal.apps import command_of
from hitlportal.environment.schedule import SWEEPS
from hitlportal.processes import sweeping
from tests import world as worlds
from tests.approvals.api.conftest import SENT, agent_api, decision, person_api
from tests.world import signed_in

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
EXPIRY = [sweep for sweep in SWEEPS if sweep.task == "approvals.tasks.expire_overdue"]


@pytest.fixture
def world(db):
    return worlds.build()


@pytest.fixture
def api(world):
    return agent_api(world.agent)


def newest(kind):
    return Entry.objects.filter(kind=kind).latest("id")


def overdue(world):
    proposal = world.propose(traceparent=TRACEPARENT)
    Proposal.objects.filter(pk=proposal.pk).update(deadline_at=database_now())
    return proposal


def test_an_agents_call_names_its_request_and_trace(api):
    answer = api.post("proposals/", SENT, traceparent=TRACEPARENT)
    entry = newest("proposal.submitted")
    assert re.fullmatch("[0-9a-f]{32}", entry.request_id)
    assert (answer["X-Request-Id"], entry.trace_id) == (entry.request_id, TRACE)


@pytest.mark.parametrize("header", ["", "00-zz-00f067aa0ba902b7-01", f"00-{'0' * 32}-00f067aa0ba902b7-01"])
def test_a_malformed_trace_is_none(api, header):
    api.post("proposals/", SENT, traceparent=header)
    assert newest("proposal.submitted").trace_id == ""


def test_each_request_has_an_id_of_its_own(api):
    answers = [api.post("proposals/", SENT | {"payload": {"amount": number}}) for number in (1, 2)]
    assert len({answer["X-Request-Id"] for answer in answers}) == 2
    assert {answer["X-Request-Id"] for answer in answers} == {*Entry.objects.filter(
        kind="proposal.submitted").values_list("request_id", flat=True)}  # fmt: skip


def test_a_decision_names_its_request_and_the_proposals_trace(world, api):
    shown = api.post("proposals/", SENT, traceparent=TRACEPARENT).json()
    answer = person_api(world.owner).post(f"proposals/{shown['id']}/decisions/", decision(shown))
    entry = newest("proposal.decided")
    assert (entry.request_id, entry.trace_id) == (answer["X-Request-Id"], TRACE)


def test_a_page_names_its_request(world):
    person = worlds.person("stopper", permissions=("engage_killswitch",))
    answer = signed_in(person).post("/admin/switches/engage/", {"scope": "everywhere", "reason": "To look."})
    assert newest("kill_switch.engaged").request_id == answer["X-Request-Id"]


def test_what_follows_of_a_proposal_names_its_trace(world):
    world.approve(world.propose(traceparent=TRACEPARENT))
    claim = claims.claim_next(worker="test", kind="webhook")
    dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={})
    told = Entry.objects.filter(subject=f"proposal:{claim.dispatch.proposal_id}").values_list("kind", "trace_id")
    assert [kind for kind, _trace in told.order_by("id")] == [
        "proposal.submitted", "proposal.decided", "dispatch.claimed", "proposal.shipped",
    ]  # fmt: skip
    assert {trace for _kind, trace in told} == {TRACE}


def test_a_trace_of_the_request_itself_goes_before(world):
    proposal = world.propose(traceparent=TRACEPARENT)
    with entries.caused_by(Cause("1", "a" * 32)):
        world.approve(proposal)
    assert newest("proposal.decided").trace_id == "a" * 32


@pytest.mark.django_db(transaction=True)
def test_a_task_is_named_by_its_id(world):
    overdue(world)
    done = tasks.TASKS["expire_overdue"].apply()
    entry = newest("proposal.expired")
    assert (entry.request_id, entry.trace_id) == (f"task:{done.id}", TRACE)
    assert world.propose()
    assert newest("proposal.submitted").request_id == ""


def test_a_sweep_is_named(world):
    overdue(world)
    sweeping.sweep(EXPIRY)
    assert re.fullmatch("sweep:expire_overdue:[0-9a-f]{16}", newest("proposal.expired").request_id)


@pytest.fixture
def _as_a_command(monkeypatch):
    monkeypatch.setattr(entries, "_process", [Cause()])
    entries.begin_process(Cause.run("command", "ledger"))


@pytest.mark.django_db
@pytest.mark.usefixtures("_as_a_command")
def test_a_command_is_named():
    call_command("ledger", "verify")
    assert re.fullmatch("command:ledger:[0-9a-f]{16}", newest("ledger.verified").request_id)


@pytest.mark.usefixtures("_as_a_command")
def test_a_request_in_a_process_of_a_command_is_named_by_itself(api):
    answer = api.post("proposals/", SENT)
    assert newest("proposal.submitted").request_id == answer["X-Request-Id"]


def test_the_longest_name_fits():
    cause = Cause.run("command", "c" * 60)
    assert len(cause.request_id) == Entry._meta.get_field("request_id").max_length


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["manage.py", "ledger", "verify"], "ledger"),
        (["/srv/portal/manage.py", "kill_switch"], "kill_switch"),
        (["manage.py"], None),
        (["manage.py", "--help"], None),
        (["manage.py", "a b"], None),
        (["pytest", "tests"], None),
        ([], None),
    ],
)
def test_commands_are_told_from_other_programs(words, command):
    assert command_of(words) == command


@pytest.mark.django_db
def test_a_cause_ends_with_its_block():
    with entries.caused_by(Cause("outer")):
        with pytest.raises(ZeroDivisionError), entries.caused_by(Cause("inner")):
            raise ZeroDivisionError
        entry = entries.record("portal.second_person", subject="portal:people", actor=SYSTEM, at=database_now())
    assert entry.request_id == "outer"
