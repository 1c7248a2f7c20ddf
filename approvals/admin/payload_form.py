"""A form for a payload: a field for each plain property of the schema, and JSON for everything else."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from audit import canonical
from audit.canonical import InvalidJson
from policies.payloads import FieldError

REST: Final = "rest"
ROLLBACK: Final = "rollback"
PREFIX: Final = "payload."
LONG: Final = 80
MAX_JSON: Final = 1_100_000
TYPES: Final = {"string", "number", "integer", "boolean"}


class JsonArea(forms.CharField):
    """JSON as text, read as strictly as what agents send."""

    def __init__(self, **kwargs: Any) -> None:
        rows = kwargs.pop("rows", 12)
        widget = forms.Textarea({"rows": rows, "class": "json", "spellcheck": "false", "autocomplete": "off"})
        super().__init__(widget=widget, max_length=MAX_JSON, strip=False, **kwargs)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text.strip():
            if self.required:
                raise forms.ValidationError(self.error_messages["required"], code="required")
            return None
        try:
            return canonical.parse(text.encode())
        except InvalidJson as fault:
            raise forms.ValidationError(str(fault)) from fault


class PayloadForm(forms.Form):
    """Edits a payload. `payload()` gives it back with every property that the form does not show untouched."""

    revision = forms.IntegerField(min_value=1, widget=forms.HiddenInput)
    digest = forms.CharField(max_length=71, widget=forms.HiddenInput)
    note = forms.CharField(
        label=_("Why you change it"), required=False, max_length=2000, widget=forms.Textarea({"rows": 2})
    )

    def __init__(self, *args: Any, schema: Mapping[str, Any], payload: Any, as_json: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.original = payload
        self.plain = {} if as_json else plain_properties(schema, payload)
        for name, rules in self.plain.items():
            self.fields[PREFIX + name] = _field(name, rules, schema, _get(payload, name))
        rest = self._without_plain(payload)
        if rest or not self.plain:
            label = _("Everything else, as JSON") if self.plain else _("Payload, as JSON")
            self.fields[REST] = JsonArea(label=label, initial=_dump(rest), rows=8 if self.plain else 18)
        self.fields[ROLLBACK] = JsonArea(
            label=_("Rollback payload, as JSON"),
            required=False,
            rows=4,
            help_text=_("What reverses the edited action. Empty: once edited, it cannot be rolled back from here."),
        )

    def payload(self) -> Any:
        """Return the edited payload; call it on a valid form."""
        rest = self.cleaned_data.get(REST)
        if not self.plain:
            return rest
        edited = dict(rest) if isinstance(rest, dict) else {}
        for name in self.plain:
            value = _read(self.cleaned_data[PREFIX + name], _get(self.original, name))
            if value is not _ABSENT:
                edited[name] = value
        return edited

    def clean(self) -> dict[str, Any]:
        """Refuse anything but an object beside the plain fields: it could not be put together."""
        cleaned = super().clean() or self.cleaned_data
        if self.plain and cleaned.get(REST) is not None and not isinstance(cleaned[REST], dict):
            self.add_error(REST, _("This must stay an object: { … }."))
        return cleaned

    def add_faults(self, faults: Sequence[FieldError]) -> None:
        """Put each fault at its field, or else at the JSON with its place named."""
        for fault in faults:
            top, _slash, below = fault.pointer.removeprefix("/payload").removeprefix("/").partition("/")
            if fault.pointer.startswith("/payload") and PREFIX + top in self.fields and not below:
                self.add_error(PREFIX + top, fault.detail)
            elif fault.pointer.startswith("/rollback"):
                self.add_error(ROLLBACK, f"{fault.pointer.removeprefix('/rollback') or '/'}: {fault.detail}")
            else:
                place = fault.pointer.removeprefix("/payload") or "/"
                self.add_error(REST if REST in self.fields else None, f"{place}: {fault.detail}")

    def _without_plain(self, payload: Any) -> Any:
        if not isinstance(payload, dict):
            return payload
        return {name: value for name, value in payload.items() if name not in self.plain}

    @property
    def payload_fields(self) -> list[forms.BoundField]:
        """The generated fields, in the schema's order."""
        return [self[PREFIX + name] for name in self.plain]

    @property
    def rest_field(self) -> forms.BoundField | None:
        return self[REST] if REST in self.fields else None


class _Absent:
    pass


_ABSENT: Final = _Absent()


def plain_properties(schema: Mapping[str, Any], payload: Any) -> dict[str, Mapping[str, Any]]:
    """Return the schema's properties that are one text, number, choice or yes-or-no, as they are now."""
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or not isinstance(payload, dict):
        return {}
    # The database keeps no order of names, but it keeps the order of the list of required ones.
    ordered = [*(name for name in schema.get("required", ()) if name in properties), *properties]
    return {
        name: rules
        for name, rules in ((name, properties[name]) for name in dict.fromkeys(ordered))
        if isinstance(rules, Mapping)
        and _type(rules) in TYPES
        and not isinstance(payload.get(name), dict | list)
        and "." not in name
    }


def _type(rules: Mapping[str, Any]) -> str:
    kinds = rules.get("type")
    if isinstance(kinds, list):
        kinds = next((kind for kind in kinds if kind != "null"), None) if len(kinds) <= 2 else None
    if kinds is None and isinstance(rules.get("enum"), list):
        return "string" if all(isinstance(choice, str) for choice in rules["enum"]) else ""
    return str(kinds)


def _get(payload: Any, name: str) -> Any:
    return payload.get(name, _ABSENT) if isinstance(payload, dict) else _ABSENT


def _field(name: str, rules: Mapping[str, Any], schema: Mapping[str, Any], value: Any) -> forms.Field:
    kind = _type(rules)
    is_required = name in schema.get("required", ())
    shared: dict[str, Any] = {
        "label": str(rules.get("title") or name),
        "help_text": str(rules.get("description") or ""),
        "required": is_required and kind != "string",
        "initial": None if value is _ABSENT else value,
    }
    choices = rules.get("enum")
    if isinstance(choices, list) and kind == "string":
        offered = [("", "—")] if not is_required else []
        return forms.ChoiceField(choices=[*offered, *((choice, choice) for choice in choices)], **shared)
    if kind == "boolean":
        return forms.TypedChoiceField(
            choices=[("", "—"), ("true", _("yes")), ("false", _("no"))],
            coerce=lambda text: text == "true",
            empty_value=None,
            **{**shared, "initial": {True: "true", False: "false"}.get(value, "") if isinstance(value, bool) else ""},
        )
    if kind in {"number", "integer"}:
        return NumberField(**{**shared, "initial": "" if value in (None, _ABSENT) else json.dumps(value)})
    is_long = isinstance(value, str) and (len(value) > LONG or "\n" in value)
    is_long = is_long or rules.get("maxLength", 0) > 2 * LONG or rules.get("contentMediaType") == "text/html"
    widget = forms.Textarea({"rows": 8}) if is_long else forms.TextInput({"class": "vTextField"})
    return TextField(widget=widget, strip=False, **shared)


class TextField(forms.CharField):
    """Text; browsers send line ends as CR LF, and payloads have LF."""

    def clean(self, value: Any) -> str:
        return str(super().clean(value)).replace("\r\n", "\n")


class NumberField(forms.CharField):
    """A JSON number, kept exactly as it is written."""

    widget = forms.TextInput

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        try:
            found = canonical.parse(text.encode())
        except InvalidJson:
            found = None
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise forms.ValidationError(_("Enter a number, for example 4000 or 12.5."))
        return found

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {**super().widget_attrs(widget), "inputmode": "decimal"}


def _read(value: Any, original: Any) -> Any:
    """Return what an emptied field means: null where it was null, text where it was text, else nothing."""
    if value not in (None, ""):
        return value
    if original is None:
        return None
    return "" if isinstance(original, str) and value == "" else _ABSENT


def _dump(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
