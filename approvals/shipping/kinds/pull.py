"""Pull: an executor of yours claims its work over the API, and posts what came of it."""

from datetime import timedelta
from typing import Final

from approvals.shipping.kinds.connector_kind import Delivered, NotDelivered, Parcel
from policies.models import Connector

LEASE: Final = timedelta(minutes=5)


class Pull:
    """The portal carries nothing: `dispatches/claim/` hands the work out, `dispatches/{id}/receipt/` takes it back."""

    is_carried = False

    def lease(self, connector: Connector) -> timedelta:
        return LEASE

    def carry(self, connector: Connector, parcel: Parcel) -> Delivered | NotDelivered:
        raise NotImplementedError("an executor fetches the work of a pull connector")
