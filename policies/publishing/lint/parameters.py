"""Parameters that rules read and a surface has no value for. PURE.

A condition gives no answer without them: a rule that restricts counts as holding, one that allows does not. So nothing
passes that should not, and more waits for people than has to.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from policies.publishing.validation import PolicyProblem
from policies.rules.rule import matches

_TEXT: Final = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""")
_DOTTED: Final = re.compile(r"\bparams\s*\.\s*([A-Za-z_][A-Za-z0-9_]*)")
_BRACKETS: Final = re.compile(r"""\bparams\s*\[\s*(?:'([^'\\]+)'|"([^"\\]+)")\s*\]""")
_ASKED: Final = re.compile(r"\bhas\s*\(\s*params\s*\.\s*([A-Za-z_][A-Za-z0-9_]*)\s*\)")
_NO_NUMBER: Final = re.compile(
    r"\bin\s+params\s*\.\s*(\w+)"  # a list or a table
    r"|\bsize\s*\(\s*params\s*\.\s*(\w+)"
    r"|\bparams\s*\.\s*(\w+)\s*[.\[]"
    r"|\bparams\s*\.\s*(\w+)\s*[!=]=\s*''"  # text
    r"|''\s*[!=]=\s*params\s*\.\s*(\w+)"
)


class Parameter(NamedTuple):
    """One parameter of a surface, and the rules that read it."""

    name: str
    rules: tuple[str, ...]
    is_number: bool
    """Whether no rule reads it as a list, a table or a text."""


def unset_parameters(document: Mapping[str, Any]) -> tuple[PolicyProblem, ...]:
    """Return one warning for every parameter of an enabled surface that rules read and that has no value."""
    return tuple(_warnings(document))


def _warnings(document: Mapping[str, Any]) -> Iterator[PolicyProblem]:
    for slug, row in sorted(document["surfaces"].items()):
        if not row.get("is_enabled", True):
            continue
        for unset in unset_on(slug, row["params"], document["rules"].items()):
            yield PolicyProblem("surface", slug, "params", sentence(unset))


def sentence(unset: Parameter) -> str:
    """Say what is missing and what follows."""
    rules = ", ".join(unset.rules)
    return f"{unset.name} is not set. Until it is, the rules that use it cannot let anything pass ({rules})."


def read_on(slug: str, rules: Iterable[tuple[str, Mapping[str, Any]]]) -> tuple[Parameter, ...]:
    """Return the parameters that rules covering the surface read, by name."""
    reading: dict[str, list[str]] = {}
    no_numbers: set[str] = set()
    for rule, row in sorted(rules, key=lambda item: item[0]):
        if row["surfaces"] and not any(matches(glob, slug) for glob in row["surfaces"]):
            continue
        for name in _named(row["condition"]):
            reading.setdefault(name, []).append(rule)
        no_numbers |= _no_numbers(row["condition"])
    return tuple(Parameter(name, tuple(readers), name not in no_numbers) for name, readers in sorted(reading.items()))


def unset_on(slug: str, params: Any, rules: Iterable[tuple[str, Mapping[str, Any]]]) -> tuple[Parameter, ...]:
    """Return those of them that have no value in `params`."""
    values: Mapping[str, Any] = params if isinstance(params, Mapping) else {}
    return tuple(one for one in read_on(slug, rules) if values.get(one.name) is None)


def _named(condition: str) -> set[str]:
    """Return the parameters that a condition needs: not those whose absence it asks about."""
    bare = _TEXT.sub("''", condition)
    bracketed = {first or second for first, second in _BRACKETS.findall(condition)}
    return ({*_DOTTED.findall(bare)} | bracketed) - {*_ASKED.findall(bare)}


def _no_numbers(condition: str) -> set[str]:
    groups = _NO_NUMBER.findall(_TEXT.sub("''", condition))
    return {name for names in groups for name in names if name}
