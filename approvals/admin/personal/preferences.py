"""Notification settings of a person: what, how and when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from functools import cache
from typing import Any, Final
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib import messages as shown
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from approvals.admin.personal import slack_link
from approvals.admin.review.actions import person_of
from approvals.messaging.slack.channel import has_slack
from approvals.models import ASKING, NoticeKind, Reachability, SlackLink
from approvals.notices import preferences
from approvals.notices.channels import NoticeChannel, personal
from approvals.notices.preferences import PreferenceChoice, Wish

CLOCK: Final = {"type": "time"}


class PreferencesForm(forms.Form):
    """What somebody wants to be told, by kind and channel, and when they want quiet."""

    time_zone = forms.ChoiceField(label=gettext_lazy("Time zone"), choices=())
    quiet_from = forms.TimeField(
        label=gettext_lazy("Quiet from"), required=False, widget=forms.TimeInput(CLOCK, format="%H:%M")
    )
    quiet_until = forms.TimeField(
        label=gettext_lazy("Quiet until"), required=False, widget=forms.TimeInput(CLOCK, format="%H:%M")
    )
    daily_at = forms.TimeField(label=gettext_lazy("Daily mail at"), widget=forms.TimeInput(CLOCK, format="%H:%M"))
    gets_daily_report = forms.BooleanField(label=gettext_lazy("Daily report on the surfaces I own"), required=False)

    def __init__(self, *args: Any, channels: Sequence[NoticeChannel], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = self.fields["time_zone"]
        assert isinstance(zones, forms.ChoiceField)
        zones.choices = [(name, name.replace("_", " ")) for name in zone_names()]
        self.channels = channels
        for kind in NoticeKind:
            for channel in channels:
                self.fields[_name(kind, channel)] = forms.ChoiceField(choices=channel.paces, label=str(channel.label))

    def clean(self) -> dict[str, Any]:
        """Quiet hours need both ends, and two of them."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        begins, ends = cleaned.get("quiet_from"), cleaned.get("quiet_until")
        if (begins is None) != (ends is None) and not {"quiet_from", "quiet_until"} & self.errors.keys():
            raise ValidationError(_("Quiet hours need a beginning and an end. Leave both empty for none."))
        return cleaned

    def choice(self) -> PreferenceChoice:
        """Return what was chosen; call it on a valid form."""
        cleaned = self.cleaned_data
        wanted = [(str(kind), channel) for kind in NoticeKind for channel in self.channels]
        paces = {(kind, channel.slug): cleaned[_name(kind, channel)] for kind, channel in wanted}
        return PreferenceChoice(
            paces=paces,
            time_zone=cleaned["time_zone"],
            quiet_from=cleaned["quiet_from"],
            quiet_until=cleaned["quiet_until"],
            daily_at=cleaned["daily_at"],
            gets_daily_report=cleaned["gets_daily_report"],
        )

    def rows(self) -> list["PreferenceRow"]:
        """Return the table: a row for each kind, with a field for each channel."""
        return [
            PreferenceRow(str(kind.label), kind in ASKING, [self[_name(kind, channel)] for channel in self.channels])
            for kind in NoticeKind
        ]


@dataclass(frozen=True, slots=True)
class PreferenceRow:
    label: str
    asks: bool
    fields: Sequence[forms.BoundField]


def show(request: HttpRequest, frame: Mapping[str, Any]) -> HttpResponse:
    """Show the choices of who is signed in (GET), or keep them (POST)."""
    person = person_of(request)
    wish = preferences.of([person])[person.pk]
    channels = [channel for channel in personal() if not channel.is_linked or channel in wish.channels]
    if request.method == "POST":
        form = PreferencesForm(request.POST, channels=channels)
        if form.is_valid():
            preferences.choose(person=person, choice=form.choice())
            shown.success(request, _("Saved. It applies from now on."))
            return HttpResponseRedirect(reverse("admin:preferences"))
    else:
        form = PreferencesForm(initial=_initial(person, wish, channels), channels=channels)
    context = {
        **frame,
        "title": _("Notification settings"),
        "is_nav_sidebar_enabled": False,
        "form": form,
        "channels": [str(channel.label) for channel in channels],
        "person": person,
        "clock": _clock(wish),
        "slack": _slack(person) if has_slack() else None,
    }
    return TemplateResponse(request, "approvals/preferences/preferences.html", context)


def _initial(person: User, wish: Wish, channels: Sequence[NoticeChannel]) -> dict[str, Any]:
    row = Reachability.objects.filter(person=person).first()
    paces = {_name(kind, channel): wish.pace(kind, channel) for kind in NoticeKind for channel in channels}
    return {
        **paces,
        "time_zone": (row.time_zone if row else "") or settings.TIME_ZONE,
        "quiet_from": row.quiet_from if row else None,
        "quiet_until": row.quiet_until if row else None,
        "daily_at": row.daily_at if row else time(8, 0),
        "gets_daily_report": row.gets_daily_report if row else True,
    }


def _slack(person: User) -> dict[str, Any]:
    """Return what the page says of the person's Slack account."""
    linked = SlackLink.objects.filter(person=person).values_list("slack_user", flat=True).first()
    return {"linked": linked, "form": slack_link.AskForm()}


def _clock(wish: Wish) -> str:
    """Say what time it is where the person is, so that a wrong time zone is noticed."""
    now: datetime = timezone.localtime(timezone.now(), wish.reach.zone)
    return f"{now:%H:%M}"


def _name(kind: str, channel: NoticeChannel) -> str:
    return f"{kind}-{channel.slug}"


@cache
def zone_names() -> tuple[str, ...]:
    """Return the time zones that people choose from: those of places, and UTC."""
    places = {name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "posix", "right"))}
    return ("UTC", *sorted(places), *(() if settings.TIME_ZONE in {*places, "UTC"} else (settings.TIME_ZONE,)))
