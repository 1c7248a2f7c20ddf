"""`POST proposals/`."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals.models import Proposal
from tests.approvals.api.conftest import SENT, Api, pointers, problem
from tests.world import World

EVERYTHING = SENT | {
    "rationale": "Social CPA is 31 % lower this week.",
    "trigger": {"event": "daily_pacing", "at": "2026-11-20T06:00:00Z"},
    "evidence": [{"label": "CPA, 7 days", "value": "12.40 vs 18.10", "url": "https://reports.example.com/cpa"}],
    "metrics": [{"name": "CPA", "current": 18.1, "projected": 14.9, "unit": "USD"}],
    "expected_outcome": {"metric": "CPA", "low": 13.5, "high": 16.0},
    "amount": 4000.5,
    "currency": "USD",
    "audience_size": None,
    "before": {"search": 20000, "social": 8000},
    "rollback": {"from": "social", "to": "search", "amount": 4000},
    "targets": ["campaign:search-brand"],
    "tags": ["financial"],
    "model": {"name": "pacer", "version": "2026-11-01"},
    "callback_url": None,
    "expires_at": "2999-01-01T02:00:00+02:00",
}


def test_a_proposal_is_stored_and_shown(agent: Api) -> None:
    answer = agent.post("proposals/", EVERYTHING)
    shown = answer.json()

    assert answer.status_code == 201
    assert answer["Location"] == f"/api/v1/proposals/{shown['id']}/"
    assert (shown["state"], shown["agent"], shown["owner"]) == ("pending", "pacer", "Channel owner")
    assert shown["revision"]["payload"] == SENT["payload"]
    assert (shown["verdict"]["outcome"], shown["verdict"]["tier"]) == ("require_approval", "single")
    assert [reason["id"] for reason in shown["verdict"]["reasons"] if reason["is_deciding"]] == ["ads.budget"]
    assert shown["amount"] == 4000.5
    assert shown["expires_at"] == "2999-01-01T00:00:00Z"
    assert (shown["decisions"], shown["dispatch"]) == ([], None)
    assert Proposal.objects.get().rationale == EVERYTHING["rationale"]


@pytest.mark.parametrize("surface", ["ads.budget", "email.lifecycle", "pricing"])
def test_what_is_answered_is_what_is_read_later_byte_for_byte(agent: Api, surface: str) -> None:
    answer = agent.post("proposals/", EVERYTHING | {"surface": surface})
    again = agent.get(f"proposals/{answer.json()['id']}/")
    assert again.content == answer.content
    assert again["ETag"] == answer["ETag"]


def test_an_allowed_proposal_shows_when_it_ships_and_its_dispatch(agent: Api) -> None:
    shown = agent.propose(surface="email.lifecycle")
    assert (shown["state"], shown["dispatch"]["status"]) == ("approved", "waiting")
    held = datetime.fromisoformat(shown["release_at"]) - datetime.fromisoformat(shown["created_at"])
    assert held == timedelta(minutes=30)
    assert shown["dispatch"]["next_attempt_at"] == shown["release_at"]


def test_a_proposal_without_a_mandate_is_blocked_and_says_why(stranger: Api) -> None:
    shown = stranger.propose()
    assert (shown["state"], shown["verdict"]["outcome"], shown["verdict"]["tier"]) == ("blocked", "deny", None)
    assert shown["verdict"]["reasons"][0]["source"] == "mandate"


def test_every_missing_and_unknown_field_is_named(agent: Api) -> None:
    said = problem(agent.post("proposals/", {"title": "x", "surfaces": 1, "a/b": 2}), 422, "invalid_request")
    assert pointers(said) == {
        "/surface": "required",
        "/action": "required",
        "/payload": "required",
        "/surfaces": "unknown_field",
        "/a~1b": "unknown_field",
    }
    assert not Proposal.objects.exists()


@pytest.mark.parametrize(
    ("fields", "pointer", "code"),
    [
        ({"title": "   "}, "/title", "pattern"),
        ({"title": "x" * 301}, "/title", "max_length"),
        ({"payload": [1]}, "/payload", "type"),
        ({"confidence": 1.2}, "/confidence", "maximum"),
        ({"currency": "usd"}, "/currency", "enum"),
        ({"evidence": [{"label": "x", "url": "javascript:alert(1)"}]}, "/evidence/0/url", "pattern"),
        ({"trigger": {"event": "x", "when": 1}}, "/trigger/when", "unknown_field"),
        ({"targets": ["a", "a"]}, "/targets", "unique_items"),
        ({"expires_at": "2999-01-01T00:00:00"}, "/expires_at", "format"),
        ({"expires_at": "2016-12-31T23:59:60Z"}, "/expires_at", "format"),
        ({"expires_at": "0001-01-01T00:00:00+14:00"}, "/expires_at", "format"),
    ],
)
def test_a_field_of_the_wrong_form_is_named(agent: Api, fields: dict, pointer: str, code: str) -> None:
    said = problem(agent.post("proposals/", SENT | fields), 422, "invalid_request")
    assert pointers(said)[pointer] == code


@pytest.mark.parametrize(
    ("fields", "pointer", "code"),
    [
        ({"surface": "ads.nowhere"}, "/surface", "unknown_surface"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at", "in_the_past"),
        ({"callback_url": "https://elsewhere.example.com/"}, "/callback_url", "host_not_listed"),
        ({"amount": 0.00001}, "/amount", "amount_out_of_range"),
    ],
)
def test_what_makes_no_sense_is_named(agent: Api, fields: dict, pointer: str, code: str) -> None:
    said = problem(agent.post("proposals/", SENT | fields), 422, "invalid_proposal")
    assert pointers(said) == {pointer: code}
    assert not Proposal.objects.exists()


def test_the_payload_must_meet_the_surfaces_schema(world: World, agent: Api) -> None:
    schema = {"type": "object", "required": ["to"], "properties": {"to": {"type": "string"}}}
    world.surface("crm.segments", payload_schema=schema)
    said = problem(agent.post("proposals/", SENT | {"surface": "crm.segments", "payload": {}}), 422, "invalid_proposal")
    assert pointers(said) == {"/payload/to": "required"}


def test_a_whole_number_may_be_written_with_a_point(agent: Api) -> None:
    body = b'{"surface":"ads.budget","action":"a","title":"t","payload":{},"audience_size":5.0}'
    assert agent.post("proposals/", body).json()["audience_size"] == 5


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("targets", [[], ["campaign:1", "campaign:2"]], ids=["no-target", "two-targets"])
def test_submitting_takes_four_round_trips(agent: Api, targets: list[str]) -> None:
    """The caller and what it was answered; the policy; what goes on around; and all rows with the COMMIT."""
    agent.propose()
    with CaptureQueriesContext(connection) as captured:
        answer = agent.post("proposals/", SENT | {"targets": targets}, Idempotency_Key=f"once-{datetime.now(UTC)}")
    asked = [query["sql"] for query in captured.captured_queries]
    assert answer.status_code == 201
    assert len(asked) == 4, asked
    assert asked[-1].endswith("; COMMIT")
    assert not connection.in_atomic_block
    assert Proposal.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_repeat_takes_one_round_trip(agent: Api) -> None:
    first = agent.post("proposals/", SENT, Idempotency_Key="again")
    with CaptureQueriesContext(connection) as captured:
        again = agent.post("proposals/", SENT, Idempotency_Key="again")
    assert again.content == first.content
    assert len(captured) == 1


@pytest.mark.parametrize(
    ("sent", "amount"),
    [
        ({"estimated_cost": 250.5}, 250.5),
        ({"estimated_cost": 250, "amount": 250.0}, 250),
        ({"estimated_cost": None, "amount": 7}, 7),
        ({"estimated_cost": 0}, 0),
        ({}, None),
    ],
)
def test_estimated_cost_is_another_name_of_amount(agent: Api, sent: dict, amount: float | None) -> None:
    assert agent.post("proposals/", SENT | sent).json()["amount"] == amount
    assert agent.post("evaluations/", SENT | sent).json()["amount"] == amount


@pytest.mark.parametrize("call", ["proposals/", "evaluations/"])
def test_two_different_amounts_are_refused_by_name(agent: Api, call: str) -> None:
    answer = agent.post(call, SENT | {"amount": 100, "estimated_cost": 100.01})
    assert pointers(problem(answer, 422, "invalid_proposal")) == {
        "/amount": "contradicts",
        "/estimated_cost": "contradicts",
    }
    assert not Proposal.objects.exists()


def test_a_revision_takes_estimated_cost_too(agent: Api) -> None:
    made = agent.post("proposals/", SENT | {"amount": 100}).json()
    payload = {"payload": {**SENT["payload"], "to": "video"}}
    revised = agent.post(f"proposals/{made['id']}/revisions/", payload | {"estimated_cost": 60})
    assert revised.json()["amount"] == 60
    refused = agent.post(f"proposals/{made['id']}/revisions/", payload | {"estimated_cost": 60, "amount": 61})
    assert {*pointers(problem(refused, 422, "invalid_proposal"))} == {"/amount", "/estimated_cost"}
