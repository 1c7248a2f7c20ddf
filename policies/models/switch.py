from typing import Final

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

EVERYWHERE: Final = "everywhere"


class KillSwitch(models.Model):
    """Stops shipping at once: everywhere, on a surface, or for an agent.

    Every scope has its row from the start (a migration and two triggers see to it). A claim reads its
    rows FOR SHARE and needs them all, so that engaging a switch waits for claims under way and no claim
    can begin behind its back.
    """

    scope = models.CharField(_("scope"), max_length=100, primary_key=True)
    surface = models.OneToOneField(
        "policies.Surface", null=True, blank=True, on_delete=models.PROTECT, related_name="kill_switch"
    )
    agent = models.OneToOneField(
        "policies.Agent", null=True, blank=True, on_delete=models.PROTECT, related_name="kill_switch"
    )
    is_engaged = models.BooleanField(_("engaged"), default=False)
    engaged_at = models.DateTimeField(_("engaged at"), null=True, blank=True)
    engaged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    engaged_by_name = models.CharField(_("engaged by"), max_length=200, blank=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("kill switch")
        verbose_name_plural = _("kill switches")
        ordering = ["scope"]
        default_permissions = ("view",)
        permissions = [
            ("engage_killswitch", "Can engage a kill switch"),
            ("release_killswitch", "Can release a kill switch"),
        ]
        constraints = [
            models.CheckConstraint(
                name="kill_switch_scope_says_what_it_stops",
                condition=Q(scope=EVERYWHERE, surface__isnull=True, agent__isnull=True)
                | Q(scope__startswith="surface:", surface__isnull=False, agent__isnull=True)
                | Q(scope__startswith="agent:", surface__isnull=True, agent__isnull=False),
            ),
            models.CheckConstraint(
                name="kill_switch_engaged_says_when_and_why",
                condition=Q(is_engaged=False) | Q(engaged_at__isnull=False) & ~Q(reason=""),
            ),
        ]
        triggers = [pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return self.scope
