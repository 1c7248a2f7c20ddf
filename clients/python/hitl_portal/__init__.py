"""The client of HITL Portal: propose actions, wait for people, execute what was approved."""

from hitl_portal.callbacks import CallbackRefused, verified_callback
from hitl_portal.client.answers import Evaluation, Proposal
from hitl_portal.client.async_portal import AsyncPortal
from hitl_portal.client.keys import tool_call
from hitl_portal.client.operations import Work
from hitl_portal.client.portal import Portal
from hitl_portal.errors import (
    CallRefused,
    NotCleared,
    NotConfigured,
    PortalError,
    PortalUnavailable,
    ProposalExpired,
    ProposalRejected,
    ProposalReturned,
    ShippingFailed,
    WaitTimedOut,
)
from hitl_portal.executor import Executor, NotDone

__all__ = [
    "AsyncPortal",
    "CallRefused",
    "CallbackRefused",
    "Evaluation",
    "Executor",
    "NotCleared",
    "NotConfigured",
    "NotDone",
    "Portal",
    "PortalError",
    "PortalUnavailable",
    "Proposal",
    "ProposalExpired",
    "ProposalRejected",
    "ProposalReturned",
    "ShippingFailed",
    "WaitTimedOut",
    "Work",
    "tool_call",
    "verified_callback",
]
__version__ = "0.1.0"
