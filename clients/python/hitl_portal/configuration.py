"""The portal's address and the caller's key: given, or read from the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from hitl_portal.errors import NotConfigured

URL_VARIABLE: Final = "HITL_PORTAL_URL"
KEY_VARIABLE: Final = "HITL_PORTAL_KEY"
_KEY: Final = re.compile(r"[\x21-\x7e]{1,500}")


@dataclass(frozen=True)
class Configuration:
    """The portal's address without a path of the API, and the agent's key, which nothing prints."""

    url: str
    key: str = field(repr=False)

    def headers(self) -> dict[str, str]:
        """Return what every request carries."""
        return {
            "Authorization": f"Bearer {self.key}",
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": "hitl-portal-python",
        }


def configured(url: str | None, key: str | None, environment: Mapping[str, str] = os.environ) -> Configuration:
    """Check what was given, or what the environment says. Raises NotConfigured; the message never shows the key."""
    address = (url or environment.get(URL_VARIABLE, "")).strip().rstrip("/").removesuffix("/api/v1")
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise NotConfigured(f"Say where the portal is, e.g. https://portal.example.com, in {URL_VARIABLE}.")
    if parts.username is not None or parts.query or parts.fragment:
        raise NotConfigured(f"{URL_VARIABLE} is an address alone, without a name, a query or a fragment.")
    secret = (key or environment.get(KEY_VARIABLE, "")).strip()
    if not secret:
        raise NotConfigured(f"Say the agent's key in {KEY_VARIABLE}; `manage.py create_agent` prints it once.")
    if not _KEY.fullmatch(secret):
        raise NotConfigured(f"{KEY_VARIABLE} holds characters that no key has; copy it once more.")
    return Configuration(address, secret)
