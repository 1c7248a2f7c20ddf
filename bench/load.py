"""A closed-loop load generator: a few clients, each sends its next request when it has the answer.

Bare sockets, because a comfortable HTTP client would cost more than the server that is measured.
"""

import socket
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass
class Result:
    """What a run gave: latencies in seconds, in the order they ended, and answers by status."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """Return a latency in milliseconds; `share` runs from 0 to 1."""
        return percentile(self.latencies, share) * 1000


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` of `values` lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def request(path: str, *, headers: Mapping[str, str], body: bytes) -> bytes:
    """Return the bytes of one POST request on a connection that stays open."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def run(port: int, requests: Sequence[bytes], *, clients: int) -> Result:
    """Send all `requests` to 127.0.0.1:`port`, `clients` at a time."""
    result, waiting, lock = Result(), iter(requests), threading.Lock()

    def work() -> None:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while True:
                with lock:
                    message = next(waiting, None)
                if message is None:
                    return
                begun = time.perf_counter()
                connection.sendall(message)
                status = _read(connection)
                took = time.perf_counter() - begun
                with lock:
                    result.latencies.append(took)
                    result.statuses[status] += 1

    threads = [threading.Thread(target=work) for _ in range(clients)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    result.seconds = time.perf_counter() - begun
    return result


def _read(connection: socket.socket) -> int:
    """Read one answer with a Content-Length and return its status."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(connection)
    head, _, rest = data.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
    )
    while len(rest) < length:
        rest += _more(connection)
    return int(head[9:12])


def _more(connection: socket.socket) -> bytes:
    chunk = connection.recv(65536)
    if not chunk:
        raise ConnectionError("The server closed the connection.")
    return chunk
