import pgtrigger
from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

IMMUTABLE = pgtrigger.Update | pgtrigger.Delete


class PolicyVersion(models.Model):
    """An immutable, published snapshot of all policy tables."""

    number = models.AutoField(_("number"), primary_key=True)
    digest = models.CharField(_("digest"), max_length=71)
    document = models.JSONField(_("document"))
    created_at = models.DateTimeField(_("made at"))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("policy version")
        verbose_name_plural = _("policy versions")
        ordering = ["-number"]
        default_permissions = ("view",)
        triggers = [pgtrigger.Protect(name="immutable", operation=IMMUTABLE)]

    def __str__(self) -> str:
        return f"{self.number}"


class Activation(models.Model):
    """Puts a policy version in force. The latest one counts."""

    version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="activations")
    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("activation")
        verbose_name_plural = _("activations")
        ordering = ["-id"]
        default_permissions = ("view",)
        triggers = [pgtrigger.Protect(name="immutable", operation=IMMUTABLE)]

    def __str__(self) -> str:
        return f"{self.version_id} · {self.at:%Y-%m-%d %H:%M}"
