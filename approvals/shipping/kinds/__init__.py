"""The kinds of connector. Each is a module here and one row of KINDS."""

from collections.abc import Mapping
from typing import Final

from approvals.shipping.kinds import gate, pull, webhook
from approvals.shipping.kinds.connector_kind import ConnectorKind, Delivered, NotDelivered, Parcel
from policies.models import Connector

__all__ = [
    "CARRIED",
    "FALLBACK",
    "KINDS",
    "SPENT_BY_A_CLAIM",
    "ConnectorKind",
    "Delivered",
    "NotDelivered",
    "Parcel",
    "of",
]

KINDS: Final[Mapping[str, ConnectorKind]] = {
    Connector.Kind.WEBHOOK: webhook.Webhook(),
    Connector.Kind.PULL: pull.Pull(),
    Connector.Kind.GATE: gate.Gate(),
}
CARRIED: Final = tuple(Connector.Kind(slug) for slug, kind in KINDS.items() if kind.is_carried)
"""The kinds whose work the portal takes to the far side itself."""
SPENT_BY_A_CLAIM: Final = Connector.Kind.GATE
"""The kind whose work is handed out once: no claim follows one that nothing was heard of."""
FALLBACK: Final = CARRIED[0]
"""The kind whose workers find what has no connector: nobody else would look at it, and it would wait without a word."""


def of(connector: Connector) -> ConnectorKind:
    """Return how a connector works."""
    return KINDS[connector.kind]
