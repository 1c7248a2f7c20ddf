"""Posts to addresses that other people chose, without becoming their door into our network.

The host is resolved once, every address it has is checked, and the connection goes to a checked
address; the name stays in the Host header and in the TLS handshake. No redirects, no proxies, no
cookies. One deadline covers everything, the name lookup included, and the answer is cut off at a
size, so neither a slow nor a talkative receiver holds a worker.
"""

import queue
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_network
from typing import Final

import certifi
import httpcore
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from approvals.outbox.addresses import (
    Address,
    DeliveryRefused,
    Network,
    Target,
    read_address,
    read_url,
    require_allowed,
)
from approvals.outbox.sockets import Deadline, PinnedBackend

__all__ = ["Answer", "DeliveryFailed", "DeliveryRefused", "check_url", "post"]

LARGEST_BODY: Final = 2 * 2**20
LARGEST_ANSWER: Final = 64 * 2**10

_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")
_HEADER_VALUE: Final = re.compile(r"(?:[!-~](?:[ -~]*[!-~])?)?")
_OWN_HEADERS: Final = frozenset({"host", "content-length", "transfer-encoding", "connection"})
# "identity": an answer is not unpacked, so it cannot be a bomb.
_DEFAULT_HEADERS: Final = {"accept": "application/json", "accept-encoding": "identity", "user-agent": "hitl-portal"}

Resolver = Callable[[str, int], Iterable[str]]


class DeliveryFailed(Exception):
    """The message may not have arrived; `reason` says why, `retryable` whether to try again."""

    code = "delivery_failed"

    def __init__(self, reason: str, *, retryable: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retryable = retryable


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receiver answered, whatever its status. Header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes
    is_truncated: bool
    elapsed_seconds: float


def check_url(url: str) -> None:
    """Raise DeliveryRefused for a URL that could never be delivered to. Looks no name up."""
    target, networks = read_url(url), _allowed_networks()
    if target.literal is not None:
        require_allowed(target.scheme, target.literal, networks)
    elif target.scheme != "https" and not networks:
        raise DeliveryRefused("The address must begin with https://.")


def resolve(host: str, port: int) -> list[str]:
    """Ask the system's resolver for all addresses of a host."""
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in addresses))


def post(
    url: str,
    *,
    body: bytes,
    headers: Mapping[str, str],
    timeout_seconds: float = 10,
    resolver: Resolver = resolve,
) -> Answer:
    """Send one POST request and return the answer, redirects and errors of the receiver included.

    Raises DeliveryRefused for what is never sent: an address that is not allowed, a body over
    2 MiB. Raises DeliveryFailed where the network or the time failed; the receiver may then have
    acted all the same. Reads at most 64 KiB of the answer. Costs one connection.
    """
    deadline = Deadline(timeout_seconds)
    target = read_url(url)
    if len(body) > LARGEST_BODY:
        raise DeliveryRefused(f"The message is larger than {LARGEST_BODY // 2**20} MiB.")
    addresses = _checked_addresses(target, resolver, deadline)
    request = httpcore.Request(
        "POST",
        httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path),
        headers=_request_headers(target, body, headers),
        content=body,
    )
    try:
        return _exchange(request, PinnedBackend(addresses, deadline), deadline)
    except (httpcore.TimeoutException, TimeoutError):
        raise DeliveryFailed(f"There was no complete answer within {timeout_seconds:g} s.") from None
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise DeliveryFailed(_plain(error)) from error


def _exchange(request: httpcore.Request, backend: PinnedBackend, deadline: Deadline) -> Answer:
    context = _tls_context() if request.url.scheme == b"https" else None
    with httpcore.HTTPConnection(request.url.origin, ssl_context=context, network_backend=backend) as connection:
        response = connection.handle_request(request)
        try:
            body = bytearray()
            for part in response.iter_stream():
                body += part
                if len(body) > LARGEST_ANSWER:
                    break
        finally:
            response.close()
    return Answer(
        status=response.status,
        headers=_answer_headers(response.headers),
        body=bytes(body[:LARGEST_ANSWER]),
        is_truncated=len(body) > LARGEST_ANSWER,
        elapsed_seconds=deadline.elapsed(),
    )


def _checked_addresses(target: Target, resolver: Resolver, deadline: Deadline) -> list[Address]:
    """Return the addresses to connect to; one that is not allowed refuses them all."""
    if target.literal is not None:
        addresses = [target.literal]
    else:
        addresses = [read_address(text) for text in _look_up(target, resolver, deadline)]
    networks = _allowed_networks()
    for address in addresses:
        require_allowed(target.scheme, address, networks)
    return addresses


def _look_up(target: Target, resolver: Resolver, deadline: Deadline) -> list[str]:
    """Resolve a name within the deadline: the system's resolver knows none, so a thread waits for it."""
    answers: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(list(resolver(target.host, target.port)))
        except (OSError, UnicodeError) as error:
            answers.put(error if isinstance(error, OSError) else OSError(str(error)))

    threading.Thread(target=ask, name="resolver", daemon=True).start()
    try:
        addresses = answers.get(timeout=deadline.remaining())
    except (queue.Empty, TimeoutError):
        raise DeliveryFailed(f"The name {target.host} was not resolved in time.") from None
    if isinstance(addresses, OSError) or not addresses:
        raise DeliveryFailed(f"The name {target.host} has no address.")
    return addresses


def _request_headers(target: Target, body: bytes, headers: Mapping[str, str]) -> list[tuple[str, str]]:
    given = {name.lower(): value for name, value in headers.items()}
    if taken := sorted(given.keys() & _OWN_HEADERS):
        raise DeliveryRefused(f"The header {taken[0]} is not the caller's to set.")
    for name, value in given.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise DeliveryRefused("A header of the message is not valid.")
    own = {"host": target.authority, "content-length": str(len(body)), "connection": "close"}
    return list((own | _DEFAULT_HEADERS | given).items())


def _answer_headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    kept: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        kept[name] = f"{kept[name]}, {value}" if name in kept else value
    return kept


def _plain(error: Exception) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"The receiver's certificate was not accepted: {cause.verify_message}."
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpcore.ConnectError):
        return "The receiver could not be reached."
    if isinstance(error, httpcore.ProtocolError):
        return "The receiver did not answer in HTTP."
    return "The connection broke before the answer was complete."


@lru_cache(maxsize=1)
def _tls_context() -> ssl.SSLContext:
    """Trust the system's authorities and the packaged ones; loading them takes long, so once."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _allowed_networks() -> tuple[Network, ...]:
    return _networks(tuple(settings.OUTBOUND_ALLOWED_NETWORKS))


@lru_cache(maxsize=8)
def _networks(given: tuple[Network | str, ...]) -> tuple[Network, ...]:
    try:
        return tuple(map(ip_network, given))
    except ValueError as error:
        raise ImproperlyConfigured(f"OUTBOUND_ALLOWED_NETWORKS holds what is no network: {error}.") from error
