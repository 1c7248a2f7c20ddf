"""Tiers and surfaces. What is saved is a draft until it is published."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import flatten_fieldsets
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from policies.admin import durations
from policies.admin.recorded import KeptAdmin
from policies.admin.surfaces import figures
from policies.admin.surfaces.form import SurfaceForm
from policies.admin.tuned import TunedAdmin
from policies.engine import risk
from policies.models import Connector, Surface, Tier
from policies.publishing.selection import DIALS


@admin.register(Tier)
class TierAdmin(KeptAdmin[Tier]):
    list_display = (
        "name",
        "slug",
        "rank",
        "posture",
        "review",
        durations.column("hold", gettext_lazy("hold")),
        "sample_rate",
    )
    ordering = ("rank",)
    search_fields = ("slug", "name")

    def get_readonly_fields(self, request: HttpRequest, obj: Tier | None = None) -> tuple[str, ...]:
        return ("slug",) if obj else ()


def _gate() -> str:
    return _(
        "This surface is a gate: the agent’s own program runs what was approved, and holds the credentials for it. "
        "Only its good conduct keeps it from acting without asking. A webhook or pull connector is safer."
    )


@cache
def _named(field: str, label: Any) -> Callable[[Surface], str]:
    """Return a column that names the row to which the field points; Django would lead to that row's page."""

    @admin.display(description=label, empty_value="-")
    def name(row: Surface) -> str:
        return str(getattr(row, field) or "")

    return name


_POINTERS: Final = {
    "floor": (gettext_lazy("floor"), "policies.view_tier"),
    "connector": (gettext_lazy("connector"), "policies.view_connector"),
}
"""Fields that people who only tune see and do not set, and what it takes to see the page behind each."""


def _unlinked(options: Any, request: HttpRequest) -> Any:
    """Return a part of the page without links to pages that are closed to the person."""
    closed = {name: label for name, (label, may) in _POINTERS.items() if not request.user.has_perm(may)}
    fields = (_named(name, closed[name]) if name in closed else name for name in options["fields"])
    return {**options, "fields": tuple(fields)}


def _without(options: Any, field: str) -> Any:
    return {**options, "fields": tuple(name for name in options["fields"] if name != field)}


@admin.register(Surface)
class SurfaceAdmin(KeptAdmin[Surface], TunedAdmin[Surface]):
    surface_field = "pk"
    form = SurfaceForm
    list_display = (
        "slug",
        "name",
        "tier",
        "floor",
        "owner",
        durations.column("deadline", gettext_lazy("deadline")),
        "connector",
        "is_enabled",
    )
    list_filter = ("is_enabled", "tier", "owner")
    list_select_related = ("tier", "floor", "owner", "connector")
    search_fields = ("slug", "name")
    fieldsets = (
        (None, {"fields": ("slug", "name", "description", "is_enabled", "owner", "connector")}),
        (
            gettext_lazy("Oversight"),
            {
                "fields": ("tier", "floor", "senior_tier", ("confidence_low", "confidence_high")),
                "description": gettext_lazy("The tier is the default. Everything else can only make it stricter."),
            },
        ),
        (
            gettext_lazy("Time"),
            {
                "fields": ("deadline", "calendar", "undo_window", "shelf_life", "cool_down", "retention", "time_zone"),
                "description": durations.HELP,
            },
        ),
        (gettext_lazy("Presentation"), {"fields": ("card",)}),
        (gettext_lazy("People"), {"fields": ("editor_may_approve", "agent_owner_may_decide", "distinct_people")}),
        (
            gettext_lazy("Payload"),
            {
                "fields": (
                    "payload_schema", "derived_tags", "amount_pointer", "currency", "audience_pointer", "params",
                    "unset",
                ),
                "description": gettext_lazy("What agents may send, and what the portal reads in it by itself."),
            },
        ),
        (
            gettext_lazy("What it touches"),
            {
                "fields": (
                    "advice", "is_customer_facing", "has_personal_data", "writes_to_production", "spends_money",
                    "has_legal_effect", "is_irreversible",
                )
            },
        ),
    )  # fmt: skip

    def get_fieldsets(self, request: HttpRequest, obj: Surface | None = None) -> Any:
        """Put a field for each figure that rules read behind the tiers, for people who may set it."""
        fieldsets = list(super().get_fieldsets(request, obj))
        if self.may_only_tune(request):
            fieldsets = [(name, _unlinked(options, request)) for name, options in fieldsets]
        if obj is not None and self.has_change_permission(request, obj):
            # Who can set them is told above the form.
            fieldsets = [(name, _without(options, "unset")) for name, options in fieldsets]
        if inputs := tuple(self._figures(request, obj)):
            about = _("Rules compare proposals with these numbers. While one is empty, none of its rules lets pass.")
            fieldsets.insert(2, (_("Figures"), {"fields": inputs, "description": about}))
        return fieldsets

    def get_form(  # Django's signature
        self,
        request: HttpRequest,
        obj: Surface | None = None,
        change: bool = False,  # noqa: FBT002
        **kwargs: Any,
    ) -> Any:
        """Return the form with a field for each figure."""
        inputs = self._figures(request, obj)
        shown = flatten_fieldsets(self.get_fieldsets(request, obj))
        kwargs["fields"] = [name for name in kwargs.get("fields") or shown if name not in inputs]
        form = super().get_form(request, obj, change, **kwargs)
        return type(form.__name__, (form,), dict(inputs)) if inputs else form

    def _figures(self, request: HttpRequest, obj: Surface | None) -> Mapping[str, forms.Field]:
        """Return the fields, made once in a request."""
        if obj is None or not self.has_change_permission(request, obj):
            return {}
        made: Mapping[str, forms.Field] | None = getattr(request, "surface_figures", None)
        if made is None:
            made = figures.fields(obj, sent=request.POST)
            setattr(request, "surface_figures", made)  # noqa: B010  # a request takes any
        return made

    def get_readonly_fields(self, request: HttpRequest, obj: Surface | None = None) -> tuple[str, ...]:
        if self.may_only_tune(request):
            inputs = self._figures(request, obj)
            shown = flatten_fieldsets(self.get_fieldsets(request, obj))
            return tuple(name for name in shown if name not in DIALS and name not in inputs)
        return ("slug", "advice", "unset") if obj else ("advice", "unset")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whether the person may add to the table: to tune a surface is to change one that is there."""
        return super(TunedAdmin, self).has_add_permission(request)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask, above the form, for the parameters that rules wait for."""
        if request.method == "GET":
            surface = self.get_object(request, object_id)
            for one in figures.unset(surface):
                messages.warning(request, figures.sentence(one))
            if surface is not None and surface.connector is not None and surface.connector.kind == Connector.Kind.GATE:
                messages.warning(request, _gate())
        return super().change_view(request, object_id, form_url, extra_context)

    @admin.display(description=gettext_lazy("parameters to set"))
    def unset(self, row: Surface | None) -> SafeString:
        """Name the parameters that rules read and that have no value yet."""
        missing = figures.unset(row)
        if not missing:
            return format_html('<span class="quiet">{}</span>', _("None: rules find all they read."))
        lines = format_html_join("", '<li class="problem">{}</li>', ((figures.sentence(one),) for one in missing))
        return format_html("<ul>{}</ul>", lines)

    @admin.display(description=gettext_lazy("oversight that fits"))
    def advice(self, row: Surface | None) -> SafeString:
        """Propose tier and floor from the classification as it was saved, and warn where the surface is laxer."""
        touches = {name: bool(getattr(row, name, False)) for name in risk.WORDS}
        advice = risk.advise(touches)
        words = {"tier": advice.tier, "floor": advice.floor, "why": ", ".join(advice.why) or _("it touches nothing")}
        sentence = _("Tier %(tier)s or stricter, floor %(floor)s or stricter: %(why)s.") % words
        if row is None or not row.pk or not row.tier_id:
            return format_html(
                '<span class="quiet">{}</span>', _("Tick what it touches and save; then it is said here.")
            )
        warnings = risk.warnings(advice, tier_rank=row.tier.rank, floor_rank=row.floor.rank)
        lines = format_html_join("", '<li class="problem">{}</li>', ((text,) for text in warnings))
        return format_html("{}<ul>{}</ul>", sentence, lines) if warnings else format_html("{}", sentence)
