"""Bodies that two programs could read differently are refused, and the place is named."""

import io
import json
from typing import Any

import pytest

from approvals.models import Proposal
from tests.approvals.api.conftest import SENT, Api, pointers, problem


def body(payload: str) -> bytes:
    return b'{"surface":"ads.budget","action":"a","title":"t","payload":%s}' % payload.encode()


@pytest.mark.parametrize(
    ("payload", "pointer", "code"),
    [
        pytest.param('{"a":1,"a":2}', "/payload/a", "duplicate_key", id="duplicate-key"),
        pytest.param('{"a":NaN}', "/payload/a", "not_a_number", id="not-a-number"),
        pytest.param('{"a":-Infinity}', "/payload/a", "not_a_number", id="infinity"),
        pytest.param('{"a":9007199254740992}', "/payload/a", "number_too_large", id="2-to-the-53"),
        pytest.param('{"a":"x\\u0000"}', "/payload/a", "nul_character", id="nul"),
        pytest.param('{"a":"\\ud800"}', "/payload/a", "invalid_unicode", id="half-a-character"),
        pytest.param('{"a":}', "/payload/a", "malformed_json", id="a-value-is-missing"),
    ],
)
def test_what_is_not_strict_is_named(agent: Api, payload: str, pointer: str, code: str) -> None:
    said = problem(agent.post("proposals/", body(payload)), 400, "malformed_json")
    assert pointers(said) == {pointer: code}
    assert not Proposal.objects.exists()


def test_nesting_over_64_is_refused(agent: Api) -> None:
    said = problem(agent.post("proposals/", body('{"a":' + "[" * 63 + "]" * 63 + "}")), 400, "malformed_json")
    assert list(pointers(said).values()) == ["too_deep"]
    assert agent.post("proposals/", body('{"a":' + "[" * 62 + "]" * 62 + "}")).status_code == 201


def test_a_body_over_a_mebibyte_is_refused(agent: Api) -> None:
    most = 1024 * 1024
    frame = len(body('{"a":""}'))
    assert agent.post("proposals/", body('{"a":"%s"}' % ("x" * (most - frame)))).status_code == 201
    problem(agent.post("proposals/", body('{"a":"%s"}' % ("x" * (most - frame + 1)))), 413, "body_too_large")


def chunked(data: bytes) -> dict[str, Any]:
    """What a server says of a body that came in chunks: no length, and a stream that ends by itself."""
    return {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": io.BytesIO(data)}


def test_a_length_that_lies_or_is_missing_does_not_help(agent: Api) -> None:
    large = body('{"a":"%s"}' % ("x" * 1024 * 1024))
    for environ, code in (({"CONTENT_LENGTH": "10"}, "malformed_json"), (chunked(large), "body_too_large")):
        answer = agent.client.generic(
            "POST", "/api/v1/proposals/", large, "application/json", headers=agent.headers, **environ
        )
        assert json.loads(answer.content)["code"] == code


def test_a_chunked_body_is_read(agent: Api) -> None:
    data = json.dumps(SENT).encode()
    answer = agent.client.generic(
        "POST", "/api/v1/proposals/", data, "application/json", headers=agent.headers, **chunked(data)
    )
    assert answer.status_code == 201


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"]
)
def test_other_content_types_are_refused(agent: Api, kind: str) -> None:
    problem(agent.post("proposals/", SENT, content_type=kind), 415, "unsupported_media_type")


def test_utf_8_may_be_said_aloud(agent: Api) -> None:
    assert agent.post("proposals/", SENT, content_type='application/json; charset="UTF-8"').status_code == 201


@pytest.mark.parametrize("text", [b"[]", b"null", b'"x"', b"5"])
def test_a_body_is_an_object(agent: Api, text: bytes) -> None:
    problem(agent.post("proposals/", text), 422, "invalid_request")
