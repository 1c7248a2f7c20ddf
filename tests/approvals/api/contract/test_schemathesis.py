"""Requests made up from the OpenAPI document: whatever comes in, what goes out is as described.

Each call is tried with an agent's key and with a person's session, by all checks of schemathesis: with
examples, with each bound of each field and what lies beyond it, and at random, valid and not. About 2,000
requests in all.
"""

from collections.abc import Iterator

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from django.test import override_settings
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from schemathesis.config import SchemathesisConfig

from hitlportal.wsgi import application
from tests import world as worlds
from tests.approvals.api.conftest import V1, Api, agent_api, person_api

CALLERS = ("agent", "person")
SET_HERE = {"authorization", "cookie", "prefer", "x-csrftoken"}
FAILS: dict = {}
N = [0]


def served(environ, start_response):
    """The portal as a server runs it: it says where a request comes from."""
    return application({"REMOTE_ADDR": "127.0.0.1", **environ}, start_response)


def document(**phases):
    config = SchemathesisConfig.from_dict({"generation": {"with-security-parameters": False}, "phases": phases})
    return schemathesis.openapi.from_wsgi(V1 + "schema/", served, config=config)


SETTINGS = hypothesis_settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
schema = document()


@pytest.fixture
def callers(db: None) -> Iterator[tuple[dict[str, Api], str]]:
    """An agent, the person who decides, and a proposal of the one for the other; all in one transaction."""
    world = worlds.build()
    agent, owner = agent_api(world.agent), person_api(world.owner)
    proposal = agent.propose()["id"]
    # Each request would close the connection that holds the transaction; Django's own client sees to that itself.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield {"agent": agent, "person": owner}, proposal
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.parametrize("who", CALLERS)
@override_settings(AGENT_RATE_PER_MINUTE=1_000_000)
@schema.parametrize()
@hypothesis_settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_the_api_keeps_its_word(case: schemathesis.Case, who: str, callers: tuple[dict[str, Api], str]) -> None:
    people, proposal = callers
    caller = people[who]
    N[0] += 1
    unsigned = {name: value for name, value in case.headers.items() if name.lower() not in SET_HERE}
    cookies = {name: morsel.value for name, morsel in caller.client.cookies.items()}
    case.cookies = {}
    case.headers = {}
    with transaction.atomic():
        response = case.call(headers=unsigned | caller.headers, cookies=cookies)
        try:
            case.validate_response(
                response,
                headers=dict(caller.headers),
                transport_kwargs={"headers": dict(caller.headers), "cookies": cookies},
            )
        except BaseException as e:
            m = case.meta.phase
            for x in getattr(e, "exceptions", [e]):
                k = (
                    who,
                    case.operation.label,
                    type(x).__name__,
                    str(x)[:160],
                    str(getattr(m.data, "description", ""))[:60],
                    response.status_code,
                )
                FAILS.setdefault(
                    k,
                    (
                        response.status_code,
                        str(getattr(m.data, "description", ""))[:200],
                        str(response.request.url)[:150],
                        str(response.request.body)[:200],
                        response.text[:300],
                    ),
                )
        transaction.set_rollback(True)


def test_z():
    print(N)
    import collections

    print(collections.Counter((k[0], k[1], k[2], k[5]) for k in FAILS))
    for k, v in FAILS.items():
        print(k, v, "\n")
    assert 0
