from datetime import timedelta

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from policies.models.fields import DottedSlugField


class Tier(models.Model):
    """A level of oversight. Rank orders the tiers; a higher rank is stricter."""

    class Posture(models.TextChoices):
        OUT = "out", _("Out of the loop: ships automatically, with spot checks")
        ON = "on", _("On the loop: ships after a hold unless a person stops it")
        IN = "in", _("In the loop: a person decides")

    class Review(models.TextChoices):
        NONE = "none", _("No review before it ships")
        BATCH = "batch", _("Can be reviewed as a batch")
        SINGLE = "single", _("Individual review")
        SIGNATURE = "signature", _("Individual review, with a password and a written reason")
        HUMAN_ONLY = "human_only", _("Never ships from an agent’s payload: take over or reject")

    slug = DottedSlugField(_("slug"), primary_key=True)
    name = models.CharField(_("name"), max_length=80)
    rank = models.PositiveSmallIntegerField(_("rank"), unique=True, help_text=_("Higher is stricter."))
    posture = models.CharField(_("posture"), max_length=3, choices=Posture.choices)
    review = models.CharField(_("review"), max_length=12, choices=Review.choices)
    hold = models.DurationField(
        _("hold"),
        default=timedelta(0),
        help_text=_("How long an automatic approval waits before it ships, so that a person can stop it."),
    )
    sample_rate = models.FloatField(
        _("sample rate"),
        default=0,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text=_("Share of shipped work that is spot-checked, from 0 to 1."),
    )
    description = models.TextField(_("description"), blank=True)

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("tier")
        verbose_name_plural = _("tiers")
        ordering = ["rank"]
        constraints = [
            models.CheckConstraint(
                name="tier_in_the_loop_iff_reviewed",
                condition=Q(posture="in") & ~Q(review="none") | ~Q(posture="in") & Q(review="none"),
                violation_error_message=_("A tier in the loop needs a kind of review; an automatic tier has none."),
            ),
            models.CheckConstraint(name="tier_hold_not_negative", condition=Q(hold__gte=timedelta(0))),
            models.CheckConstraint(
                name="tier_sample_rate_is_a_share", condition=Q(sample_rate__gte=0, sample_rate__lte=1)
            ),
        ]

    def __str__(self) -> str:
        return self.name
