import pgtrigger
from django.db import models
from django.utils.translation import gettext_lazy as _

from approvals.models.ids import uuid7
from approvals.models.proposal import Proposal
from approvals.models.revision import IMMUTABLE


class Outcome(models.Model):
    """What an action did in the world, reported later."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="outcomes")
    metric = models.CharField(_("metric"), max_length=120)
    value = models.FloatField(_("value"))
    unit = models.CharField(_("unit"), max_length=40, blank=True)
    observed_at = models.DateTimeField(_("observed at"))
    note = models.TextField(_("note"), blank=True)
    reported_at = models.DateTimeField(_("reported at"))

    class Meta:
        verbose_name = _("outcome")
        verbose_name_plural = _("outcomes")
        ordering = ["id"]
        default_permissions = ("view",)
        triggers = [pgtrigger.Protect(name="immutable", operation=IMMUTABLE)]

    def __str__(self) -> str:
        return f"{self.metric} = {self.value}"
