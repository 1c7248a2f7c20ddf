"""The states of a proposal and of a dispatch, and the only edges between them."""

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    PENDING = "pending", _("Pending")
    EDITED = "edited", _("Edited")
    RETURNED = "returned", _("Returned")
    APPROVED = "approved", _("Approved")
    SHIPPED = "shipped", _("Shipped")
    REJECTED = "rejected", _("Rejected")
    BLOCKED = "blocked", _("Blocked")
    TAKEN_OVER = "taken_over", _("Taken over")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    EXPIRED = "expired", _("Expired")
    FAILED = "failed", _("Failed")
    ROLLED_BACK = "rolled_back", _("Rolled back")


INITIAL: Final = (State.PENDING, State.APPROVED, State.BLOCKED)
OPEN: Final = (State.PENDING, State.EDITED)
"""People may decide."""
WAITING: Final = (*OPEN, State.RETURNED)
"""The deadline runs."""
NOT_OVER: Final = (*WAITING, State.APPROVED, State.FAILED)
"""A new policy applies to it."""
CLEARED: Final = (State.APPROVED, State.SHIPPED, State.FAILED, State.ROLLED_BACK)

EDGES: Final = (
    (State.PENDING, State.EDITED),
    *((source, target) for source in OPEN for target in (
        State.APPROVED, State.REJECTED, State.RETURNED, State.TAKEN_OVER,
    )),
    *((source, target) for source in WAITING for target in (State.BLOCKED, State.WITHDRAWN, State.EXPIRED)),
    (State.RETURNED, State.PENDING),
    (State.APPROVED, State.PENDING),  # undo
    (State.REJECTED, State.PENDING),  # undo
    (State.APPROVED, State.SHIPPED),
    (State.APPROVED, State.FAILED),
    (State.APPROVED, State.WITHDRAWN),
    (State.APPROVED, State.EXPIRED),
    (State.FAILED, State.APPROVED),  # retry
    (State.FAILED, State.PENDING),  # retry, where the policy in force asks people
    (State.SHIPPED, State.ROLLED_BACK),
)  # fmt: skip


class DispatchStatus(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    CLAIMED = "claimed", _("Claimed")
    DELIVERED = "delivered", _("Delivered")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


DISPATCH_EDGES: Final = (
    (DispatchStatus.WAITING, DispatchStatus.CLAIMED),
    (DispatchStatus.WAITING, DispatchStatus.CANCELLED),
    (DispatchStatus.WAITING, DispatchStatus.FAILED),  # the bytes are not the approved ones
    (DispatchStatus.CLAIMED, DispatchStatus.WAITING),  # try again later
    (DispatchStatus.CLAIMED, DispatchStatus.DELIVERED),
    (DispatchStatus.CLAIMED, DispatchStatus.FAILED),
    (DispatchStatus.FAILED, DispatchStatus.WAITING),  # a person retries
    (DispatchStatus.FAILED, DispatchStatus.CANCELLED),  # a person retries, and people are asked first
    (DispatchStatus.CLAIMED, DispatchStatus.CANCELLED),  # its worker went away, and the policy has changed since
    (DispatchStatus.CANCELLED, DispatchStatus.WAITING),  # approved once more after an undo
)
