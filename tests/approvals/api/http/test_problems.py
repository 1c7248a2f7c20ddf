"""Every refusal is a problem (RFC 9457), wherever under /api/ it happens."""

import re
import uuid
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.db import OperationalError
from django.test import Client

from approvals import errors as domain
from approvals.api import urls
from approvals.api.http import errors as requests
from hitlportal import errors
from tests.approvals.api.conftest import V1, Api, decision, pointers, problem

# The same in every process: tests are named after it.
UNKNOWN = uuid.UUID("0192f0c1-2e00-7000-8000-000000000000")


def test_without_a_key_the_answer_says_what_is_wanted(db: None) -> None:
    answer = Client().get(V1 + "surfaces/")
    problem(answer, 401, "not_authenticated")
    assert answer["WWW-Authenticate"] == 'Bearer realm="HITL Portal"'


@pytest.mark.parametrize("header", ["Bearer wrong", "Basic YTpi", "Bearer hitl_aaaaaaaaaa_" + "A" * 43, "Bearer", ""])
def test_a_wrong_key_is_nobody(db: None, header: str) -> None:
    answer = Client().get(V1 + "proposals/", headers={"Authorization": header})
    problem(answer, 401, "authentication_failed")
    assert "WWW-Authenticate" in answer


def test_a_method_that_there_is_not(agent: Api) -> None:
    answer = agent.client.put(V1 + "surfaces/", headers=agent.headers)
    problem(answer, 405, "method_not_allowed")
    assert answer["Allow"] == "GET, HEAD"


def test_a_client_that_wants_no_json(agent: Api) -> None:
    problem(agent.get("surfaces/", Accept="text/html"), 406, "not_acceptable")
    assert agent.get("surfaces/", Accept="text/html, application/*;q=0.5").status_code == 200


@pytest.mark.parametrize("path", ["nowhere/", "proposals", "proposals/not-a-uuid/", f"proposals/{UNKNOWN}/"])
def test_what_there_is_not(agent: Api, path: str) -> None:
    problem(agent.get(path), 404, "not_found")


def test_posting_without_the_last_slash_is_not_a_redirect(agent: Api) -> None:
    strict = Client(enforce_csrf_checks=True)
    problem(strict.post(V1 + "proposals", headers=agent.headers), 404, "not_found")


def addresses() -> list[str]:
    return [V1 + re.sub("<.*?>", str(UNKNOWN), str(pattern.pattern)) for pattern in urls.urlpatterns]


@pytest.mark.parametrize("address", [*addresses(), "/api/", "/api/v1/nowhere/"])
@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "FOO"])
def test_other_methods_are_answered_by_problems(agent: Api, address: str, method: str) -> None:
    answer = agent.client.generic(method, address, headers=agent.headers)
    assert answer.status_code in ({200, 403, 404, 405} if method == "HEAD" else {403, 404, 405})
    if answer.status_code >= 400:
        assert answer["Content-Type"] == "application/problem+json"
    if answer.status_code == 405:
        assert "OPTIONS" not in answer["Allow"]


@pytest.mark.parametrize("address", addresses())
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_parameter_that_no_call_knows_is_named(agent: Api, owner: Api, address: str, method: str) -> None:
    caller = owner if re.search("decisions|edits|undo|rollback|retry", address) else agent
    answer = caller.client.generic(method, f"{address}?stat=pending", headers=caller.headers)
    if answer.status_code != 405:
        assert pointers(problem(answer, 400, "bad_request")) == {"?stat": "unknown"}


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param({"HTTP_HOST": "evil.example"}, id="another-host"),
        pytest.param({"HTTP_HOST": "a b"}, id="no-host"),
        pytest.param({"HTTP_ACCEPT": "\0"}, id="nul-in-a-header"),
        pytest.param({"QUERY_STRING": "&".join(f"state={n}" for n in range(1001))}, id="too-many-parameters"),
    ],
)
def test_what_is_refused_before_any_call_is_a_problem_too(agent: Api, settings: Any, extra: dict[str, str]) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    problem(agent.client.get(V1 + "proposals/", headers=agent.headers, **extra), 400, "bad_request")


def test_pages_elsewhere_stay_pages(client: Client, db: None) -> None:
    answer = client.get("/nowhere/")
    assert (answer.status_code, answer["Content-Type"]) == (404, "text/html; charset=utf-8")


def test_a_fault_of_ours_is_a_problem_too(agent: Api) -> None:
    agent.client.raise_request_exception = False
    with patch("approvals.api.surfaces.active_policy", side_effect=RuntimeError("inside knowledge")):
        answer = agent.get("surfaces/")
    assert "detail" not in problem(answer, 500, "internal_error")


def test_a_database_that_is_away_can_be_asked_again(agent: Api) -> None:
    with patch("approvals.api.surfaces.active_policy", side_effect=OperationalError("host=secret")):
        answer = agent.get("surfaces/")
    assert "detail" not in problem(answer, 503, "unavailable")
    assert answer["Retry-After"] == "1"


def test_a_person_without_a_session_is_refused(agent: Api) -> None:
    shown = agent.propose()
    answer = Client().post(f"{V1}proposals/{shown['id']}/decisions/", decision(shown), content_type="application/json")
    problem(answer, 403, "not_authenticated")


def test_every_domain_error_has_its_place_in_the_table() -> None:
    def leaves(cls: type[Exception]) -> set[type[Exception]]:
        return {cls, *(leaf for sub in cls.__subclasses__() for leaf in leaves(sub))}

    for error in leaves(domain.ProposalError) | leaves(requests.RequestError):
        if error not in {domain.ProposalError, requests.RequestError}:
            assert any(cls in errors.KINDS for cls in error.__mro__), error


def test_every_code_is_explained_to_engineers() -> None:
    guide = (Path(__file__).parents[4] / "docs" / "api.md").read_text()
    codes = {kind.code or error.code for error, kind in errors.KINDS.items()} | {"internal_error"}
    assert [code for code in sorted(codes) if f"`{code}`" not in guide] == []
