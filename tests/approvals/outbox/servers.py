"""Far sides for tests: real servers on this machine, one thread each."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Handle = Callable[[socket.socket, bytes], None]


def read_request(connection: socket.socket) -> bytes:
    """Read one request with a Content-Length."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return data
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@contextmanager
def serving(handle: Handle, *, family: int = socket.AF_INET, wrap=None) -> Iterator[int]:
    """Serve each connection with `handle(connection, request)`; yield the port."""
    listener = socket.create_server(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0), family=family)

    def serve_one(connection: socket.socket) -> None:
        try:
            with wrap(connection) if wrap else connection as secured:
                secured.settimeout(10)
                handle(secured, read_request(secured))
        except OSError:
            connection.close()  # the client gave up, as some tests want it to

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve_one, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def answer(status: int, body: bytes = b"", *headers: str) -> bytes:
    """Write a complete answer."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
