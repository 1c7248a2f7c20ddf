import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from approvals.models.ids import uuid7
from approvals.models.proposal import Proposal
from approvals.models.revision import IMMUTABLE


class Outcome(models.Model):
    """What an action did in the world, reported later by its agent or by a person."""

    class Kind(models.TextChoices):
        MEASURED = "measured", _("Measured result")
        INCIDENT = "incident", _("Incident")
        COMPLAINT = "complaint", _("Complaint")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="outcomes")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.MEASURED)
    metric = models.CharField(_("metric"), max_length=120)
    value = models.FloatField(_("value"))
    unit = models.CharField(_("unit"), max_length=40, blank=True)
    observed_at = models.DateTimeField(_("observed at"))
    note = models.TextField(_("note"), blank=True)
    reported_at = models.DateTimeField(_("reported at"))
    reported_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("reported by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text=_("Nobody: the agent itself."),
    )
    reported_by_name = models.CharField(_("reporter"), max_length=200, blank=True)
    corrects = models.OneToOneField(
        "self",
        verbose_name=_("corrects"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="correction",
        help_text=_("The earlier report in whose place this one stands."),
    )

    class Meta:
        verbose_name = _("outcome")
        verbose_name_plural = _("outcomes")
        ordering = ["id"]
        default_permissions = ("view",)
        permissions = [("report_outcome", _("Can report what shipped actions did"))]
        indexes = [
            models.Index(
                fields=["-observed_at"],
                name="outcome_incident_by_time",
                condition=Q(kind__in=["incident", "complaint"]),
            )
        ]
        constraints = [
            models.CheckConstraint(
                name="outcome_incident_says_what_happened", condition=Q(kind="measured") | ~Q(note="")
            ),
            models.CheckConstraint(
                name="outcome_by_a_person_has_their_name",
                condition=Q(reported_by__isnull=True, reported_by_name="")
                | (Q(reported_by__isnull=False) & ~Q(reported_by_name="")),
            ),
        ]
        triggers = [pgtrigger.Protect(name="immutable", operation=IMMUTABLE)]

    def __str__(self) -> str:
        return f"{self.metric} = {self.value}"
