import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class Absence(models.Model):
    """Somebody is away for a while, and somebody else may decide for them. Never deleted: decisions rest on it."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("person"), on_delete=models.PROTECT, related_name="absences"
    )
    delegate = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("delegate"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="stands_in",
        db_index=False,
        help_text=_("Who may decide in this time. Empty: nobody."),
    )
    begins_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    roles = ArrayField(
        models.CharField(max_length=150), verbose_name=_("roles"), default=list, blank=True, help_text=_("Empty: all.")
    )
    surfaces = ArrayField(
        models.CharField(max_length=80),
        verbose_name=_("surfaces"),
        default=list,
        blank=True,
        help_text=_("Empty: all."),
    )
    noted_at = models.DateTimeField(_("noted at"))
    noted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    cancelled_at = models.DateTimeField(_("ended early"), null=True, blank=True)

    class Meta:
        verbose_name = _("absence")
        verbose_name_plural = _("absences")
        ordering = ["-begins_at"]
        default_permissions = ("view",)
        indexes = [
            models.Index(
                fields=["delegate", "ends_at"],
                name="absence_by_delegate",
                condition=Q(cancelled_at__isnull=True, delegate__isnull=False),
            ),
        ]
        constraints = [
            models.CheckConstraint(name="absence_ends_after_it_begins", condition=Q(ends_at__gt=F("begins_at"))),
            models.CheckConstraint(
                name="absence_delegate_is_somebody_else",
                condition=Q(delegate__isnull=True) | ~Q(delegate=F("person")),
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="noted_once",
                fields=["person", "delegate", "begins_at", "ends_at", "roles", "surfaces", "noted_at", "noted_by"],
            ),
            pgtrigger.Protect(
                name="cancelled_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__cancelled_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} · {self.begins_at:%Y-%m-%d} – {self.ends_at:%Y-%m-%d}"
