from django.db import models
from django.utils.translation import gettext_lazy as _


class Verification(models.Model):
    """One look at the whole ledger and what came of it: the first fault, or none."""

    started_at = models.DateTimeField(_("started at"))
    finished_at = models.DateTimeField(_("finished at"), null=True)
    size = models.BigIntegerField(_("entries"), default=0)
    checkpoints = models.BigIntegerField(_("checkpoints"), default=0)
    fault = models.CharField(_("fault"), max_length=32, blank=True)
    fault_index = models.BigIntegerField(_("first bad index"), null=True)
    text = models.TextField(_("in words"), blank=True)

    class Meta:
        verbose_name = _("verification")
        verbose_name_plural = _("verifications")
        ordering = ["-id"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.fault or "verified"
