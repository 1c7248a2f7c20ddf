"""Errors between an agent and the portal. None of them is ever consent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hitl_portal.client.answers import Proposal


class PortalError(Exception):
    """Base of all errors of this package. `str()` is a sentence that may be given to a model."""


class NotConfigured(PortalError):
    """The address of the portal or the agent's key is missing or cannot be right."""


class PortalUnavailable(PortalError):
    """The portal did not answer, however often it was asked. Nothing is known to have been done."""


class CallRefused(PortalError):
    """The portal answered that this call cannot be done; `code` is stable, `errors` names fields at fault."""

    def __init__(self, status: int, code: str, detail: str, errors: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(_sentence(detail, errors) or f"The portal answered {status} {code}.")
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)


class NotCleared(PortalError):
    """The proposal is not going to be done as it stands; `proposal` is how it was last seen."""

    def __init__(self, proposal: Proposal, sentence: str) -> None:
        super().__init__(sentence)
        self.proposal = proposal


class ProposalRejected(NotCleared):
    """People or the policy said no, or it was taken back or over; `proposal.state` says which."""


class ProposalReturned(ProposalRejected):
    """A person sent it back with a note; `revise` answers that."""


class ProposalExpired(NotCleared):
    """Nobody decided in time."""


class ShippingFailed(NotCleared):
    """It was approved, and executing it failed."""


class WaitTimedOut(PortalError):
    """The time to wait is over and nothing is decided. `wait` with the same id goes on where this one ended."""

    def __init__(self, proposal_id: str, proposal: Proposal | None = None) -> None:
        super().__init__(f"Nobody has decided on proposal {proposal_id} yet. It has not been done.")
        self.proposal_id = proposal_id
        self.proposal = proposal


def _sentence(detail: str, errors: Sequence[dict[str, Any]]) -> str:
    faults = "; ".join(f"{fault.get('pointer') or '/'}: {fault.get('detail', '')}" for fault in errors)
    return f"{detail} ({faults})" if detail and faults else detail or faults
