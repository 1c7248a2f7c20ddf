import pgtrigger
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _


class Entry(models.Model):
    """One line of the ledger: what happened, to what, by whom and when. Never changed, never deleted.

    Subjects and actors are strings (`proposal:0192…`, `user:7`, `agent:pacer`, `system`), so that an
    entry outlives what it speaks of and this app needs to know no other.
    """

    kind = models.CharField(_("what happened"), max_length=64, help_text=_("For example proposal.approved."))
    subject = models.CharField(_("subject"), max_length=160)
    actor = models.CharField(_("actor"), max_length=160)
    actor_name = models.CharField(
        _("name at the time"), max_length=200, blank=True, help_text=_("What the actor was called when it happened.")
    )
    at = models.DateTimeField(_("at"))
    data = models.JSONField(_("data"), default=dict, blank=True)

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        ordering = ["-id"]
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["subject", "id"], name="entry_by_subject"),
            models.Index(fields=["kind", "id"], name="entry_by_kind"),
            BrinIndex(fields=["at"], name="entry_by_time"),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"
