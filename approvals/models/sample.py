from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from approvals.models.proposal import Proposal


class Sample(models.Model):
    """A proposal that shipped by itself and was picked at random, for a person to look at afterwards."""

    class Opinion(models.TextChoices):
        RIGHT = "right", _("Was right")
        NEEDED_CHANGE = "needed_change", _("Needed a change")
        WRONG = "wrong", _("Was wrong")

    proposal = models.OneToOneField(Proposal, primary_key=True, on_delete=models.PROTECT, related_name="sample")
    picked_at = models.DateTimeField(_("picked at"))
    probability = models.FloatField(
        _("probability"), null=True, blank=True, help_text=_("With which it was picked. Empty: nobody wrote it down.")
    )
    opinion = models.CharField(_("opinion"), max_length=16, choices=Opinion.choices, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    by_name = models.CharField(_("by"), max_length=200, blank=True)
    at = models.DateTimeField(_("at"), null=True, blank=True)
    note = models.CharField(_("note"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("sample")
        verbose_name_plural = _("samples")
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["picked_at"], name="sample_open", condition=Q(opinion="")),
            models.Index(fields=["picked_at"], name="sample_by_time"),
        ]
        constraints = [
            models.CheckConstraint(
                name="sample_opinion_is_somebodys",
                condition=Q(opinion="", at__isnull=True) | ~Q(opinion="") & Q(at__isnull=False, by__isnull=False),
            ),
            models.CheckConstraint(
                name="sample_probability_is_a_share",
                condition=Q(probability__isnull=True) | Q(probability__gt=0, probability__lte=1),
            ),
        ]

    def __str__(self) -> str:
        return str(self.proposal_id)
