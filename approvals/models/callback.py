import json

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from approvals.models.outbox import Delivery
from approvals.models.proposal import Proposal
from approvals.models.states import State


class Callback(Delivery):
    """One message to the agent's own address: its proposal has changed state."""

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="callbacks")
    url = models.URLField(_("address"), max_length=2000)
    body = models.BinaryField(_("body"))
    is_only = models.BooleanField(
        _("the only one"), default=False, help_text=_("Its receiver resumes on the first message and takes no second.")
    )

    class Meta(Delivery.Meta):
        verbose_name = _("callback")
        verbose_name_plural = _("callbacks")
        indexes = [
            models.Index(fields=["next_attempt_at"], name="callback_due", condition=Q(status="waiting")),
            models.Index(fields=["lease_until"], name="callback_leased", condition=Q(status="claimed")),
        ]
        constraints = [
            models.UniqueConstraint(
                name="callback_only_one_where_one_is_wanted",
                fields=["proposal"],
                condition=Q(is_only=True) & ~Q(status="cancelled"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.proposal_id} → {self.url}"

    @property
    def state(self) -> str:
        """The state that it tells of, in words; empty where the body is no longer kept."""
        try:
            name = json.loads(bytes(self.body))["type"].removeprefix("proposal.")
            return str(State(name).label)
        except (ValueError, KeyError, TypeError):
            return ""
