from django.contrib.auth.models import Group
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from policies.models.surface import Surface


class Tuning(models.Model):
    """A role's right to turn the dials of a surface, without the rights over the whole policy."""

    role = models.ForeignKey(
        Group,
        verbose_name=_("role"),
        to_field="name",
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("Its people may also say who belongs to it; another person in it takes two people, as ever."),
    )
    surface = models.ForeignKey(Surface, verbose_name=_("surface"), on_delete=models.PROTECT, related_name="+")

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("tuning right")
        verbose_name_plural = _("tuning rights")
        ordering = ["role", "surface"]
        default_permissions = ("add", "delete", "view")
        permissions = [("tune_surface", "Can tune the surfaces that their roles may tune")]
        constraints = [models.UniqueConstraint(name="tuning_once_per_role_and_surface", fields=["role", "surface"])]

    def __str__(self) -> str:
        return f"{self.role_id} · {self.surface_id}"
