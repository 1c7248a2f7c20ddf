from django.contrib.postgres.indexes import BrinIndex, GinIndex, OpClass
from django.db import models
from django.db.models.fields.json import KeyTransform
from django.utils.translation import gettext_lazy as _

from audit.models.append_only import APPEND_ONLY


class Entry(models.Model):
    """One line of the ledger: what happened, to what, by whom and when. Never changed, never deleted.

    Subjects and actors are strings (`proposal:0192…`, `user:7`, `agent:pacer`, `system`), so that an
    entry outlives what it speaks of and this app needs to know no other. What may name a person stands in
    `actor_name` and `data`, to which `commitment` binds the entry.
    """

    kind = models.CharField(_("what happened"), max_length=64, help_text=_("For example proposal.approved."))
    subject = models.CharField(_("subject"), max_length=160)
    actor = models.CharField(_("actor"), max_length=160)
    actor_name = models.CharField(
        _("actor’s name"), max_length=200, blank=True, help_text=_("What the actor was called when it happened.")
    )
    at = models.DateTimeField(_("at"))
    data = models.JSONField(_("data"), default=dict, blank=True)
    request_id = models.CharField(_("request"), max_length=64, blank=True)
    trace_id = models.CharField(_("trace"), max_length=32, blank=True)
    salt = models.BinaryField(_("salt"))
    commitment = models.BinaryField(_("commitment"))

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        ordering = ["-id"]
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["subject", "id"], name="entry_by_subject"),
            models.Index(fields=["kind", "id"], name="entry_by_kind"),
            models.Index(fields=["actor", "id"], name="entry_by_actor"),
            BrinIndex(fields=["at"], name="entry_by_time"),
            GinIndex(OpClass(KeyTransform("model", "data"), name="jsonb_path_ops"), name="entry_by_model"),
        ]
        triggers = list(APPEND_ONLY)

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"
