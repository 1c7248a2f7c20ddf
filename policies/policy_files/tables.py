"""The policy's tables as entries of a policy file, and back."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.db import models

from policies.models import Calendar, Escalation, Guardrail, Limit, PolicyTest, Requirement, Rule, Surface, Tier
from policies.policy_files.format.keyed import Key, KeyTable
from policies.policy_files.format.layout import SECTIONS, key_of
from policies.policy_files.format.shapes import ListOf, Shape

MODELS: Final[Mapping[str, type[models.Model]]] = {
    "tiers": Tier,
    "calendars": Calendar,
    "surfaces": Surface,
    "rules": Rule,
    "limits": Limit,
    "guardrails": Guardrail,
    "requirements": Requirement,
    "escalations": Escalation,
    "tests": PolicyTest,
}
# Tables of keys that the database keeps as columns of their own.
_SPREAD: Final = frozenset({"match", "expect"})


def columns(section: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield for every value of an entry its path and the attribute of the model that holds it."""
    for key in SECTIONS[section].keys:
        inner = key.shape.keys if key.name in _SPREAD and isinstance(key.shape, KeyTable) else None
        if inner is None:
            yield (key.name,), _attribute(section, key)
        else:
            yield from (((key.name, one.name), _attribute(section, one)) for one in inner)


def _attribute(section: str, key: Key) -> str:
    attribute: str = MODELS[section]._meta.get_field(key.column).attname  # type: ignore[union-attr]  # a plain column
    return attribute


def value_at(value: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """Return what an entry has at `path`."""
    part_there: Any = value
    for part in path:
        part_there = part_there[part]
    return part_there


def attributes(section: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry as attributes of its model."""
    return {attribute: value_at(value, path) for path, attribute in columns(section)}


def entry(section: str, row: models.Model) -> dict[str, Any]:
    """Return a row as an entry with every key."""
    value: dict[str, Any] = {}
    for path, attribute in columns(section):
        inside = value
        for part in path[:-1]:
            inside = inside.setdefault(part, {})
        inside[path[-1]] = getattr(row, attribute)
    return {key.name: _completed(key.shape, value[key.name]) for key in SECTIONS[section].keys}


def _completed(shape: Shape, value: Any) -> Any:
    """Fill in what rows of JSON leave to its default, as a rule's requirements may."""
    if isinstance(shape, ListOf) and isinstance(shape.of, KeyTable) and value is not None:
        return [{**{key.name: key.default for key in shape.of.keys if key.name not in row}, **row} for row in value]
    return value


Entries = dict[tuple[Any, ...], dict[str, Any]]


def rows(section: str) -> dict[tuple[Any, ...], models.Model]:
    """Return the rows of a section's table by their keys, in the order in which files list them."""
    pairs = [(entry(section, row), row) for row in MODELS[section]._default_manager.all()]  # noqa: SLF001
    pairs.sort(key=lambda one: (one[0]["rank"],) if section == "tiers" else key_of(section, one[0]))
    return {key_of(section, value): row for value, row in pairs}


def entries() -> dict[str, Entries]:
    """Return all tables as entries, section by section."""
    return {section: {key: entry(section, row) for key, row in rows(section).items()} for section in SECTIONS}
