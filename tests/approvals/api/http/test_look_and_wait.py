"""`GET proposals/{id}/`: entity tags and waiting."""

import threading
import time
from datetime import timedelta
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test import Client

from approvals.api.http import waiting
from approvals.api.http.places import LEASE_SECONDS, Places
from approvals.models import Proposal
from approvals.shipping import claims
from tests import world as worlds
from tests.approvals.api.conftest import Api, agent_api, person_api, problem
from tests.world import World


def test_what_is_known_is_not_sent_again(agent: Api) -> None:
    shown = agent.propose()
    first = agent.get(f"proposals/{shown['id']}/")
    for tag in (first["ETag"], f'"other", {first["ETag"]}', f"W/{first['ETag']}", "*"):
        again = agent.get(f"proposals/{shown['id']}/", If_None_Match=tag)
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert agent.get(f"proposals/{shown['id']}/", If_None_Match='"other"').status_code == 200


def test_nobody_elses_proposal_is_there(agent: Api, stranger: Api) -> None:
    shown = agent.propose()
    problem(stranger.get(f"proposals/{shown['id']}/"), 404, "not_found")
    for action, body in (("revisions", {"payload": {}}), ("withdraw", {})):
        problem(stranger.post(f"proposals/{shown['id']}/{action}/", body), 404, "not_found")


def test_a_person_sees_what_their_role_owns(world: World, agent: Api, owner: Api) -> None:
    shown = agent.propose()
    assert owner.get(f"proposals/{shown['id']}/").json() == shown
    lawyer = person_api(worlds.person("lawyer", "Legal"))
    problem(lawyer.get(f"proposals/{shown['id']}/"), 404, "not_found")


def test_a_key_next_to_a_session_counts_alone(world: World, agent: Api, stranger: Api, owner: Api) -> None:
    shown = agent.propose()
    both = Api(owner.client, stranger.headers)
    problem(both.get(f"proposals/{shown['id']}/"), 404, "not_found")
    wrong = Api(owner.client, {"Authorization": "Bearer wrong"})
    problem(wrong.get(f"proposals/{shown['id']}/"), 401, "authentication_failed")


def test_what_has_run_out_of_time_is_expired_before_any_sweep(agent: Api) -> None:
    shown = agent.propose()
    Proposal.objects.update(deadline_at=Now() - timedelta(seconds=1))
    assert agent.get(f"proposals/{shown['id']}/").json()["state"] == "expired"
    assert Proposal.objects.get().state == "pending"


def test_waiting_ends_with_304_when_nothing_changes(agent: Api) -> None:
    shown = agent.propose()
    tag = agent.get(f"proposals/{shown['id']}/")["ETag"]
    begun = time.monotonic()
    answer = agent.get(f"proposals/{shown['id']}/", If_None_Match=tag, Prefer="wait=1")
    assert 0.9 < time.monotonic() - begun < 10
    assert (answer.status_code, answer["Preference-Applied"]) == (304, "wait=1")


def test_what_is_not_known_is_answered_at_once(agent: Api) -> None:
    shown = agent.propose()
    begun = time.monotonic()
    for headers in ({"Prefer": "wait=30"}, {"Prefer": "wait=30", "If_None_Match": '"old"'}):
        assert agent.get(f"proposals/{shown['id']}/", **headers).status_code == 200
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("wait=30", 30),
        ("respond-async, wait=10", 10),
        ('wait="5"; x=1', 5),
        ("WAIT = 7", 7),
        ("wait=600", 60),
        ("await=5", 0),
        ("wait=-5", 0),
        ("wait=x", 0),
        ("", 0),
    ],
)
def test_how_long_a_client_wants_to_wait(header: str, seconds: int) -> None:
    assert waiting.preferred_seconds(header) == seconds


def test_beyond_the_places_nobody_waits(agent: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    none_left = Places(1)
    none_left.take("somebody")
    monkeypatch.setattr(waiting, "_places", none_left)
    shown = agent.propose()
    tag = agent.get(f"proposals/{shown['id']}/")["ETag"]
    answer = agent.get(f"proposals/{shown['id']}/", If_None_Match=tag, Prefer="wait=30")
    assert answer.status_code == 304
    assert "Preference-Applied" not in answer


def _approve(world: World, proposal: Proposal) -> None:
    world.approve(proposal)


def _claim(world: World, proposal: Proposal) -> None:
    assert claims.claim_next(worker="test", kind="webhook") is not None


def _run_out(world: World, proposal: Proposal) -> None:
    Proposal.objects.filter(pk=proposal.pk).update(deadline_at=Now())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("is_approved", "change"), [(False, _approve), (True, _claim), (False, _run_out)])
def test_waiting_ends_soon_after_a_change(is_approved: bool, change) -> None:
    world = worlds.build()
    proposal = world.propose()
    if is_approved:
        world.approve(proposal)
    api = agent_api(world.agent)
    known = api.get(f"proposals/{proposal.pk}/")["ETag"]
    answers: list = []

    def wait() -> None:
        try:
            own = Api(Client(), api.headers)
            answers.append(
                (own.get(f"proposals/{proposal.pk}/", If_None_Match=known, Prefer="wait=30"), time.monotonic())
            )
        finally:
            connection.close()

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.5)
    assert not answers
    change(world, proposal)
    changed_at = time.monotonic()
    thread.join()
    answer, answered_at = answers[0]
    assert (answer.status_code, answer["Preference-Applied"]) == (200, "wait=30")
    assert answer["ETag"] != known
    assert answered_at - changed_at < 10


@pytest.mark.django_db(transaction=True)
def test_clients_that_have_gone_away_free_their_places(live_server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_places", Places(4))
    world = worlds.build()
    proposal = world.propose()
    api = agent_api(world.agent)
    known = api.get(f"proposals/{proposal.pk}/")["ETag"]
    address = urlsplit(live_server.url)

    def ask(seconds: int) -> HTTPConnection:
        connection = HTTPConnection(address.hostname, address.port, timeout=30)
        headers = {**api.headers, "If-None-Match": known, "Prefer": f"wait={seconds}"}
        connection.request("GET", f"/api/v1/proposals/{proposal.pk}/", headers=headers)
        return connection

    for gone in [ask(60) for _ in range(40)]:
        gone.close()
    time.sleep(LEASE_SECONDS + 0.5)
    begun = time.monotonic()
    honest = ask(3)
    answer = honest.getresponse()
    assert (answer.status, answer.getheader("Preference-Applied")) == (304, "wait=3")
    assert time.monotonic() - begun > 2.5
    honest.close()
    # So that no thread of theirs asks a database that is cleared already.
    _end_all_waiting(waiting._places)


def _end_all_waiting(places: Places) -> None:
    for place in places._taken:
        place.lost.set()
    while places._taken:
        time.sleep(0.05)


def test_a_place_is_taken_over_only_after_its_lease() -> None:
    places = Places(2, lease_seconds=0.2)
    first, second = places.take("a"), places.take("b")
    assert first and second and places.take("a") is None
    time.sleep(0.25)
    assert places.take("c") is not None
    assert (first.lost.is_set(), second.lost.is_set()) == (True, False)


def test_anyone_who_holds_most_places_gives_one() -> None:
    places = Places(3, lease_seconds=0)
    quiet, *loud = places.take("quiet"), places.take("loud"), places.take("loud")
    assert places.take("another") is not None
    assert [place.lost.is_set() for place in (quiet, *loud)] == [False, True, False]


def test_who_loses_the_place_is_told_how_long_it_waited(agent: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    places = Places(1, lease_seconds=0)
    monkeypatch.setattr(waiting, "_places", places)
    shown = agent.propose()
    tag = agent.get(f"proposals/{shown['id']}/")["ETag"]
    threading.Timer(1.2, places.take, ["another"]).start()
    answer = agent.get(f"proposals/{shown['id']}/", If_None_Match=tag, Prefer="wait=30")
    assert (answer.status_code, answer["Preference-Applied"]) == (304, "wait=1")
