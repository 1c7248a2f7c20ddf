"""Calendars and escalations. What is saved is a draft until it is published."""

from collections.abc import Sequence
from datetime import date
from itertools import groupby
from typing import Any

import holidays
from django import forms
from django.contrib import admin
from django.contrib.admin.utils import label_for_field
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from policies.admin import durations
from policies.admin.tables.checks import Sluggish
from policies.admin.tuned import TunedAdmin
from policies.admin.zones import require_time_zone
from policies.engine.calendars import business_time
from policies.engine.calendars.business_time import DAYS
from policies.models import Calendar, Escalation
from policies.publishing.drafts import members

COUNTRIES = [("", "—"), *((code, code) for code in sorted(holidays.list_supported_countries()))]


class CalendarForm(forms.ModelForm[Calendar]):
    country = forms.ChoiceField(
        label=gettext_lazy("Country"),
        choices=COUNTRIES,
        required=False,
        help_text=gettext_lazy("Adds its public holidays to the list when you save, e.g. DE or US."),
    )
    region = forms.CharField(
        label=gettext_lazy("Region"),
        max_length=40,
        required=False,
        help_text=gettext_lazy("Within the country, e.g. BE for Berlin. Empty: only what holds everywhere in it."),
    )
    year = forms.IntegerField(label=gettext_lazy("Year"), min_value=1990, max_value=2100, required=False)

    class Meta:
        model = Calendar
        fields = ("slug", "time_zone", *DAYS, "holidays")
        widgets = {"holidays": forms.Textarea({"rows": 3})}

    def clean_time_zone(self) -> str:
        name: str = self.cleaned_data["time_zone"]
        require_time_zone(name)
        return name

    def clean(self) -> dict[str, Any]:
        """Read the hours now rather than when it is published, and add the holidays that were asked for."""
        cleaned = super().clean() or self.cleaned_data
        for day in DAYS:
            try:
                business_time.read_hours(cleaned.get(day) or "")
            except ValueError as error:
                self.add_error(day, str(error))
        if not any((cleaned.get(day) or "").strip() for day in DAYS):
            raise ValidationError(_("Somebody has to work on some day."))
        cleaned["holidays"] = sorted({*(cleaned.get("holidays") or []), *self._asked(cleaned)})
        return cleaned

    def _asked(self, cleaned: dict[str, Any]) -> list[date]:
        """Return the public holidays of the country and year that were chosen."""
        country, year = cleaned.get("country"), cleaned.get("year")
        if not country and not year:
            return []
        if not country or not year:
            self.add_error("year" if country else "country", _("Choose country and year together."))
            return []
        try:
            return [*holidays.country_holidays(country, subdiv=cleaned.get("region") or None, years=year)]
        except NotImplementedError:
            self.add_error("region", _("There is no such region in %s.") % country)
            return []


@admin.register(Calendar)
class CalendarAdmin(Sluggish):
    form = CalendarForm
    list_display = ("slug", "time_zone", "hours", "days_off", "used_by")
    search_fields = ("slug",)
    fieldsets = (
        (None, {"fields": ("slug", "time_zone")}),
        (
            gettext_lazy("Working hours"),
            {"fields": DAYS, "description": gettext_lazy("Empty: nobody works on that day.")},
        ),
        (gettext_lazy("Holidays"), {"fields": ("holidays", ("country", "region", "year"))}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Calendar]:
        """Read with each calendar which surfaces name it."""
        return super().get_queryset(request).prefetch_related("surfaces")

    @admin.display(description=gettext_lazy("working hours"))
    def hours(self, row: Calendar) -> str:
        """Show the week in short: days that follow each other with the same hours are one part."""
        week = [(str(label_for_field(day, Calendar))[:3], getattr(row, day).strip()) for day in DAYS]
        parts = [(list(days), hours) for hours, days in groupby(week, key=lambda day: day[1]) if hours]
        return "; ".join(f"{_span([name for name, _hours in days])} {hours}" for days, hours in parts)

    @admin.display(description=gettext_lazy("holidays"))
    def days_off(self, row: Calendar) -> str:
        """Show until when holidays are known: the next year's are not filled in by themselves."""
        if not row.holidays:
            return "—"
        return _("%(count)s, until %(last)s") % {"count": len(row.holidays), "last": max(row.holidays).isoformat()}

    @admin.display(description=gettext_lazy("used by"))
    def used_by(self, row: Calendar) -> str:
        return ", ".join(surface.slug for surface in row.surfaces.all()) or "—"


def _span(days: Sequence[str]) -> str:
    return days[0] if len(days) == 1 else f"{days[0]}–{days[-1]}"


class EscalationForm(forms.ModelForm[Escalation]):
    class Meta:
        model = Escalation
        fields = ("surface", "level", "role", "after", "widens")
        help_texts = {
            "after": gettext_lazy(
                "For example 4 hours. Counted in the surface’s business time, and less than its deadline."
            )
        }

    def clean(self) -> dict[str, Any]:
        """Warn of what would never happen while it is easy to change."""
        cleaned = super().clean() or self.cleaned_data
        surface, role, after = (cleaned.get(name) for name in ("surface", "role", "after"))
        if surface and after and after >= surface.deadline:
            self.add_error(
                "after",
                _("By then the proposal has expired: its deadline is %s.") % durations.written(surface.deadline),
            )
        if role and not members().get(role.name):
            self.add_error("role", _("No one who can sign in has the %s role.") % role.name)
        return cleaned


@admin.register(Escalation)
class EscalationAdmin(TunedAdmin[Escalation]):
    form = EscalationForm
    list_display = ("surface", "level", "role", durations.column("after", gettext_lazy("after")), "widens")
    list_filter = (("surface", admin.RelatedOnlyFieldListFilter), "role")
    list_select_related = ("surface", "role")
    search_fields = ("surface__slug",)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Begin with the first level."""
        return {"level": 1, **super().get_changeform_initial_data(request)}
