"""The network underneath `http`: connections to checked addresses only, under one deadline."""

import socket
import ssl
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpcore

from approvals.outbox.addresses import Address


class Deadline:
    """A moment after which nothing is waited for any more."""

    def __init__(self, seconds: float) -> None:
        self._started = time.monotonic()
        self._seconds = seconds

    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self._started

    def remaining(self) -> float:
        """Return the seconds that are left; raise TimeoutError when none are."""
        left = self._seconds - self.elapsed()
        if left <= 0:
            raise TimeoutError
        return left


@contextmanager
def _translated(broken: type[Exception], late: type[Exception]) -> Iterator[None]:
    """Raise httpcore's exceptions for the socket's."""
    try:
        yield
    except TimeoutError as error:
        raise late(str(error)) from error
    except OSError as error:
        raise broken(str(error)) from error


class PinnedBackend(httpcore.NetworkBackend):
    """Connects to the given addresses, whatever name it is asked for; tries them in turn."""

    def __init__(self, addresses: Sequence[Address], deadline: Deadline) -> None:
        self._addresses = addresses
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers; `host` is not looked up again."""
        waiting = len(self._addresses)
        for address in self._addresses:
            # Its share of the time, so that one dead address does not use it all up.
            share = self._remaining() / waiting
            waiting -= 1
            try:
                connection = socket.create_connection((str(address), port), timeout=share)
            except OSError as error:
                last: OSError = error
                continue
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return _Stream(connection, self._deadline)
        with _translated(httpcore.ConnectError, httpcore.ConnectTimeout):
            raise last

    def _remaining(self) -> float:
        with _translated(httpcore.ConnectError, httpcore.ConnectTimeout):
            return self._deadline.remaining()


class _Stream(httpcore.NetworkStream):
    """A socket whose every step has only the time that the whole exchange has left."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._connection = connection
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with _translated(httpcore.ReadError, httpcore.ReadTimeout):
            self._connection.settimeout(self._deadline.remaining())
            return self._connection.recv(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        with _translated(httpcore.WriteError, httpcore.WriteTimeout):
            while buffer:
                self._connection.settimeout(self._deadline.remaining())
                buffer = buffer[self._connection.send(buffer) :]

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            with _translated(httpcore.ConnectError, httpcore.ConnectTimeout):
                self._connection.settimeout(self._deadline.remaining())
                secured = ssl_context.wrap_socket(self._connection, server_hostname=server_hostname)
        except httpcore.NetworkError:
            self.close()
            raise
        return _Stream(secured, self._deadline)

    def close(self) -> None:
        self._connection.close()

    def get_extra_info(self, info: str) -> Any:
        """Return what httpcore asks about a connection."""
        if info == "ssl_object" and isinstance(self._connection, ssl.SSLSocket):
            return self._connection
        return None
