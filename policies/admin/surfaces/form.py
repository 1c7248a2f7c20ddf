"""The form of a surface: what the tables cannot check, and a field for each figure that rules read."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from policies import card_kinds
from policies.admin.json_field import StrictJsonField
from policies.admin.surfaces import figures
from policies.admin.zones import require_time_zone
from policies.engine import payloads
from policies.engine.payloads import SchemaInvalid
from policies.models import Surface, Tier
from policies.models.fields import name_validator


class SurfaceForm(forms.ModelForm[Surface]):
    """Checks what the tables cannot: schemas, pointers, and tiers that contradict each other."""

    payload_schema = StrictJsonField(
        label=gettext_lazy("Payload schema"),
        required=False,
        help_text=gettext_lazy("JSON Schema 2020-12 that every payload must meet. {} accepts everything."),
    )
    derived_tags = StrictJsonField(
        label=gettext_lazy("Derived tags"),
        required=False,
        help_text=gettext_lazy('Tags that the portal adds itself: [{"tag": "vip", "if": {a JSON Schema}}].'),
    )

    params = StrictJsonField(
        label=gettext_lazy("Parameters"),
        required=False,
        help_text=gettext_lazy(
            'More numbers, texts and lists that conditions may name: {"regions": ["DE"]} is params.regions.'
        ),
        widget=forms.Textarea({"rows": 4, "class": "vLargeTextField json", "spellcheck": "false"}),
    )

    card = forms.ChoiceField(
        label=gettext_lazy("Card"),
        choices=card_kinds.cards,
        help_text=gettext_lazy(
            "How reviewers see its changes. It is no part of the policy, so it changes as soon as you save."
        ),
    )

    class Meta:
        model = Surface
        fields = "__all__"  # noqa: DJ007  # the admin's fieldsets choose

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Leave out of the parameters what has a field of its own."""
        super().__init__(*args, **kwargs)
        params = self.initial.get("params")
        if isinstance(params, Mapping):
            self.initial.update(figures.initial(self.fields, params))

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
            if value is not None and not all(isinstance(row, int | float | str) for row in rows):
                raise ValidationError(
                    _("%s must be a number, a text, a list of them, or null while it is not known.") % name
                )
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
        tier, senior = cleaned.get("tier"), cleaned.get("senior_tier")
        # Who may only tune the surface sees the floor and sends none.
        floor = cleaned.get("floor") or (self.instance.floor if self.instance.floor_id else None)
        if tier and floor and tier.rank < floor.rank:
            self.add_error("tier", _("Looser than the floor (%s), which would always win. Raise it.") % floor)
        if senior and senior.posture != Tier.Posture.IN:
            self.add_error("senior_tier", _("Choose a tier in which people decide."))
        if "params" in cleaned:
            cleaned["params"] = self._with_figures(cleaned)
        return cleaned

    def _with_figures(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters with the figures in them; what is typed twice must be the same."""
        params: dict[str, Any] = cleaned["params"]
        for field, name in figures.named([*cleaned]):
            value = figures.plain(cleaned[field])
            if value is not None and params.get(name) not in (None, value):
                self.add_error(field, _("The parameters below say something else. Remove it there."))
            if value is not None or name in (self.instance.params or {}):
                params.setdefault(name, None)
            if value is not None:
                params[name] = value
        return params


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
