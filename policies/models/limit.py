from datetime import timedelta

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from policies.models.fields import CurrencyField, DottedSlugField
from policies.models.rule import names
from policies.models.tier import Tier


class LimitEffect(models.TextChoices):
    FLAG = "flag", _("Flag it for the reviewer")
    TIER = "tier", _("Raise the tier")
    DENY = "deny", _("Deny")


class Limit(models.Model):
    """A running total over a window, and what happens when a proposal takes it too high."""

    class Measure(models.TextChoices):
        COUNT = "count", _("Number of proposals")
        AMOUNT = "amount", _("Sum of amounts")
        AUDIENCE_SIZE = "audience_size", _("Sum of audience sizes")

    class Per(models.TextChoices):
        SURFACE = "surface", _("Each surface")
        AGENT = "agent", _("Each agent")
        AGENT_AND_SURFACE = "agent_and_surface", _("Each agent on each surface")
        TARGET = "target", _("Each target")
        EVERYWHERE = "everywhere", _("Everything together")

    class Window(models.TextChoices):
        ROLLING = "rolling", _("The last … (rolling)")
        DAY = "day", _("Calendar day")
        WEEK = "week", _("Calendar week")
        MONTH = "month", _("Calendar month")

    slug = DottedSlugField(_("slug"), primary_key=True)
    is_enabled = models.BooleanField(_("enabled"), default=True)
    surfaces = names(_("surfaces"), _("Which surfaces, with * for any text. Empty: all."))
    agents = names(_("agents"), _("Which agents, with * for any text. Empty: all."))
    measure = models.CharField(_("measure"), max_length=13, choices=Measure.choices)
    currency = CurrencyField(
        _("currency"), help_text=_("Of the amounts that are added up, e.g. USD. Any other needs a person.")
    )
    per = models.CharField(_("counted for"), max_length=17, choices=Per.choices)
    window = models.CharField(_("window"), max_length=7, choices=Window.choices)
    length = models.DurationField(
        _("length"), default=timedelta(0), blank=True, help_text=_("Of a rolling window, e.g. 7 days.")
    )
    time_zone = models.CharField(
        _("time zone"), max_length=64, default="UTC", help_text=_("In which calendar days, weeks and months begin.")
    )
    warning = models.FloatField(_("warning level"), null=True, blank=True)
    warning_effect = models.CharField(_("then"), max_length=4, choices=LimitEffect.choices, default=LimitEffect.FLAG)
    warning_tier = models.ForeignKey(Tier, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    limit = models.FloatField(_("limit"))
    effect = models.CharField(_("then"), max_length=4, choices=LimitEffect.choices, default=LimitEffect.TIER)
    tier = models.ForeignKey(Tier, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("limit")
        verbose_name_plural = _("limits")
        ordering = ["slug"]
        constraints = [
            models.CheckConstraint(
                name="limit_rolling_window_has_a_length",
                condition=Q(window="rolling", length__gt=timedelta(0)) | ~Q(window="rolling") & Q(length=timedelta(0)),
                violation_error_message=_("A rolling window needs a length; a calendar window has none."),
            ),
            models.CheckConstraint(
                name="limit_warns_before_it_strikes",
                condition=Q(warning__isnull=True) | Q(warning__lte=F("limit")),
                violation_error_message=_("The warning level must not be above the limit."),
            ),
            models.CheckConstraint(name="limit_not_negative", condition=Q(limit__gte=0)),
            models.CheckConstraint(
                name="limit_currency_is_of_amounts",
                condition=Q(measure="amount") | Q(currency=""),
                violation_error_message=_("Only a limit of amounts has a currency."),
            ),
        ]

    def __str__(self) -> str:
        return self.slug
