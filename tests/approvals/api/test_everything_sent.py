"""What an agent sends can be read again: over the API, in the CSV, on the page and in the ledger."""

import csv
import json
from io import StringIO
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from approvals.api.contract import schemas
from approvals.api.http import waiting
from approvals.models import Outcome, Proposal
from approvals.outbox import statements
from approvals.outcomes import reports
from approvals.queue.search import of_model
from approvals.shipping import claims, dispatches
from audit import canonical
from audit.clock import database_now
from audit.models import Entry
from policies.models import Agent
from tests import world as worlds
from tests.approvals.api.conftest import SENT, Api, decision, person_api
from tests.approvals.api.test_submit import EVERYTHING
from tests.world import World

ALL = EVERYTHING | {
    "amount": 4000,
    "estimated_cost": 4000,
    "audience_size": 1200,
    "confidence": 0.93,
    "callback_url": "https://agents.example.com/hooks/hitl",
    "callback_when": "settled",
    "expires_at": "2999-01-01T00:00:00Z",
    "title": "Move $4,000 from Search to Social",
}
IN_REVISION = {"payload"}
ON_THE_PAGE = (
    "rationale", "title", "action", "Social CPA", "12.40 vs 18.10", "daily_pacing", "pacer", "2026-11-01",
    "campaign:search-brand", "financial", "13.5", "https://reports.example.com/cpa",
)  # fmt: skip


@pytest.fixture
def shown(agent: Api, world: World) -> dict[str, Any]:
    Agent.objects.update(callback_hosts=["agents.example.com"])
    return agent.propose(**ALL)


@pytest.fixture
def reader(world: World) -> Client:
    client = Client()
    person = worlds.person("rita", permissions=("view_proposal", "view_all_proposals", "view_decision"))
    client.force_login(person)
    return client


def table(client: Client, name: str) -> list[dict[str, str]]:
    address = reverse(f"admin:approvals_{name}_changelist")
    answer = client.post(f"{address}export/", {"format": "csv"})
    return [*csv.DictReader(StringIO(b"".join(answer.streaming_content).decode("utf-8-sig")))]


def test_all_fields_there_are_are_sent_here() -> None:
    assert set(ALL) == set(schemas.PROPOSAL["properties"])


def test_the_api_shows_all_that_was_sent(agent: Api, shown: dict[str, Any]) -> None:
    read = agent.get(f"proposals/{shown['id']}/").json()
    shown_as = {"estimated_cost": "amount"}
    again = {name: read["revision"][name] if name in IN_REVISION else read[shown_as.get(name, name)] for name in ALL}
    assert again == ALL
    assert read["outcomes"] == []


def test_a_list_leaves_out_only_what_may_be_long(agent: Api, shown: dict[str, Any]) -> None:
    (listed,) = agent.get("proposals/").json()["results"]
    assert shown.keys() - listed.keys() == {"evidence", "metrics", "expected_outcome", "outcomes"}
    assert listed == {name: shown[name] for name in listed}


def test_the_csv_has_all_that_was_sent(reader: Client, shown: dict[str, Any]) -> None:
    (row,) = table(reader, "proposal")
    for name in ("surface", "action", "title", "rationale", "currency", "callback_url", "callback_when"):
        assert row[name] == ALL[name]
    columns = {"trigger": "trigger_sent"}
    for name in (
        "trigger",
        "evidence",
        "metrics",
        "expected_outcome",
        "targets",
        "tags",
        "payload",
        "before",
        "rollback",
    ):
        assert json.loads(row[columns.get(name, name)]) == ALL[name], name
    assert {"name": row["model"], "version": row["model_version"]} == ALL["model"]
    assert row["trigger"] == ALL["trigger"]["event"]
    assert (float(row["amount"]), int(row["people"]), float(row["confidence"])) == (4000, 1200, 0.93)
    assert row["expires_at"].startswith("2999-01-01T00:00:00")
    assert (row["tier"], row["policy_version"]) == ("single", str(shown["verdict"]["policy_version"]))
    assert shown["verdict"]["reasons"][0]["text"] in row["reasons"]


def test_the_page_shows_what_was_sent(reader: Client, shown: dict[str, Any]) -> None:
    page = reader.get(reverse("admin:approvals_proposal_change", args=[shown["id"]])).content.decode()
    for text in (ALL["rationale"], *ON_THE_PAGE[2:]):
        assert escape(ALL.get(text, text)) in page, text


def test_the_ledger_has_its_origin_and_binds_every_word(shown: dict[str, Any]) -> None:
    entry = Entry.objects.get(kind="proposal.submitted")
    for name in ("action", "model", "trigger", "confidence"):
        assert entry.data[name] == ALL[name]
    assert entry.data["tier"] == "single"
    assert entry.data["reasons"] == shown["verdict"]["reasons"]
    assert entry.data["policy_version"] == shown["verdict"]["policy_version"]
    assert entry.data["digest"] == canonical.digest(canonical.encode(ALL["payload"]))
    words = {name: shown[name] for name in statements.AS_SENT}
    assert entry.data["sent_digest"] == canonical.digest(canonical.encode(words))


def test_a_decision_names_role_and_comment_everywhere(
    agent: Api, world: World, reader: Client, shown: dict[str, Any]
) -> None:
    words = {"comment": "Not this week.", "reason_code": "bad_timing"}
    person_api(world.owner).post(f"proposals/{shown['id']}/decisions/", decision(shown, "reject", **words))
    (decided,) = agent.get(f"proposals/{shown['id']}/").json()["decisions"]
    assert (decided["roles"], decided["comment"]) == (["Channel owner"], "Not this week.")

    entry = Entry.objects.get(kind="proposal.decided")
    assert {name: entry.data[name] for name in ("model", "trigger", "confidence", "tier")} == {
        "model": ALL["model"], "trigger": ALL["trigger"], "confidence": 0.93, "tier": "single",
    }  # fmt: skip
    assert (entry.data["roles"], entry.data["comment"]) == (["Channel owner"], "Not this week.")
    assert entry.data["reasons"] == shown["verdict"]["reasons"]

    (row,) = table(reader, "decision")
    assert (row["roles"], row["comment"], row["model"]) == ("Channel owner", "Not this week.", "pacer")
    assert (row["model_version"], row["trigger"], row["tier"]) == ("2026-11-01", "daily_pacing", "single")
    assert (float(row["confidence"]), row["policy_version"]) == (0.93, str(shown["verdict"]["policy_version"]))
    assert shown["verdict"]["reasons"][0]["text"] in row["reasons"]
    (row,) = table(reader, "proposal")
    assert (row["roles"], row["comments"]) == ("Channel owner", "Not this week.")


def test_the_decisions_of_one_model_are_found_in_list_and_api(
    agent: Api, world: World, reader: Client, shown: dict[str, Any]
) -> None:
    older = agent.propose(**SENT | {"model": {"name": "pacer", "version": "2026-10-01"}, "payload": {"other": 1}})
    for one in (shown, older):
        person_api(world.owner).post(f"proposals/{one['id']}/decisions/", decision(one, comment="Fine."))
    for name in ("decision", "proposal"):
        address = reverse(f"admin:approvals_{name}_changelist")
        rows = reader.get(address, {"model": "pacer 2026-11-01"}).context["cl"].result_list
        assert [str(getattr(row, "proposal_id", row.pk)) for row in rows] == [shown["id"]]
        assert len(reader.get(address, {"model": "pacer"}).context["cl"].result_list) == 2
        assert len(reader.get(address, {"trigger": "daily_pacing"}).context["cl"].result_list) == 1
    rows = reader.get(reverse("admin:approvals_proposal_changelist"), {"q": "pacer 2026-11-01"}).context["cl"]
    assert [str(row.pk) for row in rows.result_list] == [shown["id"]]
    for query, found in (
        ("model=pacer&model_version=2026-11-01", 1), ("model=pacer", 2), ("trigger=daily_pacing", 1),
        ("role=Channel+owner", 2), ("role=Legal", 0), (f"policy_version={shown['verdict']['policy_version']}", 2),
    ):  # fmt: skip
        assert len(agent.get(f"proposals/?{query}").json()["results"]) == found, query
    assert agent.get("proposals/?policy_version=new").status_code == 400


def test_an_outcome_is_shown_and_ends_a_wait(agent: Api, world: World) -> None:
    proposal = world.approve(world.propose())
    before = waiting._mark(Proposal.objects.all(), proposal.pk)
    claim = claims.claim_next(worker="test", kind="webhook")
    dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={})
    sent = {"metric": "CPA", "value": 15.2, "observed_at": "2026-11-27T06:00:00Z"}
    assert agent.post(f"proposals/{proposal.pk}/outcomes/", sent).status_code == 201
    (outcome,) = agent.get(f"proposals/{proposal.pk}/").json()["outcomes"]
    assert (outcome["metric"], outcome["value"]) == ("CPA", 15.2)
    assert (outcome["kind"], outcome["reported_by"], outcome["corrects"]) == ("measured", None, None)
    assert waiting._mark(Proposal.objects.all(), proposal.pk) != before


def test_what_people_report_and_correct_is_shown_and_exported(agent: Api, world: World, reader: Client) -> None:
    reporter = worlds.person("reporter", worlds.OWNER, permissions=("report_outcome",))
    proposal = world.approve(world.propose())
    claim = claims.claim_next(worker="test", kind="webhook")
    dispatches.complete(dispatch_id=claim.dispatch.pk, fence=claim.fence, receipt={})
    said = {"proposal_id": proposal.pk, "by": reporter, "metric": "Incident", "value": 1.0, "unit": ""}
    said |= {"note": "Overspent.", "observed_at": database_now()}
    first = reports.report_as_person(kind=Outcome.Kind.INCIDENT, **said)
    reports.report_as_person(kind=Outcome.Kind.MEASURED, corrects=first.pk, **said | {"metric": "CPA", "value": 15.2})
    shown = agent.get(f"proposals/{proposal.pk}/").json()["outcomes"]
    assert [(one["kind"], one["reported_by"], one["corrects"]) for one in shown] == [
        ("incident", "reporter", None), ("measured", "reporter", str(first.pk)),
    ]  # fmt: skip
    (row,) = table(reader, "proposal")
    assert row["outcomes"] == "Incident: Incident = 1 (corrected); CPA = 15.2"


def test_a_model_is_found_by_index(world: World) -> None:
    world.propose(model={"name": "pacer", "version": "2026-11-01"})
    found = Proposal.objects.filter(of_model("pacer 2026-11-01")).order_by()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert "proposal_by_model" in found.explain()
    assert found.count() == 1


def test_names_of_any_length_are_kept_and_found(world: World) -> None:
    long = {"name": "".join(chr(0x4E00 + number) for number in range(3_000)), "version": "1"}
    proposal = world.propose(model=long, trigger={"event": long["name"]})
    assert Proposal.objects.get(of_model(f"{long['name']} 1")) == proposal
