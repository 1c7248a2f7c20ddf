"""Standard Webhooks signatures."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from approvals.outbox.signing import InvalidSecret, headers
from policies.registry import signing_secrets
from tests import vectors


def sign(secret: str, body: bytes = b'{"a":"\xc3\xa9"}', at: datetime | None = None) -> dict[str, str]:
    return headers(secret=secret, message_id="msg_1", at=at or datetime.now(UTC), body=body)


def test_published_vector():
    for vector in json.loads((vectors.folder("standard-webhooks") / "vector.json").read_bytes()):
        signed = headers(
            secret=vector["secret"],
            message_id=vector["id"],
            at=datetime.fromtimestamp(vector["timestamp"], UTC),
            body=vector["payload"].encode(),
        )
        assert signed == {
            "webhook-id": vector["id"],
            "webhook-timestamp": str(vector["timestamp"]),
            "webhook-signature": vector["signature"],
        }


def test_receivers_verify_it_and_notice_every_change():
    secret = signing_secrets.new()
    signed = sign(secret)
    assert Webhook(secret).verify(b'{"a":"\xc3\xa9"}', signed) == {"a": "é"}
    for changed in [{"webhook-id": "msg_2"}, {"webhook-timestamp": str(int(signed["webhook-timestamp"]) + 1)}]:
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(b'{"a":"\xc3\xa9"}', signed | changed)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(b'{"a":"e"}', signed)


def test_while_secrets_change_each_of_them_signs():
    new, old = signing_secrets.new(), signing_secrets.new()
    signed = sign(f"{new} {old}")
    assert len(signed["webhook-signature"].split(" ")) == 2
    for secret in (new, old):
        Webhook(secret).verify(b'{"a":"\xc3\xa9"}', signed)
    with pytest.raises(WebhookVerificationError):
        Webhook(signing_secrets.new()).verify(b'{"a":"\xc3\xa9"}', signed)


def test_the_time_zone_does_not_matter():
    at = datetime(2026, 11, 20, 6, 0, 0, 999_999, tzinfo=UTC)
    assert sign("whsec_" + "A" * 32, at=at) == sign(
        "whsec_" + "A" * 32, at=at.astimezone(timezone(timedelta(hours=5, minutes=30)))
    )
    with pytest.raises(ValueError, match="time zone"):
        sign("whsec_" + "A" * 32, at=datetime(2026, 11, 20))


def test_new_secrets_hold_32_random_bytes():
    made = {signing_secrets.new() for _ in range(50)}
    assert len(made) == 50
    assert all(len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32 for secret in made)


@pytest.mark.parametrize("secret", ["", "  ", "whsec_", "whsec_AAAA", "whsec_" + "!" * 32, "whsec_" + "é" * 32])
def test_poor_secrets_are_refused_without_being_quoted(secret):
    with pytest.raises(InvalidSecret) as refused:
        sign(secret)
    assert secret.strip().removeprefix("whsec_") == "" or secret.removeprefix("whsec_") not in str(refused.value)
