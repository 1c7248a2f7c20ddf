"""Messages to a callback address: verified with the standard library, as strictly as with the package."""

import json
import time
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from hitl_portal import CallbackRefused, verified_callback

SECRET = "whsec_" + "A" * 43 + "="
BODY = json.dumps({"type": "proposal.approved"}).encode()


def signed(body: bytes = BODY, *, secret: str = SECRET, at: float | None = None) -> dict[str, str]:
    moment = datetime.fromtimestamp(time.time() if at is None else at, UTC)
    signature = Webhook(secret).sign("m1", moment, body.decode())
    return {"Webhook-Id": "m1", "webhook-timestamp": str(int(moment.timestamp())), "webhook-signature": signature}


def test_a_message_is_read_and_an_old_secret_still_counts():
    other = "whsec_" + "B" * 43 + "="
    assert verified_callback(SECRET, signed(), BODY) == {"type": "proposal.approved"}
    assert verified_callback(f"{other} {SECRET}", signed(), BODY) == {"type": "proposal.approved"}


# Signed in the test: a signature holds for five minutes only.
REFUSED = [
    (signed, BODY + b" ", "signature"),
    (lambda: signed(secret="whsec_" + "B" * 43 + "="), BODY, "signature"),
    (lambda: signed() | {"Webhook-Id": "m2"}, BODY, "signature"),
    (lambda: signed() | {"webhook-signature": ""}, BODY, "signature"),
    (lambda: signed() | {"webhook-signature": "v1a," + "A" * 43}, BODY, "signature"),
    (lambda: signed(at=time.time() - 3600), BODY, "time"),
    (lambda: signed(at=time.time() + 3600), BODY, "time"),
    (lambda: signed() | {"webhook-timestamp": "soon"}, BODY, "time"),
    (dict, BODY, "id"),
    (lambda: signed(b"[]"), b"[]", "object"),
    (lambda: signed(b"{"), b"{", "JSON"),
]


@pytest.mark.parametrize(("headers", "body", "reason"), REFUSED)
def test_what_is_not_the_portals_is_refused(headers, body, reason):
    with pytest.raises(CallbackRefused, match=reason):
        verified_callback(SECRET, headers(), body)
