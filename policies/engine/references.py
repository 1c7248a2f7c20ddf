"""Rows that a payload names instead of holding them: the reserved form, and where a surface allows it. PURE.

A member of the payload that would be an array of rows may be a reference instead:

    {"rows": {"$upload": "0198…", "digest": "sha256:…", "count": 100000, "kinds": {"changed": 99000, "emptied": 1000}}}

The payload's own digest binds it, and with it the digest of the rows, their number and what is done to them. A
surface allows it by the keyword `x-by-reference` of the member's schema.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from audit import canonical

KEYWORD: Final = "x-by-reference"
MARK: Final = "$upload"
MARK_BYTES: Final = b'"$upload"'
"""In the canonical bytes of every payload that has a reference, and of hardly any other."""
DIGEST_PATTERN: Final = "^sha256:[0-9a-f]{64}$"
OTHER: Final = "other"
MOST_KINDS: Final = 50
LONGEST_KIND: Final = 80

REFERENCE: Final[Mapping[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": [MARK, "digest", "count", "kinds"],
    "properties": {
        MARK: {"type": "string", "format": "uuid"},
        "digest": {"type": "string", "pattern": DIGEST_PATTERN},
        "count": {"type": "integer", "minimum": 1},
        "kinds": {"type": "object", "additionalProperties": {"type": "integer", "minimum": 1}},
    },
}
_WHOLE: Final = frozenset({"uniqueItems", "contains", "prefixItems", "minContains", "maxContains"})
"""What a schema says of an array as a whole, which nobody sees where rows come one after the other."""


@dataclass(frozen=True, slots=True)
class ByReference:
    """A member of a surface's payload whose rows may be uploaded."""

    member: str
    items: Mapping[str, Any]
    """The schema of one row, with the definitions that it may refer to."""
    max_rows: int | None = None
    key: str = ""
    """By which field of a row people look for it; empty: the first of the usual names."""
    kind: str = ""
    """Which field of a row names the kind of change; empty: the names of the fields that change."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What one payload says of the rows that it names."""

    member: str
    upload: str
    digest: str
    count: int
    kinds: Mapping[str, int]


def allowed(schema: Mapping[str, Any]) -> dict[str, ByReference]:
    """Return the members that may be references, by name."""
    schemas = {}
    for name, part in _properties(schema).items():
        if isinstance(part, Mapping) and part.get(KEYWORD):
            rules = part[KEYWORD] if isinstance(part[KEYWORD], Mapping) else {}
            definitions = {key: schema[key] for key in ("$defs", "definitions") if key in schema}
            items = part.get("items", {})
            schemas[name] = ByReference(
                member=name,
                items={**definitions, **items} if isinstance(items, Mapping) else {"not": {}},
                max_rows=rules.get("max_rows"),
                key=rules.get("key", ""),
                kind=rules.get("kind", ""),
            )
    return schemas


def problems(schema: Mapping[str, Any]) -> list[str]:
    """Say where a schema allows references and cannot mean it, in sentences."""
    problems = []
    for name, part in _properties(schema).items():
        if not isinstance(part, Mapping) or KEYWORD not in part:
            continue
        if not _is_well_said(part[KEYWORD]):
            problems.append(
                f"{name}: {KEYWORD} is true, or an object of max_rows (a number), key and kind (fields of a row)."
            )
        if not isinstance(part.get("items"), Mapping):
            problems.append(f"{name}: {KEYWORD} needs “items”, the schema of one row.")
        problems += [f"{name}: {KEYWORD} does not go with “{word}”." for word in sorted(_WHOLE & part.keys())]
    return problems


def _is_well_said(rules: Any) -> bool:
    if isinstance(rules, bool):
        return True
    if not isinstance(rules, Mapping) or rules.keys() - {"max_rows", "key", "kind"}:
        return False
    most = rules.get("max_rows", 1)
    names = [rules.get(name, "x") for name in ("key", "kind")]
    return isinstance(most, int) and most > 0 and all(isinstance(name, str) and name for name in names)


def in_place(schema: Mapping[str, Any], payload: Any) -> Mapping[str, Any]:
    """Return `schema` as it holds for a payload with references: each in the place of its rows."""
    may = allowed(schema)
    here = [name for name in may if is_reference(payload, name)]
    if not here:
        return schema
    properties = {**_properties(schema), **dict.fromkeys(here, REFERENCE)}
    return {**schema, "properties": properties}


def is_reference(payload: Any, member: str) -> bool:
    """Whether a member of a payload is in the reserved form, well made or not."""
    return isinstance(payload, dict) and isinstance(payload.get(member), dict) and MARK in payload[member]


def read(payload: Any) -> list[Reference]:
    """Return the references of a payload that fits its schema, in the order of its members."""
    if not isinstance(payload, dict):
        return []
    return [_reference(name, payload[name]) for name in payload if is_reference(payload, name)]


def without(payload: Any) -> Any:
    """Return a payload without its references: the small fields, which stand in it themselves."""
    named = {reference.member for reference in read(payload)}
    return {name: value for name, value in payload.items() if name not in named} if named else payload


def summed_up(payload: Any) -> Any:
    """Return a payload with number and kinds in the place of each reference, as people read it."""
    named = {one.member: {"count": one.count, "kinds": one.kinds} for one in read(payload)}
    return {**payload, **named} if named else payload


def compared(payload: Any) -> Any:
    """Return a payload with what differs where other rows are named: not the upload's own name, which says nothing."""
    named = {one.member: {"count": one.count, "kinds": one.kinds, "digest": one.digest} for one in read(payload)}
    return {**payload, **named} if named else payload


def read_bytes(body: bytes) -> list[Reference]:
    """Return the references of a payload's canonical bytes. Costs next to nothing where there are none."""
    return read(json.loads(body)) if MARK_BYTES in body else []


def digest_of_sense(body: bytes) -> str:
    """Return the digest by which two payloads ask for the same: the same rows, uploaded twice, are the same."""
    named = [reference.member for reference in read_bytes(body)]
    if not named:
        return canonical.digest(body)
    payload = json.loads(body)
    without = {name: {**payload[name], MARK: ""} if name in named else payload[name] for name in payload}
    return canonical.digest(canonical.encode(without))


def total(references: Iterable[Reference]) -> int:
    """Return how many rows are named in all."""
    return sum(reference.count for reference in references)


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = schema.get("properties", {})
    return properties if isinstance(properties, Mapping) else {}


def _reference(member: str, rules: Mapping[str, Any]) -> Reference:
    kinds = rules.get("kinds")
    return Reference(
        member=member,
        upload=str(rules[MARK]),
        digest=str(rules.get("digest", "")),
        count=rules["count"] if isinstance(rules.get("count"), int) else 0,
        kinds=kinds if isinstance(kinds, dict) else {},
    )
