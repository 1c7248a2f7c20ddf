"""Speak with Slack's Web API, through the same guarded door as every other address."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.conf import settings

from approvals.messaging.message import Digest, Message, NotSent
from approvals.messaging.slack.blocks import blocks, digest_blocks, plain, plain_heading
from approvals.outbox import backoff, http

SECONDS: Final = 8
OUR_FAULT: Final = frozenset({"invalid_auth", "not_authed", "account_inactive", "token_revoked", "missing_scope"})
LATER: Final = frozenset({"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable"})


@dataclass(frozen=True, slots=True)
class Posted:
    """Where a message stands, so that it can be changed later."""

    channel: str
    ts: str


def post(message: Message, *, to: str) -> Posted:
    """Send a message to one Slack user. Raises NotSent."""
    answer = _call("chat.postMessage", {"channel": to, "text": plain(message), "blocks": blocks(message), **_QUIET})
    return Posted(str(answer.get("channel", "")), str(answer.get("ts", "")))


def post_digest(digest: Digest, *, to: str) -> None:
    """Send several notices as one message to one Slack user. Raises NotSent."""
    text = plain_heading(digest.heading)
    _call("chat.postMessage", {"channel": to, "text": text, "blocks": digest_blocks(digest), **_QUIET})


def update(message: Message, posted: Posted) -> None:
    """Put other words in place of a message. Raises NotSent."""
    _update(posted, text=plain(message), parts=blocks(message))


def withdraw(text: str, posted: Posted) -> None:
    """Put one sentence in place of a message, and nothing else. Raises NotSent."""
    _update(posted, text=text, parts=[])


def say(text: str, *, to: str) -> None:
    """Send one sentence to a Slack user. Raises NotSent."""
    _call("chat.postMessage", {"channel": to, "text": text, **_QUIET})


def answer(text: str, *, url: str) -> None:
    """Answer who pressed a button, at the address that came with the press. Raises NotSent."""
    body = {"text": text, "response_type": "ephemeral", "replace_original": False}
    _send(url, body, headers={})


_QUIET: Final = {"unfurl_links": False, "unfurl_media": False}


def _update(posted: Posted, *, text: str, parts: list[dict[str, Any]]) -> None:
    _call("chat.update", {"channel": posted.channel, "ts": posted.ts, "text": text, "blocks": parts})


def _call(method: str, body: dict[str, Any]) -> dict[str, Any]:
    if not settings.SLACK_BOT_TOKEN:
        raise NotSent("Slack is not set up.", is_final=True)
    headers = {"Authorization": f"Bearer {settings.SLACK_BOT_TOKEN}"}
    sent = _send(f"{settings.SLACK_API_URL}{method}", body, headers=headers)
    try:
        answer = json.loads(sent.body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise NotSent("Slack did not answer in JSON.", is_channel_down=True)
    if answer.get("ok") is True:
        return answer
    error = str(answer.get("error", ""))[:80]
    raise NotSent(
        f"Slack answered {error}.",
        is_channel_down=error in OUR_FAULT | LATER,
        is_final=error not in OUR_FAULT | LATER,
        after=backoff.retry_after(sent.headers, datetime.now(UTC)),
    )


def _send(url: str, body: dict[str, Any], *, headers: dict[str, str]) -> http.Answer:
    data = json.dumps(body, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json; charset=utf-8", **headers}
    try:
        sent = http.post(url, body=data, headers=headers, timeout_seconds=SECONDS)
    except http.DeliveryRefused as error:
        raise NotSent(error.reason, is_final=True) from error
    except http.DeliveryFailed as error:
        raise NotSent(error.reason, is_channel_down=True) from error
    if sent.status == 429 or sent.status >= 500:
        wait = backoff.retry_after(sent.headers, datetime.now(UTC))
        raise NotSent(f"Slack answered {sent.status}.", is_channel_down=True, after=wait)
    if sent.status >= 300:
        raise NotSent(f"Slack answered {sent.status}.", is_final=True)
    return sent
