"""Tell calls of Slack from forged ones (api.slack.com/authentication/verifying-requests-from-slack). PURE."""

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Final

WINDOW: Final = timedelta(minutes=5)
VERSION: Final = "v0"


def sign(secret: str, *, timestamp: str, body: bytes) -> str:
    """Return the signature of a call: over its version, its time in seconds and its raw body."""
    base = b":".join((VERSION.encode(), timestamp.encode(), body))
    return f"{VERSION}={hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()}"


def is_genuine(secret: str, *, timestamp: str, signature: str, body: bytes, at: datetime) -> bool:
    """Whether this very body was signed with `secret`, no longer than WINDOW before or after `at`."""
    if not secret or not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        return False
    # As numbers: no calendar reaches as far as twelve digits do.
    if abs(at.timestamp() - int(timestamp)) > WINDOW.total_seconds():
        return False
    return hmac.compare_digest(sign(secret, timestamp=timestamp, body=body).encode(), signature.encode())
