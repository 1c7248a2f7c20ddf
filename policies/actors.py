"""Names of people and agents in the ledger."""

import socket

from django.contrib.auth.models import User

from audit.ledger.entries import SYSTEM, Actor
from policies.models import Agent


def actor(who: User | Agent | None) -> Actor:
    """Return the ledger's name for a person, an agent, or (None) the portal itself."""
    if who is None:
        return SYSTEM
    if isinstance(who, Agent):
        return Actor(f"agent:{who.slug}", who.name)
    return Actor(f"user:{who.pk}", who.get_username())


def command_line() -> Actor:
    """Return the ledger's name for a terminal of this machine, where nobody has proved who they are."""
    return Actor(SYSTEM.ref, f"command line of {socket.gethostname()}")
