"""Requests made up from the OpenAPI document: whatever comes in, what goes out is as described."""

from collections.abc import Iterator

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import override_settings
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from hitlportal.wsgi import application
from tests import world as worlds
from tests.approvals.api.conftest import V1, Api, agent_api, person_api

CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]
FOR_PEOPLE = ("/decisions/", "/edits/", "/undo/", "/rollback/", "/retry/")

SET_HERE = {"authorization", "cookie", "prefer"}

schema = schemathesis.openapi.from_wsgi(V1 + "schema/", application)


@pytest.fixture
def callers(db: None) -> Iterator[tuple[Api, Api, str]]:
    """An agent, the person who decides, and a proposal of the one for the other; all in one transaction."""
    world = worlds.build()
    agent, owner = agent_api(world.agent), person_api(world.owner)
    proposal = agent.propose()["id"]
    # Each request would close the connection that holds the transaction; Django's own client sees to that itself.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield agent, owner, proposal
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.timeout(300)
@override_settings(AGENT_RATE_PER_MINUTE=1_000_000)
@schema.parametrize()
@hypothesis_settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_the_api_keeps_its_word(case: schemathesis.Case, callers: tuple[Api, Api, str]) -> None:
    agent, owner, proposal = callers
    caller = owner if case.path.endswith(FOR_PEOPLE) else agent
    if "proposal_id" in case.path_parameters:
        case.path_parameters["proposal_id"] = proposal
    unsigned = {name: value for name, value in case.headers.items() if name.lower() not in SET_HERE}
    cookies = {name: morsel.value for name, morsel in caller.client.cookies.items()}
    case.headers, case.cookies = {}, {}
    response = case.call(headers=unsigned | caller.headers, cookies=cookies)
    case.validate_response(response, checks=CHECKS)
