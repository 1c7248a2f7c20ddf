"""The fields of a payload's form. Each gives its value back exactly where nobody changed what it shows."""

import json
from collections.abc import Mapping
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from approvals.admin.editing.tree import ABSENT, Kind, Leaf
from approvals.presentation import words
from audit import canonical
from audit.canonical import InvalidJson

LONG: Final = 80
MAX_JSON: Final = 1_100_000


class JsonArea(forms.CharField):
    """JSON as text, read as strictly as what agents send."""

    def __init__(self, **kwargs: Any) -> None:
        rows = kwargs.pop("rows", 12)
        widget = forms.Textarea({"rows": rows, "class": "json", "spellcheck": "false", "autocomplete": "off"})
        super().__init__(widget=widget, max_length=MAX_JSON, strip=False, **kwargs)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether somebody typed here. Browsers send line ends as CR LF."""
        return _lines(str(data or "")) != _lines(str(initial or ""))

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


class LeafField(forms.CharField):
    """One plain value of a payload, as text.

    What was not touched comes back as it was: absent, null, or a number as it was written.
    """

    def __init__(self, leaf: Leaf, **kwargs: Any) -> None:
        self.leaf = leaf
        self.shown_text = shown(leaf)
        about: dict[str, Any] = {"label": leaf.label, "help_text": _help(leaf.rules), "initial": self.shown_text}
        super().__init__(required=False, strip=False, **about, **kwargs)

    def clean(self, value: Any) -> Any:
        """Return the JSON value; ABSENT where there is none. A field that was not sent at all is untouched."""
        if value is None:
            return self.leaf.original
        text = _lines(str(super().clean(value)))
        if text == _lines(self.shown_text):
            return self.leaf.original
        return self.read(text) if text else self._emptied()

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether it says something else than what stood in it at first; a field that was not sent does not."""
        return data is not None and _lines(str(data)) != _lines(self.shown_text)

    def read(self, text: str) -> Any:
        """Return the value that `text` writes."""
        return text

    def _emptied(self) -> Any:
        return ABSENT


class TextField(LeafField):
    """Text; browsers send line ends as CR LF, and payloads have LF."""

    def __init__(self, leaf: Leaf) -> None:
        super().__init__(leaf, widget=_text_widget(leaf))

    def _emptied(self) -> Any:
        """Empty text where the schema takes it; a value that may be left out is left out where it does not."""
        refuses_empty = leaf_minimum(self.leaf.rules) > 0
        return ABSENT if refuses_empty and not self.leaf.is_required else ""


class NumberField(LeafField):
    """A JSON number, kept exactly as it is written."""

    def __init__(self, leaf: Leaf) -> None:
        super().__init__(leaf, widget=forms.TextInput({"inputmode": "decimal", "autocomplete": "off"}))

    def read(self, text: str) -> Any:
        try:
            number = canonical.parse(text.strip().encode())
        except InvalidJson:
            number = None
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise forms.ValidationError(_("Enter a number, for example 4000 or 12.5."))
        return number


class YesNoField(LeafField):
    def __init__(self, leaf: Leaf) -> None:
        choices = [("", "—"), ("true", _("yes")), ("false", _("no"))]
        super().__init__(leaf, widget=forms.Select(choices=choices))

    def read(self, text: str) -> Any:
        if text not in {"true", "false"}:
            raise forms.ValidationError(_("Choose yes or no."))
        return text == "true"


class ChoiceField(LeafField):
    """One of the values that the schema lists; a value it does not list can stay, but not be chosen."""

    def __init__(self, leaf: Leaf) -> None:
        self.offered = {_written(choice): choice for choice in leaf.rules["enum"] if choice is not None}
        now = shown(leaf)
        texts = [*([now] if now not in self.offered else []), *self.offered]
        if not leaf.is_required and "" not in texts:
            texts.insert(0, "")
        super().__init__(leaf, widget=forms.Select(choices=[(text, text or "—") for text in texts]))

    def read(self, text: str) -> Any:
        if text not in self.offered:
            raise forms.ValidationError(_("Choose one of the values that are offered."))
        return self.offered[text]


FIELDS: Final[Mapping[Kind, type[Any]]] = {
    Kind.TEXT: TextField,
    Kind.NUMBER: NumberField,
    Kind.YES_NO: YesNoField,
    Kind.CHOICE: ChoiceField,
}


def field_of(leaf: Leaf) -> forms.Field:
    """Return the form field of a leaf."""
    if leaf.kind is Kind.JSON:
        text = dump(leaf.original)
        rows = min(max(3, text.count("\n") + 2), 10)
        return JsonArea(label=gettext_lazy("Everything else, as JSON"), initial=text, rows=rows)
    made: forms.Field = FIELDS[leaf.kind](leaf)
    return made


def shown(leaf: Leaf) -> str:
    """Return the text that stands in the field before anybody types."""
    if leaf.original is ABSENT or leaf.original is None:
        return ""
    if leaf.kind is Kind.YES_NO:
        return "true" if leaf.original else "false"
    return _written(leaf.original)


def dump(value: Any) -> str:
    """Write JSON for people to edit."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def leaf_minimum(rules: Mapping[str, Any]) -> float:
    """Return how many characters the schema wants at least; one where it names a format or a pattern."""
    named = 1 if "format" in rules or "pattern" in rules else 0
    shortest = rules.get("minLength", 0)
    return max(shortest if isinstance(shortest, int | float) else 0, named)


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _text_widget(leaf: Leaf) -> forms.Widget:
    text, rules = shown(leaf), leaf.rules
    most = rules.get("maxLength", 0)
    is_html = rules.get("contentMediaType") == "text/html" or rules.get("format") == "html"
    is_long = len(text) > LONG or "\n" in text or "\r" in text or (isinstance(most, int | float) and most > 4 * LONG)
    if not is_long and not is_html:
        return forms.TextInput({"class": "vTextField", "autocomplete": "off"})
    rows = min(max(4, text.count("\n") + 2, len(text) // LONG + 2), 18)
    return forms.Textarea({"rows": rows, **({"class": "json", "spellcheck": "false"} if is_html else {})})


def _help(rules: Mapping[str, Any]) -> str:
    """Return what the schema says of a value, and between what it has to lie."""
    sentences = [str(rules.get("description") or ""), _range(rules)]
    most = rules.get("maxLength")
    if isinstance(most, int) and most <= 2_000:
        sentences.append(_("At most %s characters.") % words.number(most))
    return " ".join(sentence for sentence in sentences if sentence)


def _range(rules: Mapping[str, Any]) -> str:
    low, high = (_bound(rules, name) for name in ("minimum", "maximum"))
    above, below = (_bound(rules, name) for name in ("exclusiveMinimum", "exclusiveMaximum"))
    if low and high:
        return _("From %(low)s to %(high)s.") % {"low": low, "high": high}
    parts = [
        _("At least %s.") % low if low else "",
        _("At most %s.") % high if high else "",
        _("More than %s.") % above if above else "",
        _("Less than %s.") % below if below else "",
    ]
    return " ".join(part for part in parts if part)


def _bound(rules: Mapping[str, Any], name: str) -> str:
    bound = rules.get(name)
    return words.number(bound) if isinstance(bound, int | float) and not isinstance(bound, bool) else ""
