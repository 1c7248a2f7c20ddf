from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise
from simple_history.models import HistoricalRecords

from policies.models.fields import DottedSlugField

USUAL_HOURS = "09:00-17:00"


def _day(label: StrOrPromise, usual: str = USUAL_HOURS) -> "models.CharField[str, str]":
    return models.CharField(
        label, max_length=120, blank=True, default=usual, help_text=_("For example 09:00-12:00, 13:00-17:00.")
    )


class Calendar(models.Model):
    """When people work. Deadlines and escalations of a surface that names it run only then."""

    slug = DottedSlugField(_("slug"), primary_key=True, help_text=_("For example berlin-office. It cannot change."))
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    monday = _day(_("Monday"))
    tuesday = _day(_("Tuesday"))
    wednesday = _day(_("Wednesday"))
    thursday = _day(_("Thursday"))
    friday = _day(_("Friday"))
    saturday = _day(_("Saturday"), "")
    sunday = _day(_("Sunday"), "")
    holidays = ArrayField(
        models.DateField(),
        verbose_name=_("holidays"),
        default=list,
        blank=True,
        help_text=_("Dates on which nobody works, e.g. 2026-12-25."),
    )

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("calendar")
        verbose_name_plural = _("calendars")
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.slug
