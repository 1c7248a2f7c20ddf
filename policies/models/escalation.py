from datetime import timedelta

from django.contrib.auth.models import Group
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from policies.models.surface import Surface


class Escalation(models.Model):
    """The role that is called when a proposal still waits: one for each level."""

    surface = models.ForeignKey(
        Surface, verbose_name=_("surface"), on_delete=models.PROTECT, related_name="escalations"
    )
    level = models.PositiveSmallIntegerField(_("level"), default=1, validators=[MinValueValidator(1)])
    role = models.ForeignKey(Group, verbose_name=_("role"), to_field="name", on_delete=models.PROTECT, related_name="+")
    after = models.DurationField(
        _("after"),
        help_text=_("How long it has waited by then, in the surface's business time; less than its deadline."),
    )
    widens = models.BooleanField(
        _("may decide then"), default=False, help_text=_("If not, the role is only told that it waits.")
    )

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("escalation")
        verbose_name_plural = _("escalations")
        ordering = ["surface", "level"]
        constraints = [
            models.UniqueConstraint(name="escalation_one_per_level", fields=["surface", "level"]),
            models.CheckConstraint(
                name="escalation_waits_first",
                condition=Q(level__gte=1, after__gt=timedelta(0)),
                violation_error_message=_("Levels count from 1, and each waits for some time."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.surface_id} · {self.level} · {self.role_id}"
