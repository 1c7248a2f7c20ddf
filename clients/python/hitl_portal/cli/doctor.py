"""`hitl doctor`: what is wrong with address, key, mandate or clock, in that order."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import httpx

from hitl_portal.configuration import Configuration, configured
from hitl_portal.errors import NotConfigured

MOST_SECONDS_APART: Final = 60
TIMEOUT_SECONDS: Final = 10.0


class Finding(NamedTuple):
    """One thing that was looked at."""

    is_well: bool
    text: str


def add_to(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser("doctor", help="say what is wrong with address, key, mandates and clock")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Print every finding; 1 if one of them is not well."""
    is_well = True
    for finding in findings():
        is_well = is_well and finding.is_well
        sys.stdout.write(f"{'ok  ' if finding.is_well else 'FAIL'}  {finding.text}\n")
    return 0 if is_well else 1


def findings(transport: httpx.BaseTransport | None = None) -> Iterator[Finding]:
    """Look at one thing after the other, and stop where the next would only fail for the same reason."""
    try:
        configuration = configured(None, None)
    except NotConfigured as error:
        yield Finding(is_well=False, text=str(error))
        return
    yield _address(configuration)
    with httpx.Client(base_url=configuration.url, timeout=TIMEOUT_SECONDS, transport=transport) as http:
        try:
            health = http.get("/healthz")
            answer = http.get("/api/v1/surfaces/", headers=configuration.headers())
        except httpx.TransportError as error:
            yield Finding(is_well=False, text=f"{configuration.url} does not answer: {type(error).__name__}.")
            return
    yield _clock(health)
    yield from _key_and_mandates(answer)


def _address(configuration: Configuration) -> Finding:
    parts = urlsplit(configuration.url)
    is_local = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if parts.scheme == "http" and not is_local:
        return Finding(is_well=False, text=f"{configuration.url} is not encrypted: anybody on the way reads the key.")
    return Finding(is_well=True, text=f"The portal is {configuration.url}.")


def _clock(answer: httpx.Response) -> Finding:
    try:
        apart = (datetime.now(timezone.utc) - parsedate_to_datetime(answer.headers["date"])).total_seconds()
    except (KeyError, ValueError, TypeError):
        return Finding(is_well=True, text="The portal does not say what time it is; the clock was not compared.")
    if abs(apart) > MOST_SECONDS_APART:
        way = "ahead of" if apart > 0 else "behind"
        return Finding(is_well=False, text=f"This machine's clock is {abs(apart):.0f} s {way} the portal's.")
    return Finding(is_well=True, text="The clocks agree.")


def _key_and_mandates(answer: httpx.Response) -> Iterator[Finding]:
    if answer.status_code == 401:
        yield Finding(is_well=False, text="The key is not a live one: it was revoked, or is another portal's.")
        return
    try:
        surfaces = answer.json()["results"] if answer.status_code == 200 else None
    except (ValueError, KeyError, TypeError):
        surfaces = None
    if surfaces is None:
        yield Finding(is_well=False, text=f"It answers {answer.status_code}, and not as a HITL Portal does.")
        return
    yield Finding(is_well=True, text="The key is live.")
    if not surfaces:
        yield Finding(is_well=False, text="The agent has no mandate: ask a portal admin for one.")
    for surface in surfaces:
        is_enabled = surface["is_enabled"]
        text = f"May propose on {surface['slug']} ({surface['tier']}, {surface['owner']} decides)."
        yield Finding(is_enabled, text if is_enabled else f"The surface {surface['slug']} is switched off.")
