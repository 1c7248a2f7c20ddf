"""Settings of signing in, from the environment."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from hitlportal.environment.reader import Reader

WANTING: Final = frozenset({"signature", "publish"})
UNMAPPED: Final = ("refuse", "admit")
AS_JSON: Final = '{"CN=legal,OU=Groups,DC=corp": "Legal"}'
# What stands before a value in a distinguished name (RFC 4514, and what directories add); no group is named so.
_IN_NAME: Final = re.compile(
    r"(?:cn|ou?|dc|uid|l|st|s|c|t|g|i|sn|gn|street|postalcode|serialnumber|title|givenname|surname|initials"
    r"|e|email|emailaddress|mail|description|member|memberof|samaccountname|userprincipalname|(?:oid\.)?\d+(?:\.\d+)+)",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class OpenIdConnect:
    """One identity provider, and which of its groups gives which role."""

    issuer: str
    client_id: str
    client_secret: str
    name: str
    groups_claim: str
    group_map: dict[str, str]
    admits_unmapped: bool

    @property
    def provider_id(self) -> str:
        """Return what names this provider in the database: another issuer's `sub` is another person's."""
        return f"oidc-{hashlib.sha256(self.issuer.encode()).hexdigest()[:16]}"


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """How people sign in, and where one factor is too little."""

    oidc: OpenIdConnect | None
    require_second_factor: frozenset[str]


def read_sign_in(reader: Reader, debug: bool) -> SignIn:
    """Read it; what is wrong is added to the reader's problems."""
    wanted = frozenset(reader.words("REQUIRE_SECOND_FACTOR"))
    if unknown := sorted(wanted - WANTING):
        reader.problems.append(f"REQUIRE_SECOND_FACTOR: say signature, publish or both, not {', '.join(unknown)}.")
    return SignIn(oidc=_oidc(reader, debug), require_second_factor=wanted & WANTING)


def _oidc(reader: Reader, debug: bool) -> OpenIdConnect | None:
    issuer, client_id = reader.text("OIDC_ISSUER"), reader.text("OIDC_CLIENT_ID")
    secret = reader.text("OIDC_CLIENT_SECRET")
    if not (issuer or client_id or secret):
        return None
    if not (issuer and client_id and secret):
        reader.problems.append("OIDC_ISSUER, OIDC_CLIENT_ID and OIDC_CLIENT_SECRET belong together: set all three.")
        return None
    _check_issuer(reader, issuer, debug)
    unmapped = reader.text("OIDC_UNMAPPED", "refuse").lower()
    if unmapped not in UNMAPPED:
        reader.problems.append(f"OIDC_UNMAPPED: say refuse or admit, not {unmapped!r}.")
    return OpenIdConnect(
        issuer=issuer,
        client_id=client_id,
        client_secret=secret,
        name=reader.text("OIDC_NAME", "single sign-on"),
        groups_claim=reader.text("OIDC_GROUPS_CLAIM", "groups"),
        group_map=_group_map(reader),
        admits_unmapped=unmapped == "admit",
    )


def _check_issuer(reader: Reader, issuer: str, debug: bool) -> None:
    address = urlsplit(issuer)
    schemes = {"https", "http"} if debug else {"https"}
    if address.scheme not in schemes or not address.netloc or address.query or address.fragment:
        reader.problems.append("OIDC_ISSUER is no address such as https://id.example.com/realms/staff.")


def _group_map(reader: Reader) -> dict[str, str]:
    """Return role by group, from `group=role, group=role` or, for groups whose names hold commas, a JSON object."""
    text = reader.text("OIDC_GROUP_MAP")
    pairs = _json_pairs(reader, text) if text.startswith(("{", "[")) else _plain_pairs(reader)
    groups: dict[str, str] = {}
    for group, role in pairs:
        if group in groups:
            reader.problems.append(f"OIDC_GROUP_MAP: {group!r} stands there twice.")
        groups[group] = role
    return groups


def _json_pairs(reader: Reader, text: str) -> list[tuple[str, str]]:
    try:
        # As pairs, since an object forgets which of its names stand there twice.
        pairs = json.loads(text, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        pairs = None
    if not isinstance(pairs, _Pairs) or not all(_is_name(group) and _is_name(role) for group, role in pairs):
        reader.problems.append(f"OIDC_GROUP_MAP: this is no JSON object of groups and roles, such as {AS_JSON}.")
        return []
    return [(group.strip(), str(role).strip()) for group, role in pairs]


class _Pairs(list[tuple[str, object]]):
    """The names and values of a JSON object."""


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _plain_pairs(reader: Reader) -> list[tuple[str, str]]:
    pairs = []
    for part in reader.words("OIDC_GROUP_MAP"):
        group, is_pair, role = (side.strip() for side in part.rpartition("="))
        if _IN_NAME.fullmatch(group) or "\\" in part:
            reader.problems.append(
                f"OIDC_GROUP_MAP: {part!r} looks like a piece of a distinguished name, which commas would cut up. "
                f"Write groups with such names as JSON: {AS_JSON}"
            )
        elif group and is_pair and role and ";" not in part and not group.endswith("="):
            pairs.append((group, role))
        else:
            reader.problems.append(
                f"OIDC_GROUP_MAP: {part!r} is no pair such as staff-legal=Legal. Commas stand between pairs; groups "
                f"whose names hold other signs are written as JSON: {AS_JSON}"
            )
    return pairs
