"""Read an address as browsers do, to say where it really leads. PURE.

Follows the WHATWG URL standard where it is more generous than RFC 3986: backslashes, missing slashes,
tabs inside, digits in other scripts, one number as an IPv4 address.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

import idna

from policies.guardrails.text.folding import BY_LOOK, folded

WEB: Final = frozenset({"http", "https", "ftp", "ws", "wss"})
_SCHEME: Final = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]{0,40}):")
_AUTHORITY: Final = re.compile(r"[/\\]*+([^/\\?#]*+)")
_HOST: Final = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,62})\.){0,30}[a-z0-9_][a-z0-9_-]{0,62}")
_NUMERIC_END: Final = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
_MERGE_TAG: Final = re.compile(
    r"\s*+(?:\*\|[^|<>\s]{1,100}\|\*|\{\{[^{}<>]{1,200}\}\}|\{%[^%<>]{1,200}%\}|%%[^%<>]{1,100}%%|\$\{[^{}<>]{1,100}\}"
    r"|\[\[[^\[\]<>]{1,100}\]\])(?=[/?#\s]|\*\||\{\{|\Z)"
)
_MERGE_TAG_BEGINS: Final = re.compile(r"\*\||\{\{|\{%|%%|\$\{|\[\[")
_IGNORED: Final = str.maketrans("", "", "\t\n\r")
_TWINS: Final = str.maketrans({"0": "o", "1": "l", "i": "l", "5": "s", "|": "l"})


@dataclass(frozen=True, slots=True)
class Address:
    """Where an address leads. `host` is in ASCII (A-labels), "" where there is none to go to."""

    scheme: str
    host: str = ""
    is_ip: bool = False
    has_userinfo: bool = False
    has_no_scheme: bool = False
    is_readable: bool = True


def read(url: str) -> Address | None:
    """Return where `url` leads; None if it stays where it is (a path, a fragment) or is a merge tag."""
    url = url.strip("".join(map(chr, range(33)))).translate(_IGNORED)
    if not url or _MERGE_TAG.match(url):
        return None
    scheme = _SCHEME.match(url)
    if scheme is None:
        if _MERGE_TAG_BEGINS.match(url):
            return Address("", is_readable=False)  # what follows could change where the tag's value leads
        if not re.match(r"[/\\]{2}", url):
            return None
        return _with_host("", url)
    name = scheme[1].lower()
    return _with_host(name, url[scheme.end() :]) if name in WEB else Address(name)


def _with_host(scheme: str, rest: str) -> Address:
    match = _AUTHORITY.match(rest)
    assert match is not None  # the pattern matches nothing, too
    userinfo, _, place = match[1].rpartition("@")
    host, is_ip = _host(place)
    return Address(
        scheme,
        host=host,
        is_ip=is_ip,
        has_userinfo=bool(userinfo),
        has_no_scheme=not scheme,
        # Browsers end the host at a backslash, other readers do not.
        is_readable=bool(host) and rest[match.end() : match.end() + 1] != "\\",
    )


def _host(place: str) -> tuple[str, bool]:
    if place.startswith("["):
        return place.partition("]")[0][1:].lower(), True
    host = normal_host(unquote(place.rpartition(":")[0] if re.search(r":[0-9]*\Z", place) else place))
    return host, bool(host) and _NUMERIC_END.fullmatch(host) is not None


def normal_host(host: str) -> str:
    """Return a host name in lower case and ASCII, "" if it is none."""
    if len(host) > 253 * 4:
        return ""
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True, transitional=False).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            return ""
    host = host.lower().removesuffix(".")
    return host if len(host) <= 253 and _HOST.fullmatch(host) else ""


def shown_host(host: str) -> str:
    """Return a host name as people would see it."""
    if "xn--" not in host:
        return host
    try:
        return idna.decode(host)
    except (idna.IDNAError, UnicodeError):
        return host


def look(host: str) -> str:
    """Return what a host name looks like; two names that look alike give the same."""
    text = folded(shown_host(host), BY_LOOK).translate(_TWINS)
    return text.replace("rn", "m").replace("vv", "w").replace("cl", "d")
