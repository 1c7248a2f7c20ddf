"""The page of one day in numbers."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from approvals.admin.records.filters import reader_of
from approvals.figures import daily
from approvals.models import Sample
from approvals.models.verdicts import CHOICES
from approvals.presentation import volumes, words

Frame = Mapping[str, Any]
FIRST: Final = date(2000, 1, 1)
COLUMNS: Final = ("shipped", "stopped", "rolled_back", "failed")


@require_safe
def page(request: HttpRequest, frame: Frame) -> HttpResponse:
    """Show one calendar day in the reader's time zone: the one that `day` names, or today."""
    zone = timezone.get_current_timezone()
    today = timezone.localdate()
    day = min(max(_day(request.GET.get("day", "")) or today, FIRST), today)
    figures = daily.digest(reader_of(request), day=day, zone=zone)
    context = {
        **frame,
        "title": _("Daily digest"),
        "is_nav_sidebar_enabled": False,
        "digest": figures,
        "volumes": [(one, volumes.shipped(one)) for one in figures.volumes],
        "totals": {name: figures.total(name) for name in COLUMNS},
        "opinions": [(str(label), figures.opinions.get(value, 0)) for value, label in Sample.Opinion.choices],
        "not_yet": figures.opinions.get("", 0),
        "picked": sum(figures.opinions.values()),
        "decisions": [
            (str(verdict.label), figures.decided[verdict]) for verdict in CHOICES if verdict in figures.decided
        ],
        "decided": sum(figures.decided.values()),
        "median_wait": None if figures.median_wait is None else words.span(figures.median_wait),
        "before": day - timedelta(days=1) if day > FIRST else None,
        "after": day + timedelta(days=1) if day < today else None,
        "today": today,
        "zone": str(zone),
    }
    return TemplateResponse(request, "approvals/monitor/digest.html", context)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
