"""`POST proposals/{id}/decisions/`."""

import pytest
from django.core.cache import cache

from approvals.models import Decision, Dispatch
from tests import world as worlds
from tests.approvals.api.conftest import Api, decision, person_api, pointers, problem, stored
from tests.world import World


def test_a_person_approves_and_it_is_to_be_shipped(agent: Api, owner: Api) -> None:
    shown = agent.propose()
    answer = owner.post(f"proposals/{shown['id']}/decisions/", decision(shown, comment="Go on."))

    assert answer.status_code == 200, answer.content
    said = answer.json()
    assert (said["state"], said["dispatch"]["status"]) == ("approved", "waiting")
    assert [(row["verdict"], row["by"], row["comment"]) for row in said["decisions"]] == [
        ("approve", "channel-owner", "Go on.")
    ]
    assert Dispatch.objects.get().digest == shown["revision"]["digest"]


@pytest.mark.parametrize(
    ("verdict", "words", "state"),
    [
        ("reject", {"reason_code": "too_risky"}, "rejected"),
        ("send_back", {"comment": "Half of it."}, "returned"),
        ("take_over", {}, "taken_over"),
    ],
)
def test_a_person_says_otherwise(agent: Api, owner: Api, verdict: str, words: dict, state: str) -> None:
    shown = agent.propose()
    said = owner.post(f"proposals/{shown['id']}/decisions/", decision(shown, verdict, **words)).json()
    assert said["state"] == state


def test_a_second_decision_is_a_conflict(agent: Api, owner: Api) -> None:
    shown = agent.propose()
    owner.post(f"proposals/{shown['id']}/decisions/", decision(shown))
    problem(owner.post(f"proposals/{shown['id']}/decisions/", decision(shown)), 409, "state_conflict")
    assert Decision.objects.count() == 1


def test_a_decision_on_a_revision_that_was_replaced_is_a_conflict(agent: Api, owner: Api) -> None:
    shown = agent.propose()
    agent.post(f"proposals/{shown['id']}/revisions/", {"payload": {"amount": 1}})
    problem(owner.post(f"proposals/{shown['id']}/decisions/", decision(shown)), 409, "stale_revision")


def test_a_missing_reason_is_named(agent: Api, owner: Api) -> None:
    shown = agent.propose()
    said = problem(owner.post(f"proposals/{shown['id']}/decisions/", decision(shown, "reject")), 422, "reason_required")
    assert pointers(said) == {"/reason_code": "reason_required"}


def test_who_may_see_but_not_decide_is_refused(world: World, agent: Api) -> None:
    shown = agent.propose()
    agent_owner = person_api(world.agent.owner)
    problem(agent_owner.post(f"proposals/{shown['id']}/decisions/", decision(shown)), 403, "not_eligible")


def test_who_may_not_see_it_finds_nothing(world: World, agent: Api) -> None:
    shown = agent.propose()
    lawyer = person_api(worlds.person("lawyer", "Legal"))
    problem(lawyer.post(f"proposals/{shown['id']}/decisions/", decision(shown)), 404, "not_found")


def test_a_signature_needs_the_persons_own_password(agent: Api, owner: Api) -> None:
    shown = agent.propose(surface="pricing")
    address = f"proposals/{shown['id']}/decisions/"
    words = {"comment": "Agreed with Finance."}
    problem(owner.post(address, decision(shown, **words)), 403, "signature_required")
    problem(owner.post(address, decision(shown, password="a guess", **words)), 403, "wrong_password")

    said = owner.post(address, decision(shown, password="a long enough password", **words)).json()
    assert (said["state"], said["decisions"][0]["is_signed"]) == ("approved", True)


def test_passwords_cannot_be_guessed_for_long(world: World, agent: Api, owner: Api) -> None:
    cache.clear()
    shown = agent.propose(surface="pricing")
    address = f"proposals/{shown['id']}/decisions/"
    for guess in range(5):
        problem(owner.post(address, decision(shown, password=f"guess {guess}")), 403, "wrong_password")
    answer = owner.post(address, decision(shown, password="a long enough password", comment="Yes."))
    problem(answer, 429, "too_many_tries")
    assert int(answer["Retry-After"]) > 0
    assert stored(shown).state == "pending"


def test_identity_in_the_body_is_an_unknown_field(agent: Api, owner: Api) -> None:
    shown = agent.propose()
    answer = owner.post(f"proposals/{shown['id']}/decisions/", decision(shown, by="ceo"))
    assert pointers(problem(answer, 422, "invalid_request")) == {"/by": "unknown_field"}


def test_a_wrong_digest_is_said_to_be_one(agent: Api, owner: Api) -> None:
    shown = agent.propose()
    path, sent = f"proposals/{shown['id']}/decisions/", decision(shown)
    wrong = problem(owner.post(path, sent | {"digest": "sha256:" + "0" * 64}), 409, "stale_revision")
    assert wrong["detail"].startswith("This digest is not the one of revision 1.")
    later = problem(owner.post(path, sent | {"revision": 7}), 409, "stale_revision")
    assert later["detail"].startswith("There is no revision 7; revision 1 is current.")
    agent.post(f"proposals/{shown['id']}/revisions/", {"payload": {"amount": 1}})
    older = problem(owner.post(path, sent), 409, "stale_revision")
    assert older["detail"].startswith("Revision 2, by Budget pacer, has replaced revision 1.")
