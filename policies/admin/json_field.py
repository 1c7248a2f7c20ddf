"""JSON in a form, read as strictly as what agents send."""

import json
from typing import Any

from django import forms

from audit import canonical
from audit.canonical import InvalidJson


class StrictJsonField(forms.JSONField):
    """Refuses duplicate names, NaN and numbers that JSON cannot carry exactly, and says where."""

    widget = forms.Textarea({"rows": 14, "class": "vLargeTextField json", "spellcheck": "false"})

    def to_python(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if not value.strip():
            return None
        try:
            return canonical.parse(value.encode())
        except InvalidJson as fault:
            raise forms.ValidationError(str(fault)) from fault

    def bound_data(self, data: Any, initial: Any) -> Any:
        return data if data is None or isinstance(data, str) else super().bound_data(data, initial)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, str):
            return value
        if value is None:
            return ""
        return json.dumps(value, indent=2, ensure_ascii=False)

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != initial)
        except forms.ValidationError:
            return True
