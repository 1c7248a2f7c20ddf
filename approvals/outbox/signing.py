"""Signs outgoing messages as Standard Webhooks wants it (www.standardwebhooks.com)."""

import base64
import binascii
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from standardwebhooks import Webhook

PREFIX: Final = "whsec_"
_LEAST_KEY_BYTES: Final = 24


class InvalidSecret(ValueError):
    """A webhook secret that cannot sign; the message never contains it."""

    code = "invalid_webhook_secret"


def headers(*, secret: str, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return the three headers that prove origin, time and body of a message.

    `secret` may hold several secrets with spaces between them, newest first: while a secret is
    being changed, every one of them signs. `body` is UTF-8 text; `at` knows its time zone.
    Raises InvalidSecret.
    """
    if at.tzinfo is None:
        raise ValueError("a signature's time needs its time zone")
    keys = [_key(part) for part in secret.split()]
    if not keys:
        raise InvalidSecret("No webhook secret is set.")
    # The package reads the clock face as UTC, whatever zone it was in.
    at = at.astimezone(UTC)
    text = body.decode("utf-8")
    signatures = [Webhook(key).sign(message_id, at, text) for key in keys]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def json_headers(secret: str, *, message_id: UUID, body: bytes) -> dict[str, str]:
    """Return the headers of a JSON message that is sent now, signed. Raises InvalidSecret."""
    signed = headers(secret=secret, message_id=str(message_id), at=datetime.now(UTC), body=body)
    return {"Content-Type": "application/json", **signed}


def _key(secret: str) -> bytes:
    """Decode one secret strictly: the package would skip over characters that are not base64."""
    text = secret.removeprefix(PREFIX).rstrip("=")
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidSecret('A webhook secret is "whsec_" followed by base64.') from None
    if len(key) < _LEAST_KEY_BYTES:
        raise InvalidSecret(f"A webhook secret needs at least {_LEAST_KEY_BYTES} bytes.")
    return key
