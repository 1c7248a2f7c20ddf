"""Grants: the signed proof that one exact payload may be executed once, and the keys to check it."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final, Literal
from uuid import UUID

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

ALGORITHM: Final = "EdDSA"
TYPE: Final = "hitl-grant+jwt"

Kind = Literal["execute", "rollback"]


@dataclass(frozen=True, slots=True)
class _Keyring:
    private: Ed25519PrivateKey
    id: str
    public: tuple[dict[str, str], ...]


def issue(
    *,
    dispatch_id: UUID,
    proposal_id: UUID,
    revision: int,
    digest: str,
    surface: str,
    action: str,
    connector: str,
    kind: Kind,
    decision: Mapping[str, Any] | None = None,
    at: datetime,
    lifetime: timedelta,
) -> str:
    """Sign a grant (a compact JWS) for one dispatch of one revision, for one connector to use.

    `digest` is `canonical.digest` of the payload's exact bytes; `decision` says who cleared it, when and
    why. Raises ImproperlyConfigured
    without a proper signing key.
    """
    if at.tzinfo is None:
        raise ValueError("a grant's time needs its time zone")
    keys = _current_keys()
    claims = {
        "iss": settings.SITE_URL,
        "aud": connector,
        "jti": str(dispatch_id),
        "sub": str(proposal_id),
        "revision": revision,
        "digest": digest,
        "surface": surface,
        "action": action,
        "kind": kind,
        **({} if decision is None else {"decision": dict(decision)}),
        "iat": int(at.timestamp()),
        "exp": int((at + lifetime).timestamp()),
    }
    return jwt.encode(claims, keys.private, ALGORITHM, headers={"kid": keys.id, "typ": TYPE})


class GrantNotAccepted(ValueError):
    """What was shown is no grant of this portal, or none any more."""


def verify(token: str) -> dict[str, Any]:
    """Return the claims of a grant that this portal has signed and that is still good. Raises GrantNotAccepted."""
    try:
        header = jwt.get_unverified_header(token)
        jwk = next(key for key in public_keys()["keys"] if key["kid"] == header.get("kid"))
        claims: dict[str, Any] = jwt.decode(
            token,
            jwt.PyJWK(jwk, algorithm=ALGORITHM),
            algorithms=[ALGORITHM],
            issuer=settings.SITE_URL,
            # It is for an executor; the portal only sees it again.
            options={"verify_aud": False, "require": ["iss", "jti", "exp", "digest"]},
        )
    except (jwt.PyJWTError, StopIteration, ValueError) as error:
        raise GrantNotAccepted("This is no grant of this portal, or it has expired.") from error
    if header.get("typ") != TYPE:
        raise GrantNotAccepted("This is no grant of this portal, or it has expired.")
    return claims


def public_keys() -> dict[str, Any]:
    """Return the JSON Web Key Set that verifies grants: the current key first, then retired ones."""
    keys = _current_keys()
    return {"keys": [dict(key) for key in keys.public]}


def key_id(pem: str) -> str:
    """Return the `kid` under which the key set will name this signing key. Raises ImproperlyConfigured."""
    return _jwk(_private_key(pem).public_key())["kid"]


def _current_keys() -> _Keyring:
    return _keyring(settings.GRANT_SIGNING_KEY, tuple(settings.GRANT_RETIRED_KEYS))


@lru_cache(maxsize=8)
def _keyring(signing_pem: str, retired_pems: tuple[str, ...]) -> _Keyring:
    """Parse the keys once for as long as the settings stay what they are."""
    private = _private_key(signing_pem)
    keys = [private.public_key(), *map(_retired_key, retired_pems)]
    # A retired key listed twice, or still in use, is served once.
    public = {key["kid"]: key for key in map(_jwk, keys)}
    return _Keyring(private, next(iter(public)), tuple(public.values()))


def _private_key(pem: str) -> Ed25519PrivateKey:
    remedy = "Make one with: openssl genpkey -algorithm ed25519"
    if not pem.strip():
        raise ImproperlyConfigured(f"GRANT_SIGNING_KEY is not set. {remedy}")
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Without the cause: its text may quote the key.
        message = f"GRANT_SIGNING_KEY is not an unencrypted private key in PEM form. {remedy}"
        raise ImproperlyConfigured(message) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ImproperlyConfigured(f"GRANT_SIGNING_KEY must be an Ed25519 key. {remedy}")
    return key


def _retired_key(pem: str) -> Ed25519PublicKey:
    remedy = "It holds the Ed25519 public keys of earlier signing keys. Get one with: openssl pkey -pubout"
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise ImproperlyConfigured(f"GRANT_RETIRED_KEYS has what is no public key in PEM form. {remedy}") from None
    if not isinstance(key, Ed25519PublicKey):
        raise ImproperlyConfigured(f"GRANT_RETIRED_KEYS has a key that is not Ed25519. {remedy}")
    return key


def _jwk(key: Ed25519PublicKey) -> dict[str, str]:
    """Write a public key as RFC 8037 has it, named by its thumbprint (RFC 7638)."""
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    required = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(raw)}
    thumbprint = hashlib.sha256(json.dumps(required, separators=(",", ":"), sort_keys=True).encode())
    return {**required, "kid": _base64url(thumbprint.digest()), "use": "sig", "alg": ALGORITHM}


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
