"""What the receiver refuses: what its service does not handle, and whatever is no proper grant."""

import base64
import json
from itertools import islice

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.conf import settings as portal
from hypothesis import given, settings
from hypothesis import strategies as st

from approvals.shipping import grants
from hitl_portal.receiver import LONGEST_GRANT, MemoryStore, NotHandled, Refused
from hitlportal.demo import executor
from hitlportal.demo.scenario import proposals
from tests.clients.test_receiver import key, message, receiver  # noqa: F401  # a fixture


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"action": "pause", "kind": "rollback"}, id="rolls-back-what-it-only-does"),
        pytest.param({"action": "raise_budget"}, id="another-action"),
        pytest.param({"surface": "email.lifecycle"}, id="the-same-action-elsewhere"),
        pytest.param({"kind": "preview"}, id="a-kind-of-tomorrow"),
        pytest.param({"action": "Shift_budget"}, id="another-spelling"),
        pytest.param({"action": ""}, id="no-action"),
    ],
)
def test_what_the_service_did_not_name_is_refused(changes):
    store, executed = MemoryStore(), []
    with pytest.raises(NotHandled) as caught, receiver(store).once(*message(**changes)):
        executed.append(1)
    assert (caught.value.status, executed) == (422, [])
    assert not store._leases
    assert not store._answers


def test_what_the_service_named_is_let_through():
    for changes in ({"kind": "rollback"}, {"action": "pause"}):
        with receiver().once(*message(**changes)) as delivery:
            assert not delivery.replay


def test_a_service_that_names_nothing_handles_nothing():
    with pytest.raises(NotHandled):
        receiver(handles={}).accept(*message())


@pytest.mark.parametrize("kinds", ["execute", {"ship"}, ["execute", "roll back"]])
def test_kinds_that_do_not_exist_are_refused_at_once(kinds):
    with pytest.raises(ValueError, match="execute and rollback"):
        receiver(handles={("ads.budget", "shift_budget"): kinds})


def test_the_demos_executor_names_what_the_demo_proposes():
    acts = [*proposals.rehearsed(), *islice(proposals.further(), 20)]
    proposed = {(act.proposal["surface"], act.proposal["action"]) for act in acts}
    assert len(proposed) > 5
    assert proposed <= executor.HANDLES.keys()


# Malformed grants


def claims_and_header(headers):
    claims = jwt.decode(headers["HITL-Grant"], options={"verify_signature": False})
    return claims, {"kid": grants.public_keys()["keys"][0]["kid"], "typ": "hitl-grant+jwt"}


def must_refuse(headers, body, token):
    """A malformed grant raises Refused, never anything else, and nothing is remembered."""
    store = MemoryStore()
    with pytest.raises(Refused):
        receiver(store).accept(headers | {"HITL-Grant": token}, body)
    assert not store._leases


def encoded(part) -> str:
    text = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def signed(private, header: bytes, payload: bytes) -> str:
    head = f"{encoded(header)}.{encoded(payload)}"
    return f"{head}.{encoded(private.sign(head.encode()))}"


NO_TOKENS = [
    "", " ", ".", "..", "...", "a.b.c", "a.b.c.d.e", "\x00", "é.é.é", "=.=.=", "A" * 100_000, "." * 9000,
    "[" * 5000, None, 7, b"a.b.c", ["a"], {}, "eyJhbGciOiJub25lIn0..", "null.null.null",
]  # fmt: skip


@pytest.mark.parametrize("token", NO_TOKENS, ids=lambda token: repr(token)[:24])
def test_what_is_no_token_is_refused(token):
    must_refuse(*message(), token)


def test_a_message_without_a_grant_is_refused():
    headers, body = message()
    del headers["HITL-Grant"]
    with pytest.raises(Refused):
        receiver().accept(headers, body)


HEADERS = [
    {}, [], None, 1, "x", {"alg": None}, {"alg": ["EdDSA"]}, {"alg": "none"}, {"alg": "HS256"}, {"alg": "EdDSA"},
    {"alg": "EdDSA", "typ": None}, {"alg": "EdDSA", "typ": ["hitl-grant+jwt"]}, {"alg": "EdDSA", "typ": "JWT"},
    {"alg": "EdDSA", "typ": "hitl-grant+jwt"}, {"alg": "EdDSA", "typ": "hitl-grant+jwt", "kid": None},
    {"alg": "EdDSA", "typ": "hitl-grant+jwt", "kid": ["x"]}, {"alg": "EdDSA", "typ": "hitl-grant+jwt", "kid": 7},
    {"alg": "EdDSA", "typ": "hitl-grant+jwt", "kid": "nobody"},
]  # fmt: skip


@pytest.mark.parametrize("header", HEADERS, ids=str)
def test_headers_of_other_tokens_are_refused(header, key):  # noqa: F811
    headers, body = message()
    claims, _ = claims_and_header(headers)
    must_refuse(headers, body, signed(key, json.dumps(header).encode(), json.dumps(claims).encode()))


STRANGE = [
    {"alg": "none"}, {"alg": "HS256"}, {"alg": "eddsa"}, {"alg": ["EdDSA"]}, {"alg": None}, {"alg": 1},
    {"b64": False, "crit": ["b64"]}, {"crit": ["exp"]}, {"crit": 1},
]  # fmt: skip


@pytest.mark.parametrize("more", STRANGE, ids=str)
def test_a_genuine_key_with_a_strange_header_is_refused(more, key):  # noqa: F811
    headers, body = message()
    claims, header = claims_and_header(headers)
    text = json.dumps({"alg": "EdDSA", **header, **more}).encode()
    must_refuse(headers, body, signed(key, text, json.dumps(claims).encode()))


DEEP = b"[" * 2500 + b"]" * 2500


NO_CLAIMS = [b"", b"null", b"[]", b"7", b"{", b"\xff", b"\x00", DEEP, b"{}", b'{"exp":' + DEEP + b"}"]


@pytest.mark.parametrize("payload", NO_CLAIMS, ids=lambda payload: repr(payload)[:16])
def test_payloads_that_are_no_claims_are_refused(payload, key):  # noqa: F811
    headers, body = message()
    _, header = claims_and_header(headers)
    must_refuse(headers, body, signed(key, json.dumps({"alg": "EdDSA", **header}).encode(), payload))


def test_a_deep_header_is_refused(key):  # noqa: F811
    must_refuse(*message(), signed(key, DEEP, b"{}"))


def test_a_huge_grant_is_refused_unread(key):  # noqa: F811
    headers, body = message()
    claims, header = claims_and_header(headers)
    huge = jwt.encode(claims | {"note": "x" * LONGEST_GRANT}, key, "EdDSA", headers=header)
    must_refuse(headers, body, huge)


WRONG = [None, True, False, "", "7", 7, -1, 1.5, 1e400, float("nan"), 10**400, [], ["execute"], {}, {"a": 1}, "\u0000"]
NAMES = ("iss", "aud", "jti", "sub", "iat", "exp", "revision", "digest", "surface", "action", "kind")


@pytest.mark.parametrize("name", NAMES)
def test_claims_that_are_missing_or_of_a_wrong_type_are_refused(name, key):  # noqa: F811
    headers, body = message()
    claims, header = claims_and_header(headers)
    head = json.dumps({"alg": "EdDSA", **header}).encode()
    must_refuse(headers, body, signed(key, head, json.dumps({k: v for k, v in claims.items() if k != name}).encode()))
    for wrong in WRONG:
        if (name, type(wrong)) == ("revision", int) or (name, wrong) == ("exp", 10**400):
            continue  # a number, and so a proper one
        if name == "iat" and type(wrong) is int and wrong < 10:
            continue  # long ago
        if name == "sub" and isinstance(wrong, str):
            continue  # which proposal it is, the service cannot check
        must_refuse(headers, body, signed(key, head, json.dumps(claims | {name: wrong}).encode()))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150)
@given(
    header=st.dictionaries(st.sampled_from(("alg", "typ", "kid", "crit", "b64", "jwk", "x5c", "zip")), JSON),
    claims=st.dictionaries(st.sampled_from(NAMES), JSON, min_size=1),
    is_genuine=st.booleans(),
)
def test_any_json_in_a_signed_grant_is_refused_or_was_right(header, claims, is_genuine):
    headers, body = message()
    real, head = claims_and_header(headers)
    header = {"alg": "EdDSA", **head} | ({} if is_genuine else header)
    token = signed(
        load_pem_private_key(portal.GRANT_SIGNING_KEY.encode(), None),
        json.dumps(header).encode(),
        json.dumps(real | claims).encode(),
    )
    try:
        accepted = receiver().accept(headers | {"HITL-Grant": token}, body)
    except Refused:
        return
    untouched = {"iss", "aud", "jti", "digest", "surface", "action", "kind", "exp"}
    assert {name: accepted.grant[name] for name in untouched - {"exp"}} == {
        name: real[name] for name in untouched - {"exp"}
    }


@settings(max_examples=300)
@given(token=st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: raw.decode("latin-1")))
def test_any_text_as_a_grant_is_refused(token):
    headers, body = message()
    must_refuse(headers, body, token)


@settings(max_examples=300)
@given(data=st.data())
def test_a_grant_damaged_anywhere_is_refused(data):
    headers, body = message()
    token = headers["HITL-Grant"]
    place = data.draw(st.integers(0, len(token) - 2))
    other = data.draw(st.characters(codec="latin-1").filter(lambda one: one != token[place]))
    must_refuse(headers, body, token[:place] + other + token[place + 1 :])


@settings(max_examples=200)
@given(name=st.sampled_from(("webhook-id", "webhook-timestamp", "webhook-signature")), value=st.text(max_size=60))
def test_any_webhook_header_is_refused(name, value):
    headers, body = message()
    with pytest.raises(Refused):
        receiver().accept(headers | {name: value}, body)
