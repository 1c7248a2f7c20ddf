"""The one place that reads the process environment, and the typed result of reading it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from zoneinfo import available_timezones

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.core.exceptions import ImproperlyConfigured
from django.http.request import validate_host

from hitlportal.environment.places import host, services
from hitlportal.environment.reader import Reader, private_folder
from hitlportal.environment.sign_in import SignIn, read_sign_in

SHORTEST_SECRET_KEY = 50
SHORTEST_METRICS_TOKEN = 20
PEM_PUBLIC_END = "-----END PUBLIC KEY-----"


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Everything the environment decides, already checked. `docs/configuration.md` explains each."""

    debug: bool
    var: Path
    secret_key: str
    secret_key_fallbacks: list[str]
    allowed_hosts: list[str]
    site_url: str
    tls_certificate: Path | None
    tls_private_key: Path | None
    trust_x_forwarded_proto: bool
    grant_signing_key: str
    grant_retired_keys: list[str]
    ledger_signing_key: str
    ledger_retired_keys: list[str]
    database_url: str
    redis_url: str
    email: dict[str, Any]
    default_from_email: str
    outbound_allowed_networks: list[IPv4Network | IPv6Network]
    agent_rate_per_minute: int
    upload_max_rows: int
    upload_max_bytes: int
    command_password: str
    command_code: str
    slack_bot_token: str
    slack_signing_secret: str
    slack_api_url: str
    llm_base_url: str
    llm_api_key: str
    llm_model: str
    sign_in: SignIn
    metrics_token: str
    log_level: str
    time_zone: str
    host: str
    port: int
    web_workers: int
    web_threads: int
    notice_workers: int

    @property
    def is_https(self) -> bool:
        """People reach the portal over HTTPS."""
        return self.site_url.startswith("https://")


def new_signing_key() -> str:
    """Return a new Ed25519 private key as PKCS8 PEM."""
    return (
        Ed25519PrivateKey.generate()
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        .decode("ascii")
    )


def _secret_key(reader: Reader, debug: bool) -> str:
    how = "Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(64))'."
    secret_key = reader.generated("SECRET_KEY", debug, lambda: secrets.token_urlsafe(64), how)
    if secret_key and len(secret_key) < SHORTEST_SECRET_KEY:
        reader.problems.append(f"SECRET_KEY is too short: {SHORTEST_SECRET_KEY} characters at least.")
    return secret_key


def _signing_key(reader: Reader, name: str, debug: bool) -> str:
    how = "Make one: openssl genpkey -algorithm ed25519."
    pem = reader.generated(name, debug, new_signing_key, how).replace("\\n", "\n")
    if pem:
        _check_signing_key(reader, name, pem)
    return pem


def _check_signing_key(reader: Reader, name: str, pem: str) -> None:
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        reader.problems.append(f"{name} is not a PEM private key without a password.")
        return
    if not isinstance(key, Ed25519PrivateKey):
        reader.problems.append(f"{name} is not an Ed25519 key.")


def _signing_keys(reader: Reader, debug: bool) -> tuple[str, str]:
    """Return the keys of grants and of the ledger, which are two: who may sign one may not sign the other."""
    grants, ledger = (_signing_key(reader, name, debug) for name in ("GRANT_SIGNING_KEY", "LEDGER_SIGNING_KEY"))
    if grants and (_public(grants) or grants) == (_public(ledger) or ledger):
        reader.problems.append("LEDGER_SIGNING_KEY is the key of GRANT_SIGNING_KEY. Take another one.")
    return grants, ledger


def _public(pem: str) -> bytes:
    """Return the public half of a private key; nothing where it cannot be read."""
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return b""
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _retired_keys(reader: Reader, name: str) -> list[str]:
    text = reader.text(name).replace("\\n", "\n")
    pems = [f"{part.strip()}\n{PEM_PUBLIC_END}\n" for part in text.split(PEM_PUBLIC_END)[:-1]]
    rest = text.rsplit(PEM_PUBLIC_END, 1)[-1].strip()
    for pem in [*pems, *([rest] if rest else [])]:
        try:
            key = serialization.load_pem_public_key(pem.encode())
        except (ValueError, UnsupportedAlgorithm):
            reader.problems.append(f"{name} holds something that is no PEM public key.")
            continue
        if not isinstance(key, Ed25519PublicKey):
            reader.problems.append(f"{name} holds a key that is not Ed25519.")
    return pems


def _check_https(reader: Reader, site_url: str, debug: bool) -> None:
    """Check where people reach the portal; with DEBUG off that is HTTPS and nothing else."""
    certificate, key = reader.text("TLS_CERTIFICATE"), reader.text("TLS_PRIVATE_KEY")
    if bool(certificate) != bool(key):
        reader.problems.append("TLS_CERTIFICATE and TLS_PRIVATE_KEY belong together: set both.")
    address = urlsplit(site_url)
    if site_url and (address.scheme not in {"http", "https"} or not address.netloc):
        reader.problems.append(f"SITE_URL: {site_url!r} is no address such as https://host.")
        return
    if debug:
        return
    if not site_url:
        reader.problems.append("SITE_URL is missing. Say where people reach it: https://host.")
    elif address.scheme != "https":
        reader.problems.append("SITE_URL must begin with https://.")
    if not certificate and not key and not reader.flag("TRUST_X_FORWARDED_PROTO"):
        reader.problems.append(
            "HTTPS is not set up. Set TLS_CERTIFICATE and TLS_PRIVATE_KEY, or, behind a proxy that "
            "terminates TLS and sets X-Forwarded-Proto, TRUST_X_FORWARDED_PROTO=true."
        )


def _hosts(reader: Reader, site_url: str, debug: bool) -> list[str]:
    hosts = reader.words("ALLOWED_HOSTS")
    if not hosts and debug:
        return ["localhost", "127.0.0.1", "[::1]"]
    if not hosts:
        reader.problems.append("ALLOWED_HOSTS is missing. List the host names, with commas.")
    if "*" in hosts and not debug:
        reader.problems.append("ALLOWED_HOSTS: name the hosts, * admits any.")
    site = urlsplit(site_url).hostname or ""
    if site and hosts and not validate_host(f"[{site}]" if ":" in site else site, hosts):
        reader.problems.append(f"SITE_URL: its host {site} is not among ALLOWED_HOSTS.")
    return hosts


def _metrics_token(reader: Reader) -> str:
    token = reader.text("METRICS_TOKEN")
    if token and len(token) < SHORTEST_METRICS_TOKEN:
        reader.problems.append(f"METRICS_TOKEN is too short: {SHORTEST_METRICS_TOKEN} characters at least.")
    return token


def _time_zone(reader: Reader) -> str:
    name = reader.text("TIME_ZONE", "UTC")
    if name not in available_timezones():
        reader.problems.append(f"TIME_ZONE: {name!r} is no time zone such as Europe/Berlin.")
        return "UTC"
    return name


def _email(reader: Reader, debug: bool, var: Path) -> dict[str, Any]:
    default = "smtp://localhost:25"
    if debug and not reader.text("EMAIL_URL"):
        default = f"filemail:///{quote(str(private_folder(var / 'mail')))}"
    try:
        return dict(reader.env.email_url_config(reader.text("EMAIL_URL", default)))
    except (KeyError, ValueError, ImproperlyConfigured):
        reader.problems.append("EMAIL_URL is no address such as smtp+tls://user:password@host:587.")
        return {}


def _log_level(reader: Reader) -> str:
    level = reader.text("LOG_LEVEL", "INFO").upper()
    if level not in {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}:
        reader.problems.append(f"LOG_LEVEL: {level!r} is no level. Say DEBUG, INFO or WARNING.")
    return level


def standalone() -> dict[str, str]:
    """Return an environment for commands that serve nobody: what they would sign or seal, nobody else could open."""
    keys = {name: new_signing_key() for name in ("GRANT_SIGNING_KEY", "LEDGER_SIGNING_KEY")}
    return {"DEBUG": "true", "SECRET_KEY": secrets.token_urlsafe(64), **keys}


def _capacities(reader: Reader) -> dict[str, Any]:
    """Return how much the portal takes on at once."""
    return {
        "agent_rate_per_minute": reader.whole("AGENT_RATE_PER_MINUTE", 1200, 1, 1_000_000),
        "upload_max_rows": reader.whole("UPLOAD_MAX_ROWS", 250_000, 1, 10_000_000),
        "upload_max_bytes": reader.whole("UPLOAD_MAX_BYTES", 128 * 1024 * 1024, 1024, 16 * 1024**3),
        "web_workers": reader.whole("WEB_WORKERS", 2, 1, 64),
        "web_threads": reader.whole("WEB_THREADS", 16, 1, 512),
        "notice_workers": reader.whole("NOTICE_WORKERS", 1, 0, 16),
    }


def read(source: Mapping[str, str], *, default_var: Path) -> Environment:
    """Read and check the environment.

    Raises ImproperlyConfigured, whose message lists everything that is wrong or missing at once.
    """
    var = Path(source.get("VAR_DIR", "") or default_var).absolute()
    reader = Reader(source, var)
    debug = reader.flag("DEBUG")
    port = reader.whole("PORT", 8000, 1, 65535)
    site_url = reader.text("SITE_URL", f"http://127.0.0.1:{port}" if debug else "").rstrip("/")
    _check_https(reader, site_url, debug)
    grant_key, ledger_key = _signing_keys(reader, debug)
    environment = Environment(
        debug=debug,
        var=var,
        secret_key=_secret_key(reader, debug),
        secret_key_fallbacks=reader.words("SECRET_KEY_FALLBACKS"),
        allowed_hosts=_hosts(reader, site_url, debug),
        site_url=site_url,
        tls_certificate=reader.file("TLS_CERTIFICATE"),
        tls_private_key=reader.file("TLS_PRIVATE_KEY"),
        trust_x_forwarded_proto=reader.flag("TRUST_X_FORWARDED_PROTO"),
        grant_signing_key=grant_key,
        grant_retired_keys=_retired_keys(reader, "GRANT_RETIRED_KEYS"),
        ledger_signing_key=ledger_key,
        ledger_retired_keys=_retired_keys(reader, "LEDGER_RETIRED_KEYS"),
        email=_email(reader, debug, var),
        default_from_email=reader.text("DEFAULT_FROM_EMAIL", "hitl-portal@localhost"),
        outbound_allowed_networks=reader.networks("OUTBOUND_ALLOWED_NETWORKS"),
        sign_in=read_sign_in(reader, debug),
        metrics_token=_metrics_token(reader),
        log_level=_log_level(reader),
        time_zone=_time_zone(reader),
        host=host(reader, debug),
        port=port,
        **services(reader, debug),
        **_capacities(reader),
    )
    _refuse(reader.problems)
    return environment


def _refuse(problems: list[str]) -> None:
    """Stop the start if there are problems, and tell all of them."""
    if not problems:
        return
    problem_lines = "\n".join(f"  - {problem}" for problem in dict.fromkeys(problems))
    raise ImproperlyConfigured(
        f"The portal does not start, because its settings are not complete:\n{problem_lines}\n"
        "docs/configuration.md explains each setting. To try the portal on this machine only, "
        "set DEBUG=true: what is missing is then made up and kept in var/."
    )
