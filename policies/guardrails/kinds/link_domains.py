"""Links may lead only to the domains that are named."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from policies.guardrails.html import urls
from policies.guardrails.html.links import links
from policies.guardrails.text.reading import Reading, Spot

SCHEMA: Final = {
    "type": "object",
    "additionalProperties": False,
    "required": ["allowed"],
    "properties": {
        "allowed": {
            "type": "array",
            "maxItems": 500,
            "uniqueItems": True,
            "items": {"type": "string", "minLength": 1, "maxLength": 253},
        },
        "schemes": {
            "type": "array",
            "maxItems": 20,
            "uniqueItems": True,
            "items": {"type": "string", "pattern": "^[a-z][a-z0-9+.-]{0,40}$"},
            "default": ["http", "https", "mailto", "tel", "sms", "cid"],
        },
    },
}
_KEPT: Final = 4096


@dataclass(frozen=True, slots=True)
class LinkDomains:
    hosts: frozenset[str]
    parents: tuple[str, ...]
    schemes: frozenset[str]
    looks: Mapping[str, str]

    def __call__(self, readings: Sequence[Reading]) -> Iterator[Spot]:
        """Yield each link that leads elsewhere, hides where it leads, or is not read alike by all."""
        known: dict[str, str] = {}
        for reading in readings:
            for link in links(reading):
                fault = known.get(link.url)
                if fault is None:
                    fault = self._fault(link.url)
                    if len(known) < _KEPT:
                        known[link.url] = fault
                if fault:
                    yield Spot(reading, link.start, link.end, fault)

    def _fault(self, url: str) -> str:  # noqa: PLR0911 (one a fault)
        address = urls.read(url)
        if address is None:
            return ""
        if address.scheme and address.scheme not in self.schemes:
            return f"Links with {address.scheme}: are not allowed."
        if address.scheme and address.scheme not in urls.WEB:
            return ""
        if not address.is_readable:
            return "Where this link leads cannot be read."
        host = urls.shown_host(address.host)
        if address.has_userinfo:
            return f"What stands before the @ hides that this link leads to {host}."
        if not self._is_allowed(address.host):
            return self._elsewhere(address, host)
        return f"This link to {host} leaves out its scheme." if address.has_no_scheme else ""

    def _is_allowed(self, host: str) -> bool:
        return host in self.hosts or host.endswith(self.parents)

    def _elsewhere(self, address: urls.Address, host: str) -> str:
        if address.is_ip:
            return f"This link leads to a bare number, {host}."
        labels = address.host.split(".")
        for first in range(len(labels)):
            domain = ".".join(labels[first:])
            twin = self.looks.get(urls.look(domain))
            if twin and twin != urls.shown_host(domain):
                written = f" (written {address.host})" if host != address.host else ""
                return f"This link leads to {host}{written}, which looks like {twin} and is not."
        return f"This link leads to {host}, which is not among the allowed domains."


def _domain(rule: str) -> str:
    host = urls.normal_host(rule.removeprefix("*."))
    if not host:
        raise ValueError(f"{rule!r} is no domain such as example.com or *.example.com.")
    return host


def prepare(config: Mapping[str, Any], *, has_paths: bool) -> LinkDomains:
    """Make the check. `example.com` is that host alone, `*.example.com` every one below it.

    Raises ValueError if a domain is none.
    """
    rules = [(rule.startswith("*."), _domain(rule)) for rule in config["allowed"]]
    schemes = config.get("schemes", SCHEMA["properties"]["schemes"]["default"])  # type: ignore[index]
    return LinkDomains(
        hosts=frozenset(host for is_parent, host in rules if not is_parent),
        parents=tuple(f".{host}" for is_parent, host in rules if is_parent),
        schemes=frozenset(schemes),
        looks={urls.look(host): urls.shown_host(host) for _, host in rules},
    )
