"""Notification preferences: kinds, channels and times a person chose."""

from datetime import time

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from approvals.models.notice import NoticeKind
from policies.models import Surface


class Pace(models.TextChoices):
    NEVER = "never", _("Never")
    NOW = "now", _("At once")
    HOURLY = "hourly", _("Once an hour")
    DAILY = "daily", _("Once a day")


class Preference(models.Model):
    """One person's choice for one kind of notice and one channel."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="preferences")
    kind = models.CharField(_("kind"), max_length=20, choices=NoticeKind.choices)
    channel = models.CharField(_("channel"), max_length=10)
    pace = models.CharField(_("when"), max_length=10, choices=Pace.choices)

    class Meta:
        verbose_name = _("preference")
        verbose_name_plural = _("preferences")
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="preference_once", fields=["person", "kind", "channel"])]

    def __str__(self) -> str:
        return f"{self.kind} · {self.channel} · {self.pace}"


class Reachability(models.Model):
    """When one person may be reached, by the clock of where they are."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="reachability"
    )
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    quiet_from = models.TimeField(_("quiet from"), null=True, blank=True)
    quiet_until = models.TimeField(_("quiet until"), null=True, blank=True)
    daily_at = models.TimeField(_("daily digest at"), default=time(8, 0))
    gets_daily_report = models.BooleanField(
        _("daily report"), default=True, db_default=True, help_text=_("Each morning, for owners of surfaces.")
    )

    class Meta:
        verbose_name = _("reachability")
        verbose_name_plural = _("reachabilities")
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="reachability_quiet_has_both_ends",
                condition=Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | Q(quiet_from__isnull=False, quiet_until__isnull=False),
                violation_error_message=_("Quiet hours need a beginning and an end."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.person_id}"


class NoticeRule(models.Model):
    """Recipients of a kind of notice, where that differs from what is usual.

    A row for one surface counts before a row for all surfaces.
    """

    kind = models.CharField(_("kind"), max_length=20, choices=NoticeKind.choices)
    surface = models.ForeignKey(
        Surface,
        verbose_name=_("surface"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text=_("Empty: every surface."),
    )
    role = models.ForeignKey(Group, verbose_name=_("role"), to_field="name", on_delete=models.CASCADE, related_name="+")
    is_told = models.BooleanField(
        _("is told"), default=True, help_text=_("Off: people who hold only such roles are not told.")
    )

    class Meta:
        verbose_name = _("notification rule")
        verbose_name_plural = _("notification rules")
        ordering = ["kind", "surface", "role"]
        constraints = [
            models.UniqueConstraint(name="notice_rule_once", fields=["kind", "surface", "role"], nulls_distinct=False)
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} · {self.surface_id or '*'} · {self.role_id}"
