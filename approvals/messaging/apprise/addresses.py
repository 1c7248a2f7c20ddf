"""Addresses of outside services that messages may go to. PURE.

Apprise knows more than a hundred kinds of address. Some of them read local files, run commands or connect
wherever the address says. Only services with hosts of their own are let through, and of the options
of an address only those that name a place within the service.
"""

import re
from typing import Final
from urllib.parse import parse_qsl, urlsplit

SERVICES: Final = {
    "discord": "Discord",
    "gchat": "Google Chat",
    "opsgenie": "Opsgenie",
    "pagerduty": "PagerDuty",
    "pover": "Pushover",
    "tgram": "Telegram",
    "workflows": "Microsoft Teams",
    "wxteams": "Webex",
}
_OPTIONS: Final = frozenset({"thread", "topic", "region", "ver", "team"})
_WORKFLOW_HOSTS: Final = (".logic.azure.com", ".powerplatform.com")
_CHARACTERS: Final = re.compile(r"[!-~]{1,1000}")


class AddressRefused(ValueError):
    """That is no address that may be told. The message never contains it, as it holds a secret."""

    code = "address_refused"


def check(url: str) -> str:
    """Return the service of an address. Raises AddressRefused."""
    if not _CHARACTERS.fullmatch(url):
        raise AddressRefused("An address has no spaces and at most 1,000 characters.")
    try:
        parts = urlsplit(url)
        options = parse_qsl(parts.query, keep_blank_values=True, max_num_fields=10)
        _port = parts.port
    except ValueError:
        raise AddressRefused("That is no address.") from None
    if parts.scheme not in SERVICES:
        raise AddressRefused(f"The address must begin with one of: {', '.join(f'{one}://' for one in SERVICES)}.")
    if parts.scheme == "workflows" and not (parts.hostname or "").endswith(_WORKFLOW_HOSTS):
        raise AddressRefused(f"The host of a workflow ends in {' or '.join(_WORKFLOW_HOSTS)}.")
    if unknown := sorted({name for name, _value in options if name.lower() not in _OPTIONS}):
        raise AddressRefused(f"The option {unknown[0][:40]} is not allowed.")
    return SERVICES[parts.scheme]
