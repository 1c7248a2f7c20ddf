"""The demo's executor: a small web service that does what the portal ships to it, once.

Run as `python -m hitlportal.demo.executor FOLDER`. It uses the receiver that comes with the portal and
nothing else of it, as a service of your own would. What it "does" is to write a line to a journal.
"""

import json
import sys
import threading
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import httpx

from hitl_portal.receiver import Accepted, Receiver, Refused, SqliteStore
from hitlportal.demo.memory import Folder, Memory

MOST_BYTES: Final = 2 * 1024 * 1024

Handles = Mapping[tuple[str, str], Collection[str]]

HANDLES: Final[Handles] = {
    (surface, action): {"execute", "rollback"}
    for surface, action in (
        ("email.lifecycle", "send_email"),
        ("ads.budget", "shift_budget"),
        ("pricing.catalog", "change_price"),
        ("crm.segments", "change_segment"),
        ("leads.scoring", "change_weights"),
        ("journeys.lifecycle", "change_wait"),
        ("leads.enrichment", "write_fields"),
        ("ads.creatives", "change_creative"),
        ("ads.bids", "change_bids"),
        ("support.refunds", "job.refund.process"),
        ("support.replies", "send_reply"),
        ("leads.routing", "assign_owner"),
        ("crm.hygiene", "clean_up"),
    )
}
"""What this service does, and takes back; whatever else arrives is refused."""


class Executor:
    """Verifies what arrives and writes it into the journal."""

    def __init__(self, memory: Memory, folder: Folder, handles: Handles) -> None:
        self._portal = memory.portal
        self._journal = folder.journal
        self._lock = threading.Lock()
        self._receiver = Receiver(
            secret=memory.executor_secret,
            jwks=self._fetch_keys,
            issuer=memory.portal,
            audience=memory.audience,
            remember=SqliteStore(folder.deliveries),
            handles=handles,
        )

    def handle(self, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """Return the status and the answer to one message."""
        try:
            with self._receiver.once(headers, body) as delivery:
                if not delivery.replay:
                    delivery.answer = json.dumps({"executed": self._execute(delivery)}).encode()
        except Refused as refused:
            say(f"refused a message: {refused.reason}")
            return refused.status, json.dumps({"error": refused.reason}).encode()
        return 200, delivery.answer or b"{}"

    def _execute(self, delivery: Accepted) -> str:
        grant = delivery.grant
        line = {
            "message": delivery.message_id,
            "proposal": grant["sub"],
            "surface": grant["surface"],
            "action": grant["action"],
            "kind": grant["kind"],
            "digest": grant["digest"],
            "payload": delivery.payload,
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }
        with self._lock, self._journal.open("a", encoding="utf-8") as journal:
            journal.write(json.dumps(line, ensure_ascii=False) + "\n")
            number = journal.tell()
        kind = "" if grant["kind"] == "execute" else f" ({grant['kind']})"
        say(f"executed {grant['surface']} {grant['action']}{kind}; signature and grant verified")
        return f"journal:{number}"

    def _fetch_keys(self) -> dict[str, Any]:
        answer = httpx.get(f"{self._portal}/.well-known/jwks.json", timeout=5, trust_env=False)
        keys: dict[str, Any] = answer.raise_for_status().json()
        return keys


class Handler(BaseHTTPRequestHandler):
    """HTTP around the executor."""

    protocol_version = "HTTP/1.1"
    timeout = 30
    executor: Executor

    def do_POST(self) -> None:
        """Take one message."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            self.close_connection = True
            self._answer(413, b'{"error": "No length, or too long."}')
            return
        body = self.rfile.read(int(length))
        try:
            status, answer = self.executor.handle(dict(self.headers.items()), body)
        except httpx.HTTPError as error:  # the portal's keys cannot be had now; it will try again
            status, answer = 503, json.dumps({"error": str(error)}).encode()
        self._answer(status, answer)

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
        """Say nothing: the executor itself tells what it does."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def serve(memory: Memory, folder: Folder, *, handles: Handles = HANDLES) -> Server:
    """Listen on the port in `memory`, for what is in `handles`; the caller calls `serve_forever`."""
    handler = type("DemoHandler", (Handler,), {"executor": Executor(memory, folder, handles)})
    return Server(("127.0.0.1", memory.executor_port), handler)


def say(text: str) -> None:
    """Print one event at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    state = Folder(Path(sys.argv[1]))
    serve(state.load(), state).serve_forever()
