"""Tiers and surfaces. What is saved is a draft until it is published."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from policies import card_kinds
from policies.admin.json_field import StrictJsonField
from policies.admin.recorded import KeptAdmin
from policies.admin.zones import require_time_zone
from policies.engine import payloads, risk
from policies.engine.payloads import SchemaInvalid
from policies.models import Surface, Tier
from policies.models.fields import name_validator


@admin.register(Tier)
class TierAdmin(KeptAdmin[Tier]):
    list_display = ("name", "slug", "rank", "posture", "review", "hold", "sample_rate")
    ordering = ("rank",)
    search_fields = ("slug", "name")

    def get_readonly_fields(self, request: HttpRequest, obj: Tier | None = None) -> tuple[str, ...]:
        return ("slug",) if obj else ()


class SurfaceForm(forms.ModelForm[Surface]):
    """Checks what the tables cannot: schemas, pointers, and tiers that contradict each other."""

    payload_schema = StrictJsonField(
        label=gettext_lazy("payload schema"),
        required=False,
        help_text=gettext_lazy("JSON Schema 2020-12 that every payload must meet. {} accepts everything."),
    )
    derived_tags = StrictJsonField(
        label=gettext_lazy("derived tags"),
        required=False,
        help_text=gettext_lazy('Tags that the portal adds itself: [{"tag": "vip", "if": {a JSON Schema}}].'),
    )

    params = StrictJsonField(
        label=gettext_lazy("parameters"),
        required=False,
        help_text=gettext_lazy(
            'Numbers and lists that conditions may name: {"weekly_budget": 40000} is params.weekly_budget.'
        ),
        widget=forms.Textarea({"rows": 4, "class": "vLargeTextField json", "spellcheck": "false"}),
    )

    card = forms.ChoiceField(
        label=gettext_lazy("card"),
        choices=card_kinds.cards,
        help_text=gettext_lazy(
            "How reviewers see its changes. It is no part of the policy, so it changes as soon as you save."
        ),
    )

    class Meta:
        model = Surface
        fields = "__all__"  # noqa: DJ007  # the admin's fieldsets choose

    def clean_payload_schema(self) -> dict[str, Any]:
        schema = self.cleaned_data["payload_schema"]
        if schema is None:
            return {}
        _require_schema(schema)
        return schema  # type: ignore[no-any-return]

    def clean_params(self) -> dict[str, Any]:
        params = self.cleaned_data["params"]
        if params is None:
            return {}
        if not isinstance(params, dict):
            raise ValidationError(_("Parameters must be an object: { … }."))
        for name, value in params.items():
            rows = value if isinstance(value, list) else [value]
            if not all(isinstance(row, int | float | str) for row in rows):
                raise ValidationError(_("%s must be a number, a text, or a list of them.") % name)
        return params

    def clean_time_zone(self) -> str:
        name: str = self.cleaned_data["time_zone"]
        require_time_zone(name)
        return name

    def clean_derived_tags(self) -> list[dict[str, Any]]:
        rows = self.cleaned_data["derived_tags"]
        if rows is None:
            return []
        if not isinstance(rows, list):
            raise ValidationError(_("This must be a list: [ … ]."))
        for number, row in enumerate(rows, start=1):
            if not isinstance(row, dict) or row.keys() != {"tag", "if"} or not isinstance(row["tag"], str):
                raise ValidationError(_('Row %s must be {"tag": "…", "if": {…}} and nothing else.') % number)
            name_validator(row["tag"])
            _require_schema(row["if"], where=_("Row %s: ") % number)
        return rows

    def clean_amount_pointer(self) -> str:
        return _pointer(self.cleaned_data["amount_pointer"])

    def clean_audience_pointer(self) -> str:
        return _pointer(self.cleaned_data["audience_pointer"])

    def clean(self) -> dict[str, Any]:
        """Refuse tiers that would never apply."""
        cleaned = super().clean() or self.cleaned_data
        tier, floor, senior = (cleaned.get(name) for name in ("tier", "floor", "senior_tier"))
        if tier and floor and tier.rank < floor.rank:
            self.add_error("tier", _("Looser than the floor (%s), which would always win. Raise it.") % floor)
        if senior and senior.posture != Tier.Posture.IN:
            self.add_error("senior_tier", _("Choose a tier in which people decide."))
        return cleaned


def _require_schema(schema: Any, *, where: str = "") -> None:
    if not isinstance(schema, dict):
        raise ValidationError(where + _("A schema must be an object: { … }."))
    try:
        payloads.validator(schema)
    except SchemaInvalid as error:
        raise ValidationError(where + str(error)) from error


def _pointer(text: str) -> str:
    if text and not text.startswith("/"):
        raise ValidationError(_("A JSON Pointer begins with a slash, for example /%s.") % text)
    return text


@admin.register(Surface)
class SurfaceAdmin(KeptAdmin[Surface]):
    form = SurfaceForm
    list_display = ("slug", "name", "tier", "floor", "owner", "deadline", "connector", "is_enabled")
    list_filter = ("is_enabled", "tier", "owner")
    list_select_related = ("tier", "floor", "owner", "connector")
    search_fields = ("slug", "name")
    fieldsets = (
        (None, {"fields": ("slug", "name", "description", "is_enabled", "owner", "connector")}),
        (
            gettext_lazy("Oversight"),
            {
                "fields": ("tier", "floor", "senior_tier", ("confidence_low", "confidence_high")),
                "description": gettext_lazy("The tier is the usual oversight; everything else only makes it stricter."),
            },
        ),
        (
            gettext_lazy("Time"),
            {
                "fields": ("deadline", "calendar", "undo_window", "shelf_life", "cool_down", "retention", "time_zone"),
                "description": gettext_lazy("Written as days hours:minutes:seconds, for example 1 00:00:00."),
            },
        ),
        (gettext_lazy("Presentation"), {"fields": ("card",)}),
        (gettext_lazy("People"), {"fields": ("editor_may_approve", "agent_owner_may_decide", "distinct_people")}),
        (
            gettext_lazy("Payload"),
            {
                "fields": (
                    "payload_schema", "derived_tags", "amount_pointer", "currency", "audience_pointer", "params",
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

    def get_readonly_fields(self, request: HttpRequest, obj: Surface | None = None) -> tuple[str, ...]:
        return ("slug", "advice") if obj else ("advice",)

    @admin.display(description=gettext_lazy("oversight that fits"))
    def advice(self, row: Surface | None) -> SafeString:
        """Propose tier and floor from the classification as it was saved, and warn where the surface is laxer."""
        touches = {name: bool(getattr(row, name, False)) for name in risk.WORDS}
        advice = risk.advise(touches)
        words = {"tier": advice.tier, "floor": advice.floor, "why": ", ".join(advice.why) or _("it touches nothing")}
        said = _("Tier %(tier)s or stricter, floor %(floor)s or stricter: %(why)s.") % words
        if row is None or not row.pk or not row.tier_id:
            return format_html(
                '<span class="quiet">{}</span>', _("Tick what it touches and save; then it is said here.")
            )
        found = risk.warnings(advice, tier_rank=row.tier.rank, floor_rank=row.floor.rank)
        lines = format_html_join("", '<li class="problem">{}</li>', ((text,) for text in found))
        return format_html("{}<ul>{}</ul>", said, lines) if found else format_html("{}", said)
