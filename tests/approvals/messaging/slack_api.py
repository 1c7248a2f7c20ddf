"""A stand-in for Slack's Web API that checks what it gets, as Slack does."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.test import Client
from django.utils import timezone

from approvals.messaging.slack import signatures
from tests.approvals.outbox.servers import answer, serving

TOKEN, SECRET = "xoxb-of-the-tests", "a signing secret of the tests"


@dataclass
class Slack:
    """Keeps the messages that stand in it, by channel and ts. `error` is what it answers instead."""

    error: str = ""
    status: int = 200
    headers: tuple[str, ...] = ()
    messages: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    answers: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    port: int = 0

    def __call__(self, connection: Any, request: bytes) -> None:
        head, _, body = request.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, path, _ = lines[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        assert method == "POST"
        assert headers["content-type"] == "application/json; charset=utf-8"
        self.calls.append(path)
        if self.status != 200:
            connection.sendall(answer(self.status, b"", *self.headers))
            return
        connection.sendall(answer(200, json.dumps(self.handle(path, headers, json.loads(body))).encode()))

    def handle(self, path: str, headers: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
        if path.startswith("/actions/"):
            assert "authorization" not in headers, "the token is for the API alone"
            assert body["response_type"] == "ephemeral"
            self.answers.append(body["text"])
            return {"ok": True}
        if headers.get("authorization") != f"Bearer {TOKEN}":
            return {"ok": False, "error": "invalid_auth"}
        if self.error:
            return {"ok": False, "error": self.error}
        check_blocks(body.get("blocks", []))
        assert body["text"]
        if path == "/api/chat.postMessage":
            assert body["channel"][0] in "UW"
            key = (f"D{body['channel'][1:]}", f"{1_700_000_000 + len(self.messages)}.000100")
            self.messages[key] = body
            return {"ok": True, "channel": key[0], "ts": key[1]}
        assert path == "/api/chat.update", path
        key = (body["channel"], body["ts"])
        if key not in self.messages:
            return {"ok": False, "error": "message_not_found"}
        self.messages[key] = body
        return {"ok": True, "channel": key[0], "ts": key[1]}

    def elements(self, index: int = -1) -> dict[str, dict[str, Any]]:
        """The buttons and menus of one message, by what they do."""
        blocks = [*self.messages.values()][index]["blocks"]
        return {
            element["action_id"]: {**element, "block_id": block.get("block_id", "")}
            for block in blocks
            if block["type"] == "actions"
            for element in block["elements"]
        }

    def text(self, index: int = -1) -> str:
        return json.dumps([*self.messages.values()][index], ensure_ascii=False)

    def press(self, action: str, *, user: str, index: int = -1, reason: str = "", **changed: Any) -> Any:
        """Press a button as Slack tells of it."""
        return call(self.payload(action, user=user, index=index, reason=reason), **changed)

    def payload(self, action: str, *, user: str, index: int = -1, reason: str = "") -> dict[str, Any]:
        element = self.elements(index)[action]
        act: dict[str, Any] = {"action_id": action, "block_id": element["block_id"], "type": element["type"]}
        if "value" in element:
            act["value"] = element["value"]
        if reason:
            assert reason in {option["value"] for option in element["options"]}
            act["selected_option"] = {"value": reason}
        url = f"http://127.0.0.1:{self.port}/actions/T1/{len(self.calls)}"
        return {"type": "block_actions", "user": {"id": user}, "actions": [act], "response_url": url}


def call(payload: Any, *, age: int = 0, secret: str = SECRET, tamper: bool = False, repeat: bool = False) -> Any:
    """Call the hook as Slack does; `age` in seconds."""
    body = urlencode({"payload": json.dumps(payload)}).encode()
    timestamp = str(int(timezone.now().timestamp()) - age)
    signature = signatures.sign(secret, timestamp=timestamp, body=body)
    headers = {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": signature}
    sent = body + b"&more=1" if tamper else body
    client = Client(enforce_csrf_checks=True)
    form = "application/x-www-form-urlencoded"
    first = client.post("/hooks/slack/", sent, content_type=form, headers=headers)
    return client.post("/hooks/slack/", sent, content_type=form, headers=headers) if repeat else first


def check_blocks(blocks: list[dict[str, Any]]) -> None:
    """Refuse what Slack would refuse."""
    assert len(blocks) <= 50
    for block in blocks:
        assert block["type"] in {"section", "actions"}
        assert len(block.get("block_id", "")) <= 255
        if block["type"] == "section":
            assert "text" in block or 1 <= len(block["fields"]) <= 10
            assert len(block.get("text", {"text": "x"})["text"]) in range(1, 3001)
            assert all(1 <= len(one["text"]) <= 2000 for one in block.get("fields", []))
            continue
        assert 1 <= len(block["elements"]) <= 25
        for element in block["elements"]:
            assert len(element.get("value", "")) <= 2000
            assert all(
                len(one["value"]) <= 150 and len(one["text"]["text"]) <= 75 for one in element.get("options", [])
            )


@contextmanager
def slack_api(settings: Any, **options: Any) -> Iterator[Slack]:
    """Run the stand-in, and have the portal speak with it."""
    slack = Slack(**options)
    with serving(slack) as port:
        slack.port = port
        settings.SLACK_BOT_TOKEN, settings.SLACK_SIGNING_SECRET = TOKEN, SECRET
        settings.SLACK_API_URL = f"http://127.0.0.1:{port}/api/"
        yield slack
