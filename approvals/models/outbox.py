from django.db import models
from django.utils.translation import gettext_lazy as _

from approvals.models.ids import uuid7
from approvals.models.states import DispatchStatus


class Delivery(models.Model):
    """An outbox row: work that a sweep finds by itself, and that one worker at a time holds by lease.

    The id is what the far side sees as `webhook-id`, the same on every attempt. `fence` grows with each
    claim; a worker whose lease ran out holds an old one and cannot write its result any more.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    status = models.CharField(
        _("status"), max_length=10, choices=DispatchStatus.choices, default=DispatchStatus.WAITING
    )
    attempts_made = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"))
    lease_until = models.DateTimeField(_("lease until"), null=True, blank=True)
    fence = models.PositiveIntegerField(_("fence"), default=0)
    last_error = models.CharField(_("last error"), max_length=500, blank=True)
    created_at = models.DateTimeField(_("made at"))
    delivered_at = models.DateTimeField(_("delivered at"), null=True, blank=True)

    class Meta:
        abstract = True
        ordering = ["-id"]
        default_permissions = ("view",)
