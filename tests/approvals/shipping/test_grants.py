"""Grants and the keys that verify them."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import jwt
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from django.core.exceptions import ImproperlyConfigured

from approvals.shipping import grants
from tests import vectors

DISPATCH = UUID("01935a4e-0000-7000-8000-000000000001")
PROPOSAL = UUID("01935a4e-0000-7000-8000-000000000002")
DIGEST = "sha256:" + "0" * 64


def private_pem(key, encryption=None) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()).decode()


def public_pem(key) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.fixture
def key(settings):
    made = ed25519.Ed25519PrivateKey.generate()
    settings.SITE_URL = "https://portal.example.com"
    settings.GRANT_SIGNING_KEY = private_pem(made)
    settings.GRANT_RETIRED_KEYS = []
    return made


def grant(**changes) -> str:
    facts = {
        "dispatch_id": DISPATCH,
        "proposal_id": PROPOSAL,
        "revision": 2,
        "digest": DIGEST,
        "surface": "ads.budget",
        "action": "shift_budget",
        "connector": "ads-webhook",
        "kind": "execute",
        "at": datetime.now(UTC),
        "lifetime": timedelta(minutes=5),
    }
    return grants.issue(**(facts | changes))


def verify(token: str) -> dict:
    """Verify as a receiver does: by the served keys alone."""
    served = {entry["kid"]: entry for entry in grants.public_keys()["keys"]}
    used = jwt.PyJWK(served[jwt.get_unverified_header(token)["kid"]])
    return jwt.decode(token, used, algorithms=["EdDSA"], audience="ads-webhook", issuer="https://portal.example.com")


def unpack(part: str) -> dict:
    return json.loads(base64.urlsafe_b64decode(part + "=="))


def pack(value) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def test_a_grant_says_exactly_what_may_be_done(key):
    at = datetime.now(UTC)
    token = grant(at=at, kind="rollback")
    assert verify(token) == {
        "iss": "https://portal.example.com",
        "aud": "ads-webhook",
        "jti": str(DISPATCH),
        "sub": str(PROPOSAL),
        "revision": 2,
        "digest": DIGEST,
        "surface": "ads.budget",
        "action": "shift_budget",
        "kind": "rollback",
        "iat": int(at.timestamp()),
        "exp": int((at + timedelta(minutes=5)).timestamp()),
    }
    header = jwt.get_unverified_header(token)
    assert header == {"alg": "EdDSA", "typ": "hitl-grant+jwt", "kid": grants.public_keys()["keys"][0]["kid"]}


def test_served_keys_are_public_and_named_by_their_thumbprint(settings):
    # The key and thumbprint of RFC 8037, appendix A.
    seed = base64.urlsafe_b64decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
    settings.GRANT_SIGNING_KEY = private_pem(ed25519.Ed25519PrivateKey.from_private_bytes(seed))
    settings.GRANT_RETIRED_KEYS = []
    assert grants.public_keys() == {
        "keys": [
            {
                "crv": "Ed25519",
                "kty": "OKP",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
                "use": "sig",
                "alg": "EdDSA",
            }
        ]
    }


def test_after_rotation_old_grants_verify_as_long_as_the_retired_key_is_served(key, settings):
    old_token = grant()
    new = ed25519.Ed25519PrivateKey.generate()
    older = ed25519.Ed25519PrivateKey.generate()
    settings.GRANT_SIGNING_KEY = private_pem(new)
    settings.GRANT_RETIRED_KEYS = [public_pem(key), public_pem(older), public_pem(key)]
    assert len(grants.public_keys()["keys"]) == 3
    assert verify(old_token)["jti"] == str(DISPATCH)
    new_token = grant()
    assert verify(new_token)["jti"] == str(DISPATCH)
    assert jwt.get_unverified_header(new_token)["kid"] == grants.public_keys()["keys"][0]["kid"]
    settings.GRANT_RETIRED_KEYS = []
    with pytest.raises(KeyError):
        verify(old_token)


def test_no_claim_and_no_header_can_be_changed(key):
    header, claims, signature = grant().split(".")
    for name, value in unpack(claims).items():
        changed = value + 1 if isinstance(value, int) else value + "x"
        with pytest.raises(jwt.InvalidSignatureError):
            verify(f"{header}.{pack(unpack(claims) | {name: changed})}.{signature}")
    with pytest.raises(jwt.InvalidSignatureError):
        verify(f"{pack(unpack(header) | {'typ': 'JWT'})}.{claims}.{signature}")


def test_another_algorithm_is_not_accepted(key):
    header, claims, _ = grant().split(".")
    served = grants.public_keys()["keys"][0]
    none = f"{pack(unpack(header) | {'alg': 'none'})}.{claims}."
    confused = f"{pack(unpack(header) | {'alg': 'HS256'})}.{claims}"
    for secret in (public_pem(key).encode(), base64.urlsafe_b64decode(served["x"] + "=")):
        mac = hmac.new(secret, confused.encode(), hashlib.sha256).digest()
        with pytest.raises(jwt.InvalidAlgorithmError):
            verify(f"{confused}.{pack(mac)}")
    with pytest.raises(jwt.InvalidTokenError):
        verify(none)


def test_a_grant_expires_and_serves_one_connector(key):
    with pytest.raises(jwt.ExpiredSignatureError):
        verify(grant(at=datetime.now(UTC) - timedelta(minutes=6)))
    with pytest.raises(jwt.InvalidAudienceError):
        verify(grant(connector="crm-webhook"))
    with pytest.raises(ValueError, match="time zone"):
        grant(at=datetime(2026, 11, 20))


@pytest.mark.parametrize(
    ("pem", "hint"),
    [
        pytest.param("", "is not set", id="missing"),
        pytest.param("hunter2", "PEM", id="not-a-key"),
        pytest.param(private_pem(rsa.generate_private_key(65537, 2048)), "Ed25519", id="rsa"),
        pytest.param(private_pem(ec.generate_private_key(ec.SECP256R1())), "Ed25519", id="ec"),
        pytest.param(public_pem(ed25519.Ed25519PrivateKey.generate()), "private key", id="public"),
        pytest.param(
            private_pem(ed25519.Ed25519PrivateKey.generate(), BestAvailableEncryption(b"x")),
            "unencrypted",
            id="encrypted",
        ),
    ],
)
def test_a_wrong_signing_key_says_what_to_do(settings, pem, hint):
    settings.GRANT_RETIRED_KEYS = []
    settings.GRANT_SIGNING_KEY = pem
    for use in (grant, grants.public_keys):
        with pytest.raises(ImproperlyConfigured, match=hint) as refused:
            use()
        assert "openssl genpkey -algorithm ed25519" in str(refused.value)
        assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("pem", "hint"),
    [
        pytest.param("hunter2", "no public key", id="not-a-key"),
        pytest.param(private_pem(ed25519.Ed25519PrivateKey.generate()), "no public key", id="private"),
        pytest.param(public_pem(rsa.generate_private_key(65537, 2048)), "not Ed25519", id="rsa"),
    ],
)
def test_a_wrong_retired_key_says_what_to_do(key, settings, pem, hint):
    settings.GRANT_RETIRED_KEYS = [pem]
    with pytest.raises(ImproperlyConfigured, match=hint) as refused:
        grants.public_keys()
    assert "openssl pkey -pubout" in str(refused.value)


def test_the_verification_underneath_passes_the_published_vectors():
    suite = json.loads((vectors.folder("ed25519") / "ed25519_test.json").read_bytes())
    algorithm = jwt.get_algorithm_by_name("EdDSA")
    seen = set()
    for group in suite["testGroups"]:
        public = ed25519.Ed25519PublicKey.from_public_bytes(bytes.fromhex(group["publicKey"]["pk"]))
        for case in group["tests"]:
            message, signature = bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"])
            is_valid = case["result"] == "valid"
            assert algorithm.verify(message, public, signature) is is_valid, case["tcId"]
            if not is_valid:
                with pytest.raises(InvalidSignature):
                    public.verify(signature, message)
            seen.add(case["result"])
    assert seen == {"valid", "invalid"}
