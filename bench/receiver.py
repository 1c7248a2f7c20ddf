"""A receiver of webhooks on this machine that answers at once and notes when each came."""

import base64
import json
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Arrivals:
    """When the first byte of each webhook came in, by the serial of its payload."""

    def __init__(self) -> None:
        self._times: dict[str, float] = {}
        self._changed = threading.Condition()

    def add(self, grant: str, moment: float) -> None:
        """Note one; a repeat of it changes nothing."""
        with self._changed:
            self._times.setdefault(grant, moment)
            self._changed.notify_all()

    def wait_for(self, number: int, seconds: float) -> None:
        """Return once so many have come. Raises TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._times) >= number, seconds):
                raise TimeoutError(f"{len(self._times)} of {number} webhooks came within {seconds} seconds.")

    def by_proposal(self) -> dict[str, float]:
        """Return when each proposal's came."""
        with self._changed:
            return dict(self._times)


class _Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self) -> None:
        while first := self.rfile.read(1):
            moment = time.perf_counter()
            headers = self._headers(first)
            body = self.rfile.read(int(headers[b"content-length"]))
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
            self.server.arrivals.add(_proposal(headers, body), moment)  # type: ignore[attr-defined]

    def _headers(self, first: bytes) -> dict[bytes, bytes]:
        found = {}
        self.rfile.readline()
        while (line := self.rfile.readline().strip()) != b"":
            name, _, value = line.partition(b":")
            found[name.lower()] = value.strip()
        return found


def _proposal(headers: dict[bytes, bytes], body: bytes) -> str:
    """Return the id of the proposal: the grant names it, and the floor's own header."""
    if b"floor-proposal" in headers:
        return headers[b"floor-proposal"].decode()
    return str(_claims(headers[b"hitl-grant"])["sub"])


def _claims(grant: bytes) -> dict[str, object]:
    part = grant.split(b".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))))


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, arrivals: Arrivals) -> None:
        self.arrivals = arrivals
        super().__init__(("127.0.0.1", 0), _Handler)


@contextmanager
def receiver() -> Iterator[tuple[str, Arrivals]]:
    """Listen; give the address and what comes."""
    with _Server(Arrivals()) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/", server.arrivals
        server.shutdown()
