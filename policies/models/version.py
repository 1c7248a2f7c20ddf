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

    written_by = models.CharField(
        _("written by"), max_length=500, blank=True, help_text=_("Who has changed the tables since the version before.")
    )
    asked_by = models.CharField(_("asked by"), max_length=200, blank=True)
    agreed_by = models.CharField(
        _("agreed by"), max_length=200, blank=True, help_text=_("Empty where nothing was loosened.")
    )
    is_part = models.BooleanField(
        _("a part"), default=False, help_text=_("Other changes of the tables stayed a draft when it was published.")
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
