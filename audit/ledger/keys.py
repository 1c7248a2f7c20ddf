"""The keys of the ledger: the one that signs its checkpoints now, and those that did before."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from audit.ledger.notes import VerifierKey

_REMEDY: Final = "Make one with: openssl genpkey -algorithm ed25519"


def origin() -> str:
    """Return the name of this ledger: the portal's address without its scheme, and /ledger."""
    address = urlsplit(settings.SITE_URL)
    return f"{address.netloc}{address.path.rstrip('/')}/ledger"


def signing_key() -> Ed25519PrivateKey:
    """Return the key that signs. Raises ImproperlyConfigured."""
    return _private(settings.LEDGER_SIGNING_KEY)


def verifier_keys(name: str = "") -> tuple[VerifierKey, ...]:
    """Return every key of this portal, the present one first, under `name`; usually that of this ledger.

    A portal that moved to another address has signed under another name with keys that are still its own.
    """
    public = [signing_key().public_key(), *_retired(tuple(settings.LEDGER_RETIRED_KEYS))]
    name = name or origin()
    return tuple(dict.fromkeys(VerifierKey.of(name, key.public_bytes_raw()) for key in public))


@lru_cache(maxsize=4)
def _private(pem: str) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Without the cause: its text may quote the key.
        raise ImproperlyConfigured(f"LEDGER_SIGNING_KEY is no unencrypted private key in PEM. {_REMEDY}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ImproperlyConfigured(f"LEDGER_SIGNING_KEY must be an Ed25519 key. {_REMEDY}")
    return key


@lru_cache(maxsize=4)
def _retired(pems: tuple[str, ...]) -> Sequence[Ed25519PublicKey]:
    keys = []
    for pem in pems:
        try:
            key = load_pem_public_key(pem.encode())
        except (ValueError, UnsupportedAlgorithm):
            raise ImproperlyConfigured("LEDGER_RETIRED_KEYS has what is no public key in PEM form.") from None
        if not isinstance(key, Ed25519PublicKey):
            raise ImproperlyConfigured("LEDGER_RETIRED_KEYS has a key that is not Ed25519.")
        keys.append(key)
    return keys
