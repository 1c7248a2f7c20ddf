"""How many round trips to the database a decision takes: proposal, votes, roles and policy are read once."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from approvals.lifecycle import review
from approvals.models import Callback, Proposal
from policies.models import Agent
from tests import world as worlds
from tests.world import World, person, seen

pytestmark = pytest.mark.django_db

APPROVAL = {"surface": "ads.budget", "tier": None, "approvals": 1, "denials": 1}


@pytest.fixture
def world() -> World:
    return worlds.build()


def statements(act: Callable[[], Any]) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        assert act() is not None
    return [query["sql"] for query in captured.captured_queries if "SAVEPOINT" not in query["sql"]]


def approving(proposal: Proposal, by: User) -> list[str]:
    saw, fresh = seen(proposal), User.objects.get(pk=by.pk)
    return statements(lambda: review.decide(proposal_id=proposal.pk, seen=saw, by=fresh, verdict="approve"))


def reads_of_votes(sent: list[str]) -> int:
    return sum('SELECT "approvals_decision"' in each for each in sent)


def test_a_decision_that_settles(world):
    sent = approving(world.propose(), world.owner)
    assert (len(sent), reads_of_votes(sent)) == (7, 0)


def test_a_decision_in_stages(world):
    second = APPROVAL | {"stage": 2, "name": "law", "role": "Legal"}
    world.enforce(requirements=[APPROVAL | {"stage": 1, "name": "owner", "role": worlds.OWNER}, second])
    lawyer, proposal = person("lawyer", "Legal"), world.propose()
    first = approving(proposal, world.owner)
    assert (len(first), reads_of_votes(first)) == (6, 0)
    assert reads_of_votes(approving(proposal, lawyer)) == 1
    assert Proposal.objects.get().state == "approved"


@pytest.mark.parametrize("when", ["every", "decided", "settled"])
def test_telling_its_agent_takes_no_more(world, when):
    Agent.objects.update(callback_hosts=["127.0.0.1"])
    world.agent.refresh_from_db()
    proposal = world.propose(callback_url="http://127.0.0.1:9/hooks", callback_when=when)
    assert len(approving(proposal, world.owner)) == 7
    assert Callback.objects.count() == (when != "settled")


def test_telling_its_agent_of_an_edit_takes_one_more(world):
    Agent.objects.update(callback_hosts=["127.0.0.1"])
    world.agent.refresh_from_db()
    proposal = world.propose(callback_url="http://127.0.0.1:9/hooks")
    edited = review.edit(proposal_id=proposal.pk, seen=seen(proposal), by=world.owner, payload={"amount": 1})
    assert len(approving(edited, world.other_owner)) == 8


def asking(client: Client, proposal: Proposal, **words: str) -> list[str]:
    """Let the client decide over the API; return what the database was asked, COMMIT included; BEGIN goes along."""
    revision = {"revision": proposal.revision.number, "digest": proposal.revision.digest}
    with CaptureQueriesContext(connection) as captured:
        answer = client.post(
            f"/api/v1/proposals/{proposal.pk}/decisions/", json.dumps(revision | words), content_type="application/json"
        )
    assert answer.status_code == 200, answer.content
    return [query["sql"] for query in captured.captured_queries]


APPROVE, REJECT = {"verdict": "approve"}, {"verdict": "reject", "reason_code": "inaccurate"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("words", [pytest.param(APPROVE, id="approve"), pytest.param(REJECT, id="reject")])
@pytest.mark.parametrize("undone", [pytest.param(False, id="first"), pytest.param(True, id="after-an-undo")])
def test_a_decision_over_the_api(world, words, undone):
    client = Client()
    client.force_login(world.owner)
    asking(client, world.propose(), **words)  # the session is noted once a minute
    proposal = world.propose(targets=("campaign:search",))
    if undone:
        review.undo(proposal_id=world.approve(proposal).pk, by=world.owner)
    sent = asking(client, proposal, **words)
    gives_up = words is REJECT  # what it held of targets and limits
    assert (len(sent), reads_of_votes(sent)) == (9 + undone + gives_up, undone), sent
    assert sent.count("COMMIT") == 1
    assert "BEGIN" not in sent


@pytest.mark.django_db(transaction=True)
def test_the_answer_to_a_decision_is_what_is_stored(world):
    client = Client()
    client.force_login(world.owner)
    proposal = world.propose(content={"amount": 12.5, "rollback": {"amount": 1}})
    review.undo(proposal_id=world.approve(proposal).pk, by=world.owner)
    address, sent = f"/api/v1/proposals/{proposal.pk}/", {"revision": 1, "digest": proposal.revision.digest} | APPROVE
    decided = client.post(f"{address}decisions/", json.dumps(sent), content_type="application/json")
    stored = client.get(address)
    assert decided.json() == stored.json()
    assert decided["ETag"] == stored["ETag"]


def test_a_step_writes_only_the_columns_that_it_changes(world):
    sent = approving(world.propose(), world.owner)
    (update,) = (each for each in sent if each.startswith('UPDATE "approvals_proposal"'))
    written = update.partition(" WHERE ")[0]
    assert written.count(" = ") == 4, written
    assert all(column in written for column in ("state", "release_at", "approved_digest", "updated_at"))


def test_the_field_history_names_who_decided_and_what_it_is_now(world, client):
    client.force_login(world.owner)
    proposal = world.propose()
    asking(client, proposal, **APPROVE)
    first, last = proposal.history.order_by("history_id")
    assert (first.history_type, first.state, first.history_user) == ("+", "pending", None)
    assert (last.history_type, last.state, last.history_user) == ("~", "approved", world.owner)
    assert last.approved_digest == proposal.revision.digest


@pytest.mark.django_db(transaction=True)
def test_a_decision_on_the_desk_with_the_next_proposal(world):
    client = Client()
    client.force_login(world.owner)
    proposals = [world.propose() for _ in range(3)]
    deciding_on_the_desk(client, proposals[0])
    sent = deciding_on_the_desk(client, proposals[1])
    first = next(number for number, sql in enumerate(sent) if "FOR UPDATE" in sql)
    deciding = sent[first : sent.index("COMMIT") + 1]
    assert len(deciding) <= 7, deciding
    assert len(sent) <= 22, sent


def deciding_on_the_desk(client: Client, proposal: Proposal) -> list[str]:
    form = {"verdict": "approve", "revision": proposal.revision.number, "digest": proposal.revision.digest}
    with CaptureQueriesContext(connection) as captured:
        answer = client.post(f"/admin/desk/{proposal.pk}/decide/", form, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    return [query["sql"] for query in captured.captured_queries]
