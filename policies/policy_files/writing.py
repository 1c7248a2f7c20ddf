"""Values become YAML that reads back as the same, in a stable order. PURE."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from policies.policy_files.format import durations
from policies.policy_files.format.keyed import REQUIRED, KeyTable
from policies.policy_files.format.layout import SECTIONS, VERSION
from policies.policy_files.format.shapes import ListOf, same

WIDTH: Final = 110
# What every YAML program reads as text, with no quotes round it.
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.*/-]*( [A-Za-z0-9_.*/-]+)*")
_WORDS: Final = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
# Tables whose entries are rows rather than things with a name.
_IN_ONE_LINE: Final = frozenset({"requirements", "escalations"})
_ESCAPED: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def text(value: str) -> str:
    """Return a text in one line, in quotes where it needs them."""
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, ensure_ascii=False))


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return text(value)
    if isinstance(value, timedelta):
        return durations.written(value)
    if isinstance(value, date):
        return text(value.isoformat())
    if isinstance(value, float):
        # With a dot, which some programs want before an exponent.
        return re.sub(r"^(-?\d+)e", r"\1.0e", repr(value))
    return json.dumps(value)


def in_line(value: Any) -> str:
    """Return a value in one line, as flow YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{text(name)}: {in_line(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(in_line(inner) for inner in value) + "]"
    return _scalar(value)


def _is_short(value: Any) -> bool:
    """Whether a value fits in one line and is easy to read there."""
    inners = [*value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    return not any(isinstance(inner, dict) and inner for inner in inners) and len(in_line(value)) <= WIDTH


def _is_literal(value: str) -> bool:
    """Whether a text of several lines can stand as it is, under a |."""
    lines = value.split("\n")
    return (
        len(lines) > 1
        and not value.endswith("\n")
        and value[0] not in " \n"
        and not any(line != line.rstrip() for line in lines)
        and not re.search(r"[\x00-\x09\x0b-\x1f]", value)
        and not _ESCAPED.search(value)
    )


def entry(name: str, value: Any) -> list[str]:
    """Return the lines of `name: value`, without indentation."""
    key = text(name)
    if isinstance(value, str) and _is_literal(value):
        return [f"{key}: |-", *_pushed(value.split("\n"))]
    if isinstance(value, dict) and value and not _is_short(value):
        return [f"{key}:", *_pushed(mapping(value))]
    if isinstance(value, list) and value and not _is_short(value):
        return [f"{key}:", *_pushed(line for inner in value for line in _element(inner))]
    return [f"{key}: {in_line(value)}"]


def mapping(value: Mapping[str, Any]) -> list[str]:
    """Return the lines of a table, one key after the other, without indentation."""
    return [line for name, inner in value.items() for line in entry(name, inner)]


def element(value: Mapping[str, Any]) -> list[str]:
    """Return the lines of a table as an element of a list, key under key."""
    first, *others = mapping(value)
    return [f"- {first}", *_pushed(others)]


def _element(value: Any) -> list[str]:
    if isinstance(value, dict) and value and not _is_short(value):
        return element(value)
    if isinstance(value, list) and value and not _is_short(value):
        first, *others = (line for inner in value for line in _element(inner))
        return [f"- {first}", *_pushed(others)]
    return [f"- {in_line(value)}"]


def _pushed(lines: Iterable[str], pad: str = "  ") -> Iterator[str]:
    return (pad + line if line else "" for line in lines)


def lean(table: KeyTable, value: Mapping[str, Any]) -> dict[str, Any]:
    """Return what has to be written of an entry: in the order of the keys, without what is left to a default."""
    written: dict[str, Any] = {}
    for key in table.keys:
        inner = value[key.name]
        if key.default is not REQUIRED and same(inner, key.default):
            continue
        if isinstance(key.shape, KeyTable):
            inner = lean(key.shape, inner)
        elif isinstance(key.shape, ListOf) and isinstance(key.shape.of, KeyTable) and inner is not None:
            inner = [lean(key.shape.of, row) for row in inner]
        written[key.name] = inner
    return written


def section_lines(section: str, values: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the lines of a section, a blank line between entries of several lines."""
    if not values:
        return [f"{section}: []"]
    lines = [f"{section}:"]
    for number, value in enumerate(values):
        if number and section not in _IN_ONE_LINE:
            lines.append("")
        lines += _pushed(entry_lines(section, value))
    return lines


def entry_lines(section: str, value: Mapping[str, Any]) -> list[str]:
    """Return the lines of one entry of a section, without indentation."""
    written = lean(SECTIONS[section], value)
    return [f"- {in_line(written)}"] if section in _IN_ONE_LINE else element(written)


def document(sections: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Return a whole policy file."""
    parts = [[f"version: {VERSION}"]]
    parts += [section_lines(section, sections[section]) for section in SECTIONS if sections.get(section)]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"
