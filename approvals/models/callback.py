from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from approvals.models.outbox import Delivery
from approvals.models.proposal import Proposal


class Callback(Delivery):
    """One message to the agent's own address: its proposal has changed state."""

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="callbacks")
    url = models.URLField(_("address"), max_length=2000)
    body = models.BinaryField(_("body"))

    class Meta(Delivery.Meta):
        verbose_name = _("callback")
        verbose_name_plural = _("callbacks")
        indexes = [
            models.Index(fields=["next_attempt_at"], name="callback_due", condition=Q(status="waiting")),
            models.Index(fields=["lease_until"], name="callback_leased", condition=Q(status="claimed")),
        ]

    def __str__(self) -> str:
        return f"{self.proposal_id} → {self.url}"
