"""Verify what the portal posts to a callback address (Standard Webhooks), with nothing but the standard library."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any, Final

from hitl_portal.errors import PortalError

TOLERANCE_SECONDS: Final = 300
_PREFIX: Final = "whsec_"


class CallbackRefused(PortalError):
    """The message is not the portal's, was changed, or is too old."""


def verified_callback(
    secret: str, headers: Mapping[str, str], body: bytes, *, now: float | None = None
) -> dict[str, Any]:
    """Return the message, once it is known to be the portal's own. Raises CallbackRefused.

    `body` is the raw bytes, before any parser. Several secrets, with spaces between them, are each tried while one
    is being changed. Remember `webhook-id`: a repeat of a message carries the same.
    """
    found = {name.lower(): value for name, value in headers.items()}
    identifier, stamp = found.get("webhook-id", ""), found.get("webhook-timestamp", "")
    if not identifier or not stamp.isascii() or not stamp.isdecimal():
        raise CallbackRefused("The message has no id or no time.")
    if abs((time.time() if now is None else now) - int(stamp)) > TOLERANCE_SECONDS:
        raise CallbackRefused("The message is not of this time; is the clock of this machine right?")
    signed = b".".join((identifier.encode(), stamp.encode(), body))
    given = [part.partition(",") for part in found.get("webhook-signature", "").split()]
    signatures = [value.encode() for version, _comma, value in given if version == "v1"]
    expected = [base64.b64encode(hmac.digest(_key(part), signed, hashlib.sha256)) for part in secret.split()]
    if not any(hmac.compare_digest(right, value) for right in expected for value in signatures):
        raise CallbackRefused("The signature is not the portal's.")
    try:
        message = json.loads(body)
    except ValueError:
        raise CallbackRefused("The message is not JSON.") from None
    if not isinstance(message, dict):
        raise CallbackRefused("The message is no object.")
    return message


def _key(secret: str) -> bytes:
    try:
        text = secret.removeprefix(_PREFIX).rstrip("=")
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        raise CallbackRefused("The secret is none of a callback; it begins with whsec_.") from None
