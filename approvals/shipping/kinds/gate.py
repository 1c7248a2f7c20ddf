"""Gate: the agent's own program runs the action, after it has consumed the approval once.

Weaker than the other kinds, since that program holds the credentials: nothing but its own conduct keeps it from acting
without asking. Useful to put what exists before people while it is moved behind a connector.
"""

from datetime import timedelta
from typing import Final

from approvals.shipping.kinds.connector_kind import Delivered, NotDelivered, Parcel
from policies.models import Connector

LEASE: Final = timedelta(minutes=15)
"""How long the program has to say what came of it."""


class Gate:
    """The portal carries nothing: `proposals/{id}/consume/` lets one run through, `receipt/` says what came of it."""

    is_carried = False

    def lease(self, connector: Connector) -> timedelta:
        return LEASE

    def carry(self, connector: Connector, parcel: Parcel) -> Delivered | NotDelivered:
        raise NotImplementedError("the agent itself runs what a gate lets through")
