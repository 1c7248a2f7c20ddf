from django.contrib.auth.models import Group
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from policies.models.surface import Surface
from policies.models.tier import Tier


class Requirement(models.Model):
    """Approvals that a proposal needs of a role. Rows of one name are alternatives; all names of a stage must pass."""

    surface = models.ForeignKey(
        Surface, verbose_name=_("surface"), on_delete=models.PROTECT, related_name="requirements"
    )
    tier = models.ForeignKey(
        Tier,
        verbose_name=_("tier"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("Only where this tier applies. Empty: any tier that has no rows of its own."),
    )
    stage = models.PositiveSmallIntegerField(_("stage"), default=1, validators=[MinValueValidator(1)])
    name = models.CharField(_("name"), max_length=80)
    role = models.ForeignKey(Group, verbose_name=_("role"), to_field="name", on_delete=models.PROTECT, related_name="+")
    approvals = models.PositiveSmallIntegerField(
        _("approvals"), default=1, help_text=_("0: its people need not approve, but may reject.")
    )
    denials = models.PositiveSmallIntegerField(_("denials"), default=1, validators=[MinValueValidator(1)])

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("requirement")
        verbose_name_plural = _("requirements")
        ordering = ["surface", "tier", "stage", "name", "role"]
        constraints = [
            models.UniqueConstraint(
                name="requirement_said_once",
                fields=["surface", "tier", "stage", "name", "role"],
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="requirement_asks_for_somebody", condition=Q(stage__gte=1, approvals__gte=0, denials__gte=1)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.surface_id} · {self.stage} · {self.name} · {self.role_id}"
