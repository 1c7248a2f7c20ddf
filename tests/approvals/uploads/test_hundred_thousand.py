"""100,000 rows as one proposal: uploaded, looked at, approved, streamed to an executor and verified there."""

import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from approvals.models import Dispatch, State, Upload
from approvals.shipping import delivery
from audit import canonical
from hitl_portal.receiver import Refused, verified_rows
from policies.models import Agent, Connector
from tests import world as worlds
from tests.approvals.api.conftest import V1, Api, agent_api, problem, stored
from tests.approvals.far_side import answering
from tests.approvals.outbox.servers import answer
from tests.approvals.uploads import bulk
from tests.costs import Stopwatch
from tests.kept import kept
from tests.proofs import assert_invariants_hold, breaches
from tests.world import World

COUNT = 100_000
MEBIBYTE = 2**20


@pytest.fixture
@kept
def world(db: None) -> World:
    made = worlds.build()
    bulk.surface(made)
    return made


@pytest.fixture
def agent(world: World) -> Api:
    return agent_api(world.agent)


@pytest.fixture
def executor(world: World) -> Api:
    return agent_api(Agent.objects.get(pk="runner"))


def uploaded(agent: Api, count: int, **changed: Any) -> dict[str, Any]:
    body = b"".join(bulk.lines(count, **changed))
    said = agent.post("uploads/?surface=crm.hygiene", body, content_type="application/x-ndjson")
    assert said.status_code == 201, said.content
    return said.json()


def proposed(agent: Api, upload: dict[str, Any]) -> dict[str, Any]:
    return agent.propose(surface="crm.hygiene", payload={"rows": upload["reference"]})


def claimed(world: World, agent: Api, executor: Api, count: int = 1000) -> dict[str, Any]:
    world.approve(stored(proposed(agent, uploaded(agent, count))))
    return executor.post("dispatches/claim/").json()


def pieces(streamed: Any) -> Iterator[bytes]:
    yield from streamed.streaming_content


def test_they_are_one_proposal_from_upload_to_receipt(world: World, agent: Api, executor: Api, settings: Any) -> None:
    upload = uploaded(agent, COUNT)
    assert (upload["count"], upload["kinds"]) == (COUNT, {"update": 90_000, "delete": 10_000})

    watch = Stopwatch()
    shown = proposed(agent, upload)
    assert watch.seconds < 1
    assert (shown["state"], shown["audience_size"]) == ("pending", COUNT)

    person = Client()
    person.force_login(world.owner)
    address = reverse("admin:approvals_proposal_change", args=[shown["id"]])
    person.get(address)  # templates are compiled once
    watch = Stopwatch()
    page = person.get(address).content.decode()
    assert watch.seconds < 1
    assert "100,000" in page
    assert "90,000" in page
    assert page.count('class="bulk-row"') == 20

    world.approve(stored(shown))
    claim = executor.post("dispatches/claim/").json()
    (named,) = claim["rows"]
    assert (named["field"], named["count"], named["digest"]) == ("rows", COUNT, upload["digest"])
    streamed = executor.client.get(named["url"].removeprefix(settings.SITE_URL), headers=executor.headers)
    assert int(streamed["Content-Length"]) == upload["size"]

    tracemalloc.start()
    deletes = count = 0
    with verified_rows(claim["payload"]["rows"], pieces(streamed)) as rows:
        for row in rows:
            count += 1
            deletes += row["op"] == "delete"
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (count, deletes) == (COUNT, 10_000)
    assert upload["size"] > 6 * MEBIBYTE
    assert peak < 2 * MEBIBYTE

    report = {"fence": claim["fence"], "status": "delivered", "receipt": {"rows": count}}
    assert executor.post(f"dispatches/{claim['id']}/receipt/", report).status_code == 200
    assert stored(shown).state == State.SHIPPED
    assert_invariants_hold()


def test_taking_rows_in_needs_no_more_memory_for_more_rows(world: World) -> None:
    bulk.upload(world, 10)
    peaks = []
    for count in (5_000, 20_000):
        tracemalloc.start()
        bulk.upload(world, count)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + MEBIBYTE


def test_a_changed_byte_is_found_when_it_is_claimed(world: World, agent: Api, executor: Api) -> None:
    shown = proposed(agent, uploaded(agent, 2000))
    world.approve(stored(shown))
    bulk.change_one_byte(Upload.objects.get())
    assert executor.post("dispatches/claim/").status_code == 204
    assert stored(shown).state == State.FAILED
    assert Dispatch.objects.get().last_error == "The stored rows are not the approved ones."
    assert breaches() == {"I1": "The stored rows of a proposal are not those that were uploaded."}


def test_a_byte_changed_after_the_claim_is_found_by_the_receiver(world: World, agent: Api, executor: Api) -> None:
    claim = claimed(world, agent, executor, 4000)
    path = f"dispatches/{claim['id']}/rows/?fence={claim['fence']}"
    whole = b"".join(pieces(executor.get(path)))
    with verified_rows(claim["payload"]["rows"], [whole]) as rows:
        assert len([*rows]) == 4000
    for wrong in (whole[:-100], whole.replace(b"lead-1234", b"lead-1235", 1), whole + b'{"id":"x"}\n', b""):
        with pytest.raises(Refused), verified_rows(claim["payload"]["rows"], [wrong]):
            pytest.fail("rows that are not the approved ones were let through")
    bulk.change_one_byte(Upload.objects.get())
    got: list[bytes] = []
    with pytest.raises(RuntimeError, match="not the approved ones"):
        got.extend(pieces(executor.get(path)))
    assert len(b"".join(got)) < len(whole)


def test_rows_are_for_the_holder_of_the_claim(world: World, agent: Api, executor: Api) -> None:
    claim = claimed(world, agent, executor)
    path = f"dispatches/{claim['id']}/rows/"
    problem(agent.get(path + "?fence=1"), 404, "not_found")
    problem(executor.get(path), 409, "lease_lost")
    problem(executor.get(path + "?fence=x"), 400, "bad_request")
    problem(executor.get(path + "?fence=2"), 409, "lease_lost")
    problem(executor.get(path + "?fence=1&field=other"), 404, "not_found")
    problem(Api(Client(), {}).get(path), 401, "not_authenticated")
    report = {"fence": 1, "status": "delivered"}
    executor.post(f"dispatches/{claim['id']}/receipt/", report)
    problem(executor.get(path + "?fence=1"), 409, "lease_lost")


def test_a_grant_opens_its_own_rows_only(world: World, agent: Api, executor: Api) -> None:
    claim = claimed(world, agent, executor)
    other = claimed(world, agent, executor, 900)
    path = f"{V1}dispatches/{claim['id']}/rows/"
    streamed = Client().get(path, headers={"HITL-Grant": claim["grant"]})
    with verified_rows(claim["payload"]["rows"], pieces(streamed)) as rows:
        assert len([*rows]) == 1000
    problem(Client().get(path, headers={"HITL-Grant": other["grant"]}), 404, "not_found")
    problem(Client().get(path, headers={"HITL-Grant": claim["grant"][:-8] + "AAAAAAAA"}), 401, "authentication_failed")
    problem(Client().get(path, headers={"HITL-Grant": "none"}), 401, "authentication_failed")


def test_a_webhook_says_where_the_rows_are(world: World, settings: Any) -> None:
    world.surface("crm.hooked", payload_schema=bulk.SCHEMA)
    proposal = bulk.propose(world, bulk.upload(world, 300, on="crm.hooked"), on="crm.hooked")
    world.approve(proposal)
    world.approve(world.propose())
    with answering(answer(200), answer(200)) as far:
        Connector.objects.filter(slug="ads").update(url=far.url)
        assert delivery.ship_due() == 2
    with_rows, without = far.seen
    assert canonical.digest(with_rows.body) == proposal.revision.digest
    assert "hitl-rows" not in without.headers
    path = with_rows.headers["hitl-rows"].removeprefix(settings.SITE_URL)
    streamed = Client().get(path, headers={"HITL-Grant": with_rows.headers["hitl-grant"]})
    with verified_rows(json.loads(with_rows.body)["rows"], pieces(streamed)) as rows:
        assert len([*rows]) == 300


def test_too_many_inline_rows_are_told_the_limit_and_the_way_out(agent: Api) -> None:
    rows = [{"id": str(number), "op": "update"} for number in range(10_001)]
    sent = {"surface": "crm.hygiene", "action": "clean", "title": "Clean", "payload": {"rows": rows}}
    said = problem(agent.post("proposals/", sent), 422, "invalid_proposal")
    (error,) = said["errors"]
    assert (error["pointer"], error["code"]) == ("/payload/rows", "max_items")
    assert error["detail"] == (
        "At most 10,000 items may stand here; these are 10,001."
        " Upload the rows with POST uploads/ and name them in their place."
    )
    assert len(said["detail"]) < 300
