import pgtrigger
from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from policies.models.version import IMMUTABLE


class AccessChange(models.Model):
    """Rights of an account or a role before and after one change: roles, permissions, standing."""

    subject = models.CharField(_("account or role"), max_length=160, help_text=_("As the ledger names it: user:7."))
    name = models.CharField(_("name"), max_length=200)
    before = models.JSONField(_("before"))
    after = models.JSONField(_("after"))
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    by_name = models.CharField(_("by"), max_length=200)

    class Meta:
        verbose_name = _("change of access")
        verbose_name_plural = _("history of people and roles")
        ordering = ["-id"]
        default_permissions = ("view",)
        indexes = [models.Index(fields=["subject", "-id"], name="access_change_by_subject")]
        triggers = [pgtrigger.Protect(name="immutable", operation=IMMUTABLE)]

    def __str__(self) -> str:
        return f"{self.subject} · {self.at:%Y-%m-%d %H:%M}"
