"""Requests made up from the OpenAPI document: whatever comes in, what goes out is as described.

Each call is tried with an agent's key and with a person's session, by all of schemathesis's checks. Those
whose call it is send the examples, each bound of each field with what lies beyond it, and whatever chance
gives, valid or not: well over 2,000 requests in all. The others send a few, and are refused.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from django.test import override_settings
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import positive_data_acceptance

from hitlportal.wsgi import application
from tests import world as worlds
from tests.approvals.api.conftest import V1, Api, agent_api, person_api

FOR_PEOPLE = r"/(decisions|edits|undo|rollback|retry)/$"
READ_BY_BOTH = ["list_proposals", "get_proposal"]
# What only the state of the portal can tell, such as surfaces or an item of a checklist, no document can.
BEYOND_A_DOCUMENT = {"invalid_proposal", "invalid_upload", "reason_required"}
UNKNOWN_CALLER = {"not_authenticated", "authentication_failed", "csrf_failed"}


@schemathesis.serializer("application/x-ndjson")
def lines(ctx: Any, value: Any) -> bytes:
    """Send a text as it is; whatever else chance gives, as one line."""
    return (value if isinstance(value, str) else json.dumps(value)).encode("utf-8", "surrogatepass")


def served(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The portal as a server runs it, which says where a request comes from."""
    return application({"REMOTE_ADDR": "127.0.0.1", **environ}, start_response)


def document(*, bounds: bool) -> Any:
    """The OpenAPI document, to be tried with every bound of it or by chance alone. Who calls is ours to say."""
    phases = {"coverage": {"enabled": bounds}}
    config = SchemathesisConfig.from_dict({"generation": {"with-security-parameters": False}, "phases": phases})
    return schemathesis.openapi.from_wsgi(V1 + "schema/", served, config=config)


def made_up(number: int) -> hypothesis_settings:
    return hypothesis_settings(
        max_examples=number,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


@dataclass
class Callers:
    agent: Api
    person: Api
    proposal: dict[str, Any]


@pytest.fixture
def callers(db: None) -> Iterator[Callers]:
    """An agent and the person who decides on what it proposes; all in one transaction."""
    world = worlds.build()
    agent = agent_api(world.agent)
    callers = Callers(agent, person_api(world.owner), agent.propose())
    # Each request would close the connection that holds the transaction; Django's own client sees to that itself.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    with override_settings(AGENT_RATE_PER_MINUTE=1_000_000):
        yield callers
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def check(case: schemathesis.Case, caller: Api, proposal: dict[str, Any], *, is_theirs: bool = True) -> None:
    """Send a request as `caller`, let every check judge the answer, and undo what it did.

    Where the call is theirs, the portal has to know who they are: else every answer would be the same refusal.
    """
    if case.meta.generation.mode.is_positive:
        point_at(case, proposal)
    # A header of cookies would not arrive: the test client writes that header from its own cookies.
    cookies = {name: morsel.value for name, morsel in caller.client.cookies.items()}
    with transaction.atomic():
        response = case.call(headers=caller.headers, cookies=cookies)
        code = code_of(response)
        assert not is_theirs or code not in UNKNOWN_CALLER, response.content
        # The checks repeat requests without credentials; that these had some, they know by the header.
        case.validate_response(
            response,
            headers=caller.headers | ({"Cookie": "; ".join(cookies)} if cookies else {}),
            transport_kwargs={"headers": caller.headers},
            excluded_checks=[positive_data_acceptance] if code in BEYOND_A_DOCUMENT else [],
        )
        transaction.set_rollback(True)


def point_at(case: schemathesis.Case, proposal: dict[str, Any]) -> None:
    """Let a valid request be about a proposal that there is, in the revision that it has."""
    if "proposal_id" in case.path_parameters:
        case.path_parameters["proposal_id"] = proposal["id"]
    if isinstance(case.body, dict) and "digest" in case.body:
        case.body |= {name: proposal["revision"][part] for name, part in (("revision", "number"), ("digest", "digest"))}


def code_of(response: Any) -> str:
    """The code of a refusal; empty for any other answer."""
    return json.loads(response.content)["code"] if response.status_code >= 400 and response.content else ""


@document(bounds=True).exclude(path_regex=FOR_PEOPLE).parametrize()
@made_up(40)
def test_what_agents_call_keeps_its_word(case: schemathesis.Case, callers: Callers) -> None:
    check(case, callers.agent, callers.proposal)


@document(bounds=True).include(path_regex=FOR_PEOPLE).include(operation_id=READ_BY_BOTH).parametrize()
@made_up(40)
def test_what_people_call_keeps_its_word(case: schemathesis.Case, callers: Callers) -> None:
    check(case, callers.person, callers.proposal)


@document(bounds=False).include(path_regex=FOR_PEOPLE).parametrize()
@made_up(15)
def test_what_people_call_refuses_agents(case: schemathesis.Case, callers: Callers) -> None:
    check(case, callers.agent, callers.proposal, is_theirs=False)


@document(bounds=False).exclude(path_regex=FOR_PEOPLE).parametrize()
@made_up(15)
def test_what_agents_call_keeps_its_word_to_people(case: schemathesis.Case, callers: Callers) -> None:
    check(case, callers.person, callers.proposal, is_theirs=False)
