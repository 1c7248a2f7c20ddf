"""The environment in which everything is measured: production settings, embedded PostgreSQL, own state."""

import os
import secrets
import subprocess
from pathlib import Path

import django
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

CHECKOUT = Path(__file__).resolve().parent.parent
STATE = Path(os.environ.get("BENCH_VAR", CHECKOUT / "var" / "bench"))
# What a proxy that terminates TLS would add; without it the portal sends everybody to https.
BEHIND_PROXY = {"X-Forwarded-Proto": "https"}


def _key() -> str:
    key = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return key.decode()


def prepare() -> None:
    """Set this process's environment, which the servers inherit, and set Django up."""
    grants, ledger = _key(), _key()
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    os.environ.update(
        DJANGO_SETTINGS_MODULE="hitlportal.settings",
        VAR_DIR=str(STATE),
        DEBUG="false",
        EMBEDDED_DATABASE="accept",
        SECRET_KEY=secrets.token_urlsafe(64),
        ALLOWED_HOSTS="127.0.0.1,testserver",
        SITE_URL="https://127.0.0.1",
        TRUST_X_FORWARDED_PROTO="true",
        GRANT_SIGNING_KEY=grants,
        LEDGER_SIGNING_KEY=ledger,
        OUTBOUND_ALLOWED_NETWORKS="127.0.0.0/8",
        AGENT_RATE_PER_MINUTE="1000000",
        LOG_LEVEL="WARNING",
    )
    STATE.mkdir(parents=True, exist_ok=True)
    django.setup()


def where() -> str:
    """Describe the machine in one line, for the foot of the table."""
    version = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return f"{os.cpu_count()} cores, revision {version.stdout.strip() or 'unknown'}"
