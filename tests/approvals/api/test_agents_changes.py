"""What an agent does to its own proposals, and what it may ask."""

from approvals.models import Outcome, Proposal, Revision
from tests.approvals.api.conftest import SENT, Api, decision, pointers, problem, stored
from tests.approvals.lifecycle.test_life import ship
from tests.world import World


def test_the_surfaces_of_its_mandates(world: World, agent: Api, stranger: Api) -> None:
    world.surface("crm.segments", payload_schema={"type": "object", "required": ["segment"]})
    shown = {row["slug"]: row for row in agent.get("surfaces/").json()["results"]}
    assert list(shown) == ["ads.budget", "crm.segments", "email.lifecycle", "pricing"]
    assert shown["crm.segments"]["payload_schema"] == {"type": "object", "required": ["segment"]}
    assert (shown["pricing"]["tier"], shown["pricing"]["deadline_seconds"]) == ("signature", 86400.0)
    assert stranger.get("surfaces/").json() == {"results": []}


def test_an_evaluation_says_the_verdict_and_stores_nothing(agent: Api) -> None:
    said = agent.post("evaluations/", SENT | {"surface": "email.lifecycle", "amount": 5}).json()
    assert (said["verdict"]["outcome"], said["verdict"]["tier"]) == ("allow", "monitored")
    assert (said["amount"], said["tags"]) == (5, [])
    assert not Proposal.objects.exists()
    assert not Revision.objects.exists()


def test_a_returned_proposal_is_revised(world: World, agent: Api) -> None:
    shown = agent.propose()
    world.decide(stored(shown), "send_back", comment="Half of it.")
    answer = agent.post(f"proposals/{shown['id']}/revisions/", {"payload": {"amount": 2000}, "note": "Half."})
    said = answer.json()
    assert (answer.status_code, said["state"], said["revision"]["number"]) == (201, "pending", 2)
    assert (said["revision"]["payload"], said["revision"]["note"]) == ({"amount": 2000}, "Half.")
    assert [row["verdict"] for row in said["decisions"]] == ["send_back"]


def test_what_is_decided_cannot_be_revised(world: World, agent: Api) -> None:
    shown = agent.propose()
    world.decide(stored(shown), "reject", reason_code="too_risky")
    problem(agent.post(f"proposals/{shown['id']}/revisions/", {"payload": {}}), 409, "state_conflict")


def test_a_proposal_is_withdrawn(agent: Api) -> None:
    shown = agent.propose()
    answer = agent.post(f"proposals/{shown['id']}/withdraw/")
    assert (answer.status_code, answer.json()["state"]) == (200, "withdrawn")
    problem(agent.post(f"proposals/{shown['id']}/withdraw/", {"x": 1}), 422, "invalid_request")


def test_an_outcome_is_reported_of_what_has_shipped(world: World, agent: Api) -> None:
    shown = agent.propose()
    body = {"metric": "CPA", "value": 15, "unit": "USD", "observed_at": "2026-01-01T02:00:00+02:00"}
    problem(agent.post(f"proposals/{shown['id']}/outcomes/", body), 409, "state_conflict")
    world.approve(stored(shown))
    ship(world)
    answer = agent.post(f"proposals/{shown['id']}/outcomes/", body)
    assert (answer.status_code, answer.json()["observed_at"]) == (201, "2026-01-01T00:00:00Z")
    assert Outcome.objects.get().value == 15.0


def test_an_outcome_needs_its_time(agent: Api) -> None:
    shown = agent.propose()
    said = problem(
        agent.post(f"proposals/{shown['id']}/outcomes/", {"metric": "CPA", "value": 1}), 422, "invalid_request"
    )
    assert pointers(said) == {"/observed_at": "required"}


def test_an_agents_key_opens_nothing_that_is_for_people(agent: Api) -> None:
    shown = agent.propose()
    for action in ("decisions", "edits", "undo", "rollback", "retry"):
        answer = agent.post(f"proposals/{shown['id']}/{action}/", decision(shown))
        problem(answer, 403, "agent_key_not_accepted")
    assert stored(shown).state == "pending"
