"""The Idempotency-Key: one request, one effect, one answer."""

import json
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client

from approvals import tasks
from approvals.api.http import idempotency
from approvals.models import IdempotentAnswer, Proposal
from audit.models import Entry
from tests import world as worlds
from tests.approvals.api.conftest import SENT, Api, agent_api, problem


def test_the_first_answer_is_repeated_byte_for_byte(agent: Api) -> None:
    first = agent.post("proposals/", SENT, Idempotency_Key="k1")
    again = agent.post("proposals/", SENT, Idempotency_Key="k1")

    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert (again["ETag"], again["Location"]) == (first["ETag"], first["Location"])
    assert again["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first
    assert Proposal.objects.count() == 1


def test_another_body_or_another_call_under_the_same_key_is_refused(agent: Api) -> None:
    shown = agent.post("proposals/", SENT, Idempotency_Key="k1").json()
    problem(agent.post("proposals/", SENT | {"title": "x"}, Idempotency_Key="k1"), 422, "idempotency_key_reused")
    answer = agent.post(f"proposals/{shown['id']}/withdraw/", Idempotency_Key="k1")
    problem(answer, 422, "idempotency_key_reused")


def test_the_same_json_written_differently_is_the_same_request(agent: Api) -> None:
    first = agent.post("proposals/", SENT, Idempotency_Key="k1")
    reordered = dict(reversed(SENT.items())) | {"payload": {"amount": 4000.0, "to": "social", "from": "search"}}
    for body in (json.dumps(reordered, indent=4), json.dumps(SENT).replace("$", "\\u0024")):
        again = agent.post("proposals/", body.encode(), Idempotency_Key="k1")
        assert (again.status_code, again.content, again["Idempotency-Replayed"]) == (201, first.content, "true")
    assert Proposal.objects.count() == 1


def test_no_body_and_an_empty_object_are_the_same_request(agent: Api) -> None:
    shown = agent.propose()
    first = agent.post(f"proposals/{shown['id']}/withdraw/", Idempotency_Key="w1")
    again = agent.post(f"proposals/{shown['id']}/withdraw/", {}, Idempotency_Key="w1")
    assert (again.status_code, again.content, again["Idempotency-Replayed"]) == (200, first.content, "true")


def test_keys_are_each_agents_own(agent: Api, stranger: Api) -> None:
    agent.post("proposals/", SENT, Idempotency_Key="k1")
    answer = stranger.post("proposals/", SENT, Idempotency_Key="k1")
    assert (answer.status_code, answer.json()["agent"]) == (201, "stranger")


def test_a_refusal_is_not_kept(agent: Api) -> None:
    problem(agent.post("proposals/", SENT | {"surface": "nope"}, Idempotency_Key="k1"), 422, "invalid_proposal")
    assert agent.post("proposals/", SENT, Idempotency_Key="k1").status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 201, "tab\there", "ü"])
def test_a_key_is_printable_ascii(agent: Api, key: str) -> None:
    problem(agent.post("proposals/", SENT, Idempotency_Key=key), 400, "bad_request")


def test_a_revision_and_a_withdrawal_happen_once(agent: Api) -> None:
    shown = agent.propose()
    for _ in range(2):
        answer = agent.post(f"proposals/{shown['id']}/revisions/", {"payload": {"amount": 1}}, Idempotency_Key="r1")
        assert (answer.status_code, answer.json()["revision"]["number"]) == (201, 2)
    for _ in range(2):
        assert agent.post(f"proposals/{shown['id']}/withdraw/", Idempotency_Key="w1").json()["state"] == "withdrawn"
    assert Entry.objects.filter(kind="proposal.revised").count() == 1
    assert Entry.objects.filter(kind="proposal.withdrawn").count() == 1


def test_answers_are_forgotten_after_a_week(agent: Api) -> None:
    for key in ("old", "new"):
        agent.post("proposals/", SENT, Idempotency_Key=key)
    aged = F("created_at") - idempotency.KEPT_FOR - timedelta(minutes=1)
    IdempotentAnswer.objects.filter(key="old").update(created_at=aged)
    tasks.forget_old_answers()
    assert [answer.key for answer in IdempotentAnswer.objects.all()] == ["new"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["submit", "revise"])
def test_two_at_once_make_one_and_get_the_same_answer(path: str) -> None:
    api = agent_api(worlds.build().agent)
    address, body = "proposals/", SENT
    if path == "revise":
        address, body = f"proposals/{api.propose()['id']}/revisions/", {"payload": {"amount": 1}}
    for round_number in range(5):
        answers: list = []
        start = threading.Barrier(2)

        def send(key: str = f"k{round_number}", answers: list = answers, start: threading.Barrier = start) -> None:
            own = Api(Client(), api.headers)
            start.wait()
            try:
                answers.append(own.post(address, body, Idempotency_Key=key))
            finally:
                connection.close()

        threads = [threading.Thread(target=send) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [answer.status_code for answer in answers] == [201, 201]
        assert answers[0].content == answers[1].content
        assert sorted("Idempotency-Replayed" in answer for answer in answers) == [False, True]
    assert IdempotentAnswer.objects.count() == 5
    made = Proposal.objects.count() if path == "submit" else Entry.objects.filter(kind="proposal.revised").count()
    assert made == 5
