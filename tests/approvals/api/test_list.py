"""`GET proposals/`: filters and pages."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.db.models.functions import Now

from approvals.models import Proposal
from tests.approvals.api.conftest import Api, pointers, problem


def titles(api: Api, query: str = "") -> list[str]:
    answer = api.get(f"proposals/{query}")
    assert answer.status_code == 200, answer.content
    return [row["title"] for row in answer.json()["results"]]


def test_an_agent_sees_its_own_newest_first(agent: Api, stranger: Api, owner: Api) -> None:
    for title in "abc":
        agent.propose(title=title)
    assert titles(agent) == ["c", "b", "a"]
    assert titles(stranger) == []
    assert titles(owner) == ["c", "b", "a"]


def test_each_row_is_what_the_proposal_itself_shows(agent: Api) -> None:
    shown = agent.propose(surface="email.lifecycle")
    left_out = {"evidence", "metrics", "expected_outcome", "outcomes"}
    (listed,) = agent.get("proposals/").json()["results"]
    assert listed == {name: value for name, value in shown.items() if name not in left_out}


def test_filters_hold_together_and_repeated_ones_are_alternatives(agent: Api) -> None:
    agent.propose(title="pending", tags=["financial"], targets=["t:1"])
    agent.propose(title="approved", surface="email.lifecycle", action="send")
    agent.propose(title="signature", surface="pricing")
    assert titles(agent, "?state=pending") == ["signature", "pending"]
    assert titles(agent, "?state=pending&tier=single") == ["pending"]
    assert titles(agent, "?surface=pricing&surface=email.lifecycle") == ["signature", "approved"]
    assert titles(agent, "?action=send") == ["approved"]
    assert titles(agent, "?tag=financial&target=t:1&agent=pacer") == ["pending"]
    assert titles(agent, "?owner=Channel%20owner&state=rejected") == []
    assert titles(agent, "?created_after=2020-01-01T00:00:00Z&created_before=2020-02-01T00:00:00%2B01:00") == []
    assert len(titles(agent, "?updated_after=2020-01-01T00:00:00+01:00")) == 3


def test_what_has_run_out_of_time_is_found_as_expired(agent: Api) -> None:
    agent.propose(title="late")
    Proposal.objects.update(deadline_at=Now() - timedelta(seconds=1))
    agent.propose(title="in time")
    assert titles(agent, "?state=expired") == ["late"]
    assert titles(agent, "?state=pending") == ["in time"]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("status=pending", "?status"),
        ("state=gone", "?state"),
        ("state=", "?state"),
        ("created_after=yesterday", "?created_after"),
        ("created_after=2020-01-01T00:00:00", "?created_after"),
        ("surface=%00", "?surface"),
        ("limit=0", "?limit"),
        ("limit=201", "?limit"),
        ("limit=²", "?limit"),
        ("cursor=nonsense", "?cursor"),
        ("cursor=", "?cursor"),
        ("cursor=eHh4eHh4eHh4eHh4eHh4eHg=", "?cursor"),
    ],
)
def test_a_query_that_is_not_understood_is_named(agent: Api, query: str, pointer: str) -> None:
    assert pointer in pointers(problem(agent.get(f"proposals/?{query}"), 400, "bad_request"))


def test_pages_lead_there_and_back(agent: Api) -> None:
    for number in range(5):
        agent.propose(title=str(number))
    pages, address = [], "/api/v1/proposals/?limit=2&state=pending"
    while address:
        page = agent.client.get(address, headers=agent.headers).json()
        pages.append(page)
        address = page["next"] and "?".join(urlsplit(page["next"])[2:4])
    assert [[row["title"] for row in page["results"]] for page in pages] == [["4", "3"], ["2", "1"], ["0"]]
    assert [page["previous"] is None for page in pages] == [True, False, False]

    back = agent.client.get(pages[2]["previous"], headers=agent.headers).json()
    assert back["results"] == pages[1]["results"]
    first = agent.client.get(back["previous"], headers=agent.headers).json()
    assert (first["results"], first["previous"]) == (pages[0]["results"], None)


def test_a_page_does_not_move_when_something_new_arrives(agent: Api) -> None:
    for number in range(3):
        agent.propose(title=str(number))
    following = agent.get("proposals/?limit=2").json()["next"]
    agent.propose(title="new")
    assert [row["title"] for row in agent.client.get(following, headers=agent.headers).json()["results"]] == ["0"]


def test_a_page_costs_the_same_however_many_it_shows(agent: Api, django_assert_num_queries) -> None:
    for _ in range(6):
        agent.propose()
    agent.get("proposals/?limit=1")
    for limit in (1, 6):
        with django_assert_num_queries(4):
            agent.get(f"proposals/?limit={limit}")
