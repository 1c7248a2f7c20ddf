"""Filters with a beginning and an end: native inputs in a form, with the usual ranges one click away."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

DAY: Final = timedelta(days=1)


class RangeFilter(admin.ListFilter):
    """Two inputs named `<name>_from` and `<name>_to`. What cannot be read finds nothing, and the page says so."""

    template = "approvals/range_filter.html"
    name = ""
    kind = "text"
    unit = ""
    least: str = ""
    most: str = ""
    own: tuple[str, ...] = ()
    """Further parameters of this filter."""

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        for name in self.expected_parameters():
            if name in params:
                self.used_parameters[name] = params.pop(name)[-1].strip()
        self.problem = ""
        self.kept: list[tuple[str, str]] = []

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return [f"{self.name}_from", f"{self.name}_to", *self.own]

    @property
    def begin(self) -> str:
        return str(self.used_parameters.get(f"{self.name}_from") or "")

    @property
    def end(self) -> str:
        return str(self.used_parameters.get(f"{self.name}_to") or "")

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        try:
            condition = self.condition()
        except ValueError:
            self.problem = self.complaint()
            return queryset.none()
        return None if condition is None else queryset.filter(condition)

    def condition(self) -> Q | None:
        """Return what rows must hold, or None for no range. Raises ValueError for what cannot be read."""
        raise NotImplementedError

    def complaint(self) -> str:
        """Say what is wrong with what was typed."""
        raise NotImplementedError

    def quick(self) -> list[tuple[str, Mapping[str, str]]]:
        """Return `(words, parameters)` of the usual ranges."""
        return []

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Yield the links; the form of the template needs the other filters' parameters as well."""
        mine = [f"{self.name}_from", f"{self.name}_to", *self.own]
        others: Mapping[str, Any] = {key: value for key, value in changelist.filter_params.items() if key not in mine}
        self.kept = [(key, str(value[-1] if isinstance(value, list) else value)) for key, value in others.items()]
        used = {key: value for key, value in self.used_parameters.items() if value}
        yield {"selected": not used, "query_string": changelist.get_query_string(remove=mine), "display": _("All")}
        for label, wanted in self.quick():
            link = changelist.get_query_string({**dict.fromkeys(mine), **wanted})
            yield {"selected": used == dict(wanted), "query_string": link, "display": label}


class DateRangeFilter(RangeFilter):
    """Whole days in the reader's time zone, both ends included."""

    kind = "date"
    field = ""

    def condition(self) -> Q | None:
        parts = {}
        if self.begin:
            parts[f"{self.field}__gte"] = _midnight(date.fromisoformat(self.begin))
        # The last day of the calendar has no day after it: nothing lies beyond.
        if self.end and (last := date.fromisoformat(self.end)) < date.max:
            parts[f"{self.field}__lt"] = _midnight(last + DAY)
        return Q(**parts) if parts else None

    def complaint(self) -> str:
        return _("These are no dates. Write them like 2026-11-21.")

    def quick(self) -> list[tuple[str, Mapping[str, str]]]:
        today = timezone.localdate()
        begin = f"{self.name}_from"
        return [
            (_("Today"), {begin: today.isoformat()}),
            (_("Last 7 days"), {begin: (today - 6 * DAY).isoformat()}),
            (_("Last 30 days"), {begin: (today - 29 * DAY).isoformat()}),
        ]


def date_range(field: str, title: Any, name: str) -> type[DateRangeFilter]:
    """Return the filter of one date, with the parameters `<name>_from` and `<name>_to`."""
    return type(f"{name.title()}DateFilter", (DateRangeFilter,), {"field": field, "title": title, "name": name})


class ConfidenceFilter(RangeFilter):
    """The agent's confidence, in per cent."""

    title = gettext_lazy("confidence")
    name = "confidence"
    kind = "number"
    unit = "%"
    least, most = "0", "100"
    own = ("confidence",)
    path = ""
    BANDS: Final[Mapping[str, tuple[float | None, float | None]]] = {
        "90-100": (0.9, None), "80-90": (0.8, 0.9), "50-80": (0.5, 0.8), "0-50": (None, 0.5),
    }  # fmt: skip

    def condition(self) -> Q | None:
        column = f"{self.path}confidence"
        band = self.used_parameters.get("confidence")
        if band == "none":
            return Q(**{column: None})
        low, high = self.BANDS.get(str(band), (None, None))
        parts = {f"{column}__gte": low} if low is not None else {}
        parts |= {f"{column}__lt": high} if high is not None else {}
        if self.begin:
            parts[f"{column}__gte"] = _share(self.begin)
        if self.end:
            parts[f"{column}__lte"] = _share(self.end)
        return Q(**parts) if parts else None

    def complaint(self) -> str:
        return _("Confidence is a number from 0 to 100.")

    def quick(self) -> list[tuple[str, Mapping[str, str]]]:
        return [
            (_("90 % and more"), {"confidence": "90-100"}),
            (_("80 to 90 %"), {"confidence": "80-90"}),
            (_("50 to 80 %"), {"confidence": "50-80"}),
            (_("below 50 %"), {"confidence": "0-50"}),
            (_("not given"), {"confidence": "none"}),
        ]


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 100:
        raise ValueError(text)
    return round(share / 100, 6)
