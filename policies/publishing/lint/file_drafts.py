"""The policy that files would make: over the tables of a portal, or by themselves. Writes nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db import models
from django.utils.dateparse import parse_duration

from policies import samples
from policies.policy_files import tables
from policies.policy_files.format.layout import SECTIONS
from policies.policy_files.reading import PolicyFile
from policies.policy_files.yaml_nodes import FileProblem
from policies.publishing.snapshot import document_of

_NAMES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "surfaces": (("tier", "tiers"), ("floor", "tiers"), ("senior_tier", "tiers"), ("calendar", "calendars")),
    "rules": (("tier", "tiers"),),
    "limits": (("tier", "tiers"), ("warning_tier", "tiers")),
    "guardrails": (("tier", "tiers"),),
    "requirements": (("surface", "surfaces"), ("tier", "tiers")),
    "escalations": (("surface", "surfaces"),),
}
"""Which keys of a section's entries name an entry of another section."""


@dataclass(frozen=True, slots=True)
class Composed:
    """The document of a draft, as publishing would find it."""

    document: dict[str, Any]
    missing: tuple[FileProblem, ...]
    """Where the files name what is neither in them nor beside them: then they do not stand alone."""


def over_tables(policy: PolicyFile) -> Composed:
    """Return the draft after applying the files. Reads every table once."""
    rows = {section: tables.rows(section) for section in SECTIONS}
    return _composed(policy, rows)


def alone(policy: PolicyFile) -> Composed:
    """Return what the files say by themselves, with the tiers that every portal starts with. Asks no database."""
    rows: dict[str, dict[tuple[Any, ...], models.Model]] = {section: {} for section in SECTIONS}
    for row in samples.tiers():
        tier = tables.MODELS["tiers"](**{**row, "hold": parse_duration(row["hold"])})
        rows["tiers"][row["slug"],] = tier
    return _composed(policy, rows)


def _composed(policy: PolicyFile, rows: dict[str, dict[tuple[Any, ...], models.Model]]) -> Composed:
    for section, items in policy.sections.items():
        model = tables.MODELS[section]
        for key, item in items.items():
            rows[section][key] = model(**tables.attributes(section, item.value))
    there = {section: {str(key[0]) for key in keyed} for section, keyed in rows.items()}
    document = document_of({section: keyed.values() for section, keyed in rows.items()})
    return Composed(document, tuple(_missing(policy, there)))


def _missing(policy: PolicyFile, there: Mapping[str, set[str]]) -> Iterator[FileProblem]:
    for item in policy.items():
        for key, section in _NAMES.get(item.section, ()):
            name = item.value[key]
            if name and name not in there[section]:
                yield item.problem(f"The {section[:-1]} {name} is in none of these files.", key)
