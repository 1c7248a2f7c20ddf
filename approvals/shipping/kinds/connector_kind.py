"""The interface of a connector kind."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

from policies.models import Connector


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is carried to the far side: the approved bytes under their id, with their grant."""

    message_id: UUID
    body: bytes
    grant: str
    trace: Mapping[str, str] = field(default_factory=dict)
    """The trace context of the proposal, as headers."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """The far side took it; `receipt` is its answer."""

    receipt: Any
    http_status: int | None = None


@dataclass(frozen=True, slots=True)
class NotDelivered:
    """Why the far side did not take it. `after` is how long it asked us to wait."""

    error: str
    is_final: bool
    http_status: int | None = None
    after: timedelta | None = None


class ConnectorKind(Protocol):
    """How one kind of connector gets its work done."""

    is_carried: bool
    """Whether the portal takes the work to the far side; otherwise the executor fetches it and reports."""

    def lease(self, connector: Connector) -> timedelta:
        """Return how long a claim is good for."""
        ...

    def carry(self, connector: Connector, parcel: Parcel) -> Delivered | NotDelivered:
        """Take a parcel to the far side. No transaction is open; only where the kind `is_carried`."""
        ...
