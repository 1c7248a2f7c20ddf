"""Where the portal listens, and where the services are that it uses."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from hitlportal.environment.reader import Reader


def service(reader: Reader, name: str, schemes: tuple[str, ...]) -> str:
    """Return the address of a service, whose scheme must be one of `schemes`."""
    address = reader.text(name)
    if address and urlsplit(address).scheme not in schemes:
        reader.problems.append(f"{name} must begin with {' or '.join(f'{s}://' for s in schemes)}.")
        return ""
    return address


def database_url(reader: Reader, debug: bool) -> str:
    """Return where the database is; "" for the embedded one, which has to be wanted unless this is a trial."""
    wanted = reader.text("EMBEDDED_DATABASE")
    if wanted not in {"", "accept"}:
        reader.problems.append(f"EMBEDDED_DATABASE: say accept, or leave it out, not {wanted!r}.")
    if not debug and not wanted and not reader.text("DATABASE_URL"):
        reader.problems.append(
            "DATABASE_URL is missing. Name a PostgreSQL of your own; or say EMBEDDED_DATABASE=accept for the one "
            "that comes with the portal, which lives and ends with this machine."
        )
    return service(reader, "DATABASE_URL", ("postgres", "postgresql"))


def host(reader: Reader, debug: bool) -> str:
    """Return where the web server listens; a trial tells too much to whoever asks to listen to other machines."""
    address = reader.text("HOST", "127.0.0.1")
    if debug and not is_loopback(address):
        reader.problems.append(f"HOST: with DEBUG=true the portal listens on this machine only, not on {address}.")
    return address


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches that address."""
    if host == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback
