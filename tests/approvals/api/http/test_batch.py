"""Many proposals in one call, traces, and the root of the API."""

import pytest
from django.conf import settings

from approvals.models import Proposal
from approvals.shipping import delivery
from audit.models import Entry
from tests import world as worlds
from tests.approvals.api.conftest import SENT, Api, agent_api, problem, stored
from tests.approvals.far_side import answering
from tests.approvals.outbox.servers import answer
from tests.world import World

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def batch(*titles: str) -> dict:
    return {"proposals": [{**SENT, "title": title, "payload": {"n": number}} for number, title in enumerate(titles)]}


def test_each_is_judged_on_its_own_and_answered_in_order(agent: Api) -> None:
    sent = batch("one", "two", "three", "four")
    sent["proposals"][1]["surface"] = "nowhere"
    sent["proposals"][2]["confidence"] = 2
    sent["proposals"][3]["currency"] = "XXY"
    results = agent.post("proposals/batch/", sent).json()["results"]
    assert [result["status"] for result in results] == [201, 422, 422, 422]
    assert results[0]["proposal"]["state"] == "pending" and results[1]["errors"][0]["pointer"] == "/surface"
    assert (results[2]["code"], results[2]["errors"][0]["pointer"]) == ("invalid_request", "/confidence")
    assert results[3]["errors"][0]["pointer"] == "/currency"
    assert Proposal.objects.count() == 1


def test_a_repeat_submits_only_what_is_left(agent: Api) -> None:
    key = {"Idempotency_Key": "batch-1"}
    first = agent.post("proposals/batch/", batch("one", "two"), **key).json()
    assert agent.post("proposals/batch/", batch("one", "two"), **key).json() == first
    problem(agent.post("proposals/batch/", batch("one", "other"), **key), 422, "idempotency_key_reused")
    assert Proposal.objects.count() == 2


def test_it_takes_two_hundred_and_not_one_more(agent: Api) -> None:
    problem(agent.post("proposals/batch/", batch(*["x"] * 201)), 422, "invalid_request")
    problem(agent.post("proposals/batch/", {"proposals": []}), 422, "invalid_request")


def test_each_counts_as_a_request(world: World, agent: Api) -> None:
    world.agent.rate_per_minute = 2
    world.agent.save()
    results = agent.post("proposals/batch/", batch("one", "two", "three")).json()["results"]
    assert [result["status"] for result in results] == [201, 201, 429]


def test_a_trace_goes_on_to_entries_and_to_the_far_side(db: None, settings) -> None:
    with answering(answer(200)) as far:
        world = worlds.build(receiver_url=far.url)
        agent = agent_api(world.agent)
        shown = agent.post("proposals/", SENT, traceparent=TRACE).json()
        assert shown["traceparent"] == TRACE
        world.approve(stored(shown))
        delivery.ship_due()
        assert [message.headers["traceparent"] for message in far.seen] == [TRACE]
    entries = Entry.objects.filter(subject=f"proposal:{shown['id']}")
    assert {entry.data.get("traceparent") for entry in entries} == {TRACE}


@pytest.mark.parametrize("text", ["", "nonsense", "ff" + TRACE[2:], TRACE.replace("4bf92f", "4BF92F")])
def test_a_malformed_trace_is_ignored(agent: Api, text: str) -> None:
    assert agent.post("proposals/", SENT, traceparent=text).json()["traceparent"] is None


def test_the_root_lists_addresses_that_answer(client) -> None:
    links = client.get("/api/v1/").json()["links"]
    assert set(links) >= {"proposals", "surfaces", "schema"} and links["schema"].endswith("/api/v1/schema/")
    for link in links.values():
        assert client.get(link).status_code != 404
    assert settings.SITE_URL
