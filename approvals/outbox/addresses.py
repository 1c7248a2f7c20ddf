"""Addresses the portal may connect to. PURE.

An agent names callback addresses and a person names connectors'; neither may turn the portal into
a door to the network it stands in (server-side request forgery).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_LONGEST_URL: Final = 2048
_LAST_PORT: Final = 65_535
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_AUTHORITY = re.compile(
    rf"(?:\[(?P<ipv6>[0-9a-f:.]+)\]|(?P<host>(?=[^:]{{1,253}}(?::|\Z))(?:{_LABEL}\.)*{_LABEL}))(?::(?P<port>[0-9]{{1,5}}))?"
)
_NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*")
_URL_CHARACTERS = re.compile(r"[!-~]+")

# Written out instead of asking `is_global`, whose answers changed between releases of Python.
# IANA special-purpose registries (RFC 6890), and what clouds answer on beside them.
_CLOSED_IPV4: Final = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",  # carrier-grade NAT; also one cloud's metadata
            "127.0.0.0/8",
            "168.63.129.16/32",  # one cloud's host agent, on a public address
            "169.254.0.0/16",  # link-local, metadata
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",  # multicast, reserved, broadcast
        ),
    )
)
_OPEN_IPV6: Final = IPv6Network("2000::/3")  # global unicast; loopback, ULA, link-local lie outside
_CLOSED_IPV6: Final = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # Teredo, benchmarking, ORCHID and other protocol assignments
            "2001:db8::/32",
            "2002::/16",  # 6to4: carries an IPv4 address of anybody's choice
            "3fff::/20",
        ),
    )
)
_NAT64: Final = IPv6Network("64:ff9b::/96")


class DeliveryRefused(Exception):
    """The portal does not connect to this address, now or later; `reason` says why."""

    code = "delivery_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart once: nothing downstream parses it again and understands it differently."""

    scheme: str
    host: str  # lower case, without brackets
    port: int
    path: str  # with the query
    literal: Address | None  # the host, where it is an address itself

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if isinstance(self.literal, IPv6Address) else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def read_url(url: str) -> Target:
    """Take a URL apart, refusing every spelling that two programs might read differently.

    Raises DeliveryRefused: other schemes than http and https, user names, port 0, a trailing dot,
    addresses in decimal, octal, hexadecimal or short form, zones, and anything not plain ASCII.
    """
    if len(url) > _LONGEST_URL:
        raise DeliveryRefused(f"The address is longer than {_LONGEST_URL} characters.")
    if not _URL_CHARACTERS.fullmatch(url) or "\\" in url:
        raise DeliveryRefused("The address has spaces, backslashes or letters that are not plain ASCII.")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise DeliveryRefused("The address is not valid.") from None
    if parts.scheme not in _DEFAULT_PORTS:
        raise DeliveryRefused("The address must begin with https://.")
    if "@" in parts.netloc:
        raise DeliveryRefused("The address must not contain a user name or password.")
    authority = _AUTHORITY.fullmatch(parts.netloc.lower())
    if authority is None:
        raise DeliveryRefused("The address has no valid host name or port.")
    port = int(authority["port"] or _DEFAULT_PORTS[parts.scheme])
    if not 1 <= port <= _LAST_PORT:
        raise DeliveryRefused("The address has no valid port.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if authority["ipv6"]:
        return Target(parts.scheme, authority["ipv6"], port, path, _ipv6(authority["ipv6"]))
    return Target(parts.scheme, authority["host"], port, path, _ipv4(authority["host"]))


def _ipv6(host: str) -> IPv6Address:
    try:
        return IPv6Address(host)
    except ValueError:
        raise DeliveryRefused("The address between the brackets is not IPv6.") from None


def _ipv4(host: str) -> IPv4Address | None:
    """Read a host that ends in a number as an address, strictly; None is a name."""
    if not _NUMERIC_LABEL.fullmatch(host.rsplit(".", 1)[-1]):
        return None
    try:
        return IPv4Address(host)  # four decimal numbers without leading zeros, nothing else
    except ValueError:
        raise DeliveryRefused("Write an IP address as four decimal numbers.") from None


def read_address(text: str) -> Address:
    """Read an address as a resolver gives it; an IPv6 zone is dropped, a mapped IPv4 unwrapped."""
    return unmapped(ip_address(text.partition("%")[0]))


def unmapped(address: Address) -> Address:
    """Return the IPv4 address that an IPv4-mapped IPv6 address stands for."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def is_inside(address: Address, networks: Sequence[Network]) -> bool:
    """Tell whether an address lies in one of the networks."""
    address = unmapped(address)
    return any(address.version == network.version and address in network for network in networks)


def is_public(address: Address) -> bool:
    """Tell whether an address is a single host on the public Internet."""
    address = unmapped(address)
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
        return address in _OPEN_IPV6 and not is_inside(address, _CLOSED_IPV6)
    return not is_inside(address, _CLOSED_IPV4)


def require_allowed(scheme: str, address: Address, networks: Sequence[Network]) -> None:
    """Raise DeliveryRefused unless an address may be connected to over this scheme."""
    if is_inside(address, networks):
        return
    if not is_public(address):
        raise DeliveryRefused("The address is not on the public Internet and in no allowed network.")
    if scheme != "https":
        raise DeliveryRefused("Outside the allowed networks only https:// is used.")
