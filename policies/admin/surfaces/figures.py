"""A field for each figure of a surface that rules read, so that nobody writes JSON to set a budget."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _

from policies.models import Rule, Surface
from policies.publishing.lint.parameters import Parameter, read_on, unset_on

PREFIX: Final = "figure_"
EXACT: Final = 2**53 - 1
"""From here on, whole numbers differ between programs."""


def fields(surface: Surface, *, sent: Collection[str]) -> Mapping[str, forms.Field]:
    """Return the fields by their names in the form.

    `sent` names what a form sends: a figure that was on the page stays one, whatever became of its rules meanwhile.
    """
    params = surface.params if isinstance(surface.params, Mapping) else {}
    parameters = {one.name: one for one in read_on(surface.slug, _rules()) if one.is_number and one.name.isidentifier()}
    for name in params:
        if f"{PREFIX}{name}" in sent:
            parameters.setdefault(name, Parameter(name, (), is_number=True))
    return {
        f"{PREFIX}{name}": _field(one, surface.currency)
        for name, one in sorted(parameters.items())
        if params.get(name) is None or is_number(params[name])
    }


def _field(parameter: Parameter, currency: str) -> forms.Field:
    help_text = _("Read by the rules %s.") % ", ".join(parameter.rules) if parameter.rules else ""
    if currency:
        help_text = f"{help_text} " + _("Amounts here are in %s.") % currency
    return forms.FloatField(
        label=_label(parameter.name),
        required=False,
        min_value=-EXACT,
        max_value=EXACT,
        help_text=help_text,
        widget=forms.NumberInput({"step": "any", "class": "vTextField figure"}),
    )


def is_number(value: Any) -> bool:
    """Whether a parameter is a number; JSON's true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def plain(value: float | None) -> float | int | None:
    """Return a whole number as people write it: 40000, not 40000.0."""
    return int(value) if value is not None and value.is_integer() else value


def named(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Return each field among `names` that is a figure, with the parameter behind it."""
    for name in names:
        if name.startswith(PREFIX):
            yield name, name.removeprefix(PREFIX)


def initial(names: Iterable[str], params: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the form shows at first: each figure in its field, the rest of the parameters as JSON."""
    shown = dict(named(names))
    rest = {name: value for name, value in params.items() if name not in shown.values()}
    return {"params": rest} | {field: params.get(name) for field, name in shown.items()}


def unset(surface: Surface | None) -> tuple[Parameter, ...]:
    """Return the parameters that rules of the tables read on a saved surface, and that have no value."""
    if surface is None or not surface.pk or not surface.is_enabled:
        return ()
    return unset_on(surface.slug, surface.params, _rules())


def sentence(missing: Parameter) -> str:
    """Say what is to be set where, and what waits for it."""
    words = {"name": _label(missing.name), "rules": ", ".join(missing.rules), "key": missing.name}
    if missing.is_number:
        return _("%(name)s is not set. Until it is, nothing passes by these rules: %(rules)s.") % words
    return _("Set “%(key)s” under Parameters. Until then nothing passes by these rules: %(rules)s.") % words


def _label(name: str) -> str:
    return name.replace("_", " ").strip().capitalize() or name


def _rules() -> list[tuple[str, Mapping[str, Any]]]:
    rows = Rule.objects.filter(is_enabled=True).values("slug", "surfaces", "condition")
    return [(row["slug"], row) for row in rows]
