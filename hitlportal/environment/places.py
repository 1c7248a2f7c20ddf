"""Addresses the portal listens on, and those of the services it uses."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from typing import Any
from urllib.parse import urlsplit

from hitlportal.environment.reader import Reader


def service(reader: Reader, name: str, schemes: tuple[str, ...]) -> str:
    """Return the address of a service, whose scheme must be one of `schemes`."""
    address = reader.text(name)
    if address and urlsplit(address).scheme not in schemes:
        reader.problems.append(f"{name} must begin with {' or '.join(f'{s}://' for s in schemes)}.")
        return ""
    return address


def database_url(reader: Reader, debug: bool) -> str:
    """Return where the database is; "" for the embedded one, which has to be wanted unless this is a trial."""
    wanted = reader.text("EMBEDDED_DATABASE")
    if wanted not in {"", "accept"}:
        reader.problems.append(f"EMBEDDED_DATABASE: say accept, or leave it out, not {wanted!r}.")
    if not debug and not wanted and not reader.text("DATABASE_URL"):
        reader.problems.append(
            "DATABASE_URL is missing. Name a PostgreSQL of your own; or say EMBEDDED_DATABASE=accept for the one "
            "that comes with the portal, which lives and ends with this machine."
        )
    return service(reader, "DATABASE_URL", ("postgres", "postgresql"))


def host(reader: Reader, debug: bool) -> str:
    """Return where the web server listens; a trial tells too much to anyone who asks to listen to other machines."""
    address = reader.text("HOST", "127.0.0.1")
    if debug and not is_loopback(address):
        reader.problems.append(f"HOST: with DEBUG=true the portal listens on this machine only, not on {address}.")
    return address


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches that address."""
    if host == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def services(reader: Reader, debug: bool) -> dict[str, Any]:
    """Return what other programs are reached by, of the fields that are plain text."""
    return {
        "database_url": database_url(reader, debug),
        "redis_url": service(reader, "REDIS_URL", ("redis", "rediss", "redis+socket")),
        "command_password": reader.text("COMMAND_PASSWORD"),
        "command_code": reader.text("COMMAND_CODE"),
        "slack_bot_token": reader.text("SLACK_BOT_TOKEN"),
        "slack_signing_secret": reader.text("SLACK_SIGNING_SECRET"),
        "slack_api_url": _slack_api_url(reader),
        "llm_base_url": _llm_base_url(reader),
        "llm_api_key": reader.text("LLM_API_KEY"),
        "llm_model": reader.text("LLM_MODEL"),
    }


def _llm_base_url(reader: Reader) -> str:
    """Return where a language model is asked, without a slash at the end; "" where none is."""
    url, model = reader.text("LLM_BASE_URL"), reader.text("LLM_MODEL")
    if bool(url) != bool(model):
        reader.problems.append("LLM_BASE_URL and LLM_MODEL belong together: set both.")
    if reader.text("LLM_API_KEY") and not url:
        reader.problems.append("LLM_API_KEY is set without LLM_BASE_URL.")
    try:
        address = urlsplit(url)
        is_usable = address.scheme in {"http", "https"} and bool(address.hostname) and (address.port or 1) > 0
    except ValueError:
        is_usable = False
    if url and (not is_usable or address.username or address.query or address.fragment):
        reader.problems.append("LLM_BASE_URL is no address such as https://host/v1 (the key goes into LLM_API_KEY).")
    return url.rstrip("/")


def _slack_api_url(reader: Reader) -> str:
    """Return where Slack's Web API is, with a slash at the end."""
    if bool(reader.text("SLACK_BOT_TOKEN")) != bool(reader.text("SLACK_SIGNING_SECRET")):
        reader.problems.append("SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET belong together: set both.")
    address = service(reader, "SLACK_API_URL", ("http", "https")) or "https://slack.com/api/"
    return address.rstrip("/") + "/"
