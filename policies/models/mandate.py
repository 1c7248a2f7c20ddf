from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from policies.models.agent import Agent
from policies.models.surface import Surface
from policies.models.tier import Tier


class Mandate(models.Model):
    """An agent's permission to propose on a surface, with the least oversight it has earned there."""

    agent = models.ForeignKey(Agent, verbose_name=_("agent"), on_delete=models.PROTECT, related_name="mandates")
    surface = models.ForeignKey(Surface, verbose_name=_("surface"), on_delete=models.PROTECT, related_name="mandates")
    tier = models.ForeignKey(
        Tier,
        verbose_name=_("least oversight"),
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("The minimum review level for this agent here."),
    )

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("mandate")
        verbose_name_plural = _("mandates")
        ordering = ["agent", "surface"]
        constraints = [
            models.UniqueConstraint(name="mandate_one_per_agent_and_surface", fields=["agent", "surface"]),
        ]

    def __str__(self) -> str:
        return f"{self.agent_id} · {self.surface_id}"
