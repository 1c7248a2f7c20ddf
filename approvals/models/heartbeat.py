from django.db import models
from django.utils.translation import gettext_lazy as _


class Heartbeat(models.Model):
    """When a program of the portal last said that it runs. One row for each kind of program and machine."""

    id = models.BigAutoField(primary_key=True)
    program = models.CharField(_("program"), max_length=20)
    host = models.CharField(_("machine"), max_length=255)
    at = models.DateTimeField(_("last heard of"))

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="heartbeat_once_per_program_and_host", fields=["program", "host"])]

    def __str__(self) -> str:
        return f"{self.program} on {self.host}"
