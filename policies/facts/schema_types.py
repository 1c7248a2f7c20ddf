"""Infer what a JSON Schema forces at a place: is a value always there, and of which type? PURE.

A schema is read from above: only what it surely forces counts. What it forces in a roundabout way, by `if` or `not`,
counts as not forced, which leads to a warning too many and never to one too few.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

NUMBER: Final = frozenset({"number", "integer"})
TEXT: Final = frozenset({"string"})
YES_OR_NO: Final = frozenset({"boolean"})
_OBJECT: Final = frozenset({"object"})
_ARRAY: Final = frozenset({"array"})
_MOST_REFERENCES: Final = 20
_TYPES: Final = {bool: "boolean", str: "string", int: "integer", float: "number", dict: "object", list: "array"}


def path_of(pointer: str) -> tuple[str, ...]:
    """Return the keys of an RFC 6901 JSON Pointer."""
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])


def forces_type(schema: Mapping[str, Any], path: tuple[str, ...], types: frozenset[str]) -> bool:
    """Whether whatever stands at `path` of a valid object is of one of `types`."""
    return _Reader(schema).forces_type(schema, path, types)


def forces_presence(schema: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    """Whether something stands at `path` of every valid object."""
    reader = _Reader(schema)
    return reader.has(schema, path, is_object=True)


class _Reader:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root

    def forces_type(
        self, schema: Any, path: tuple[str, ...], types: frozenset[str], left: int = _MOST_REFERENCES
    ) -> bool:
        if not isinstance(schema, Mapping):
            return schema is False
        if not path and _is_typed(schema, types):
            return True
        if path and any(self.forces_type(part, path[1:], types, left) for part in _under(schema, path[0])):
            return True
        return self._combined(schema, left, lambda part, fewer: self.forces_type(part, path, types, fewer))

    def has(self, schema: Any, path: tuple[str, ...], *, is_object: bool = False, left: int = _MOST_REFERENCES) -> bool:
        if not path:
            return True
        if not isinstance(schema, Mapping):
            return schema is False
        is_object = is_object or _is_typed(schema, _OBJECT)
        if (is_object and path[0] in schema.get("required", ())) or (_is_long(schema, path[0])):
            below = [*_under(schema, path[0])]
            if len(path) == 1 or any(self.has(part, path[1:], left=left) for part in below):
                return True
        return self._combined(schema, left, lambda part, fewer: self.has(part, path, is_object=is_object, left=fewer))

    def _combined(self, schema: Mapping[str, Any], left: int, forces: Callable[[Any, int], bool]) -> bool:
        """Whether what the schema refers to and combines forces something; `forces` asks one part."""
        reference = schema.get("$ref")
        if isinstance(reference, str) and left and forces(self._referred(reference), left - 1):
            return True
        if any(forces(part, left) for part in _parts(schema, "allOf")):
            return True
        return any(
            parts and all(forces(part, left) for part in parts)
            for parts in (_parts(schema, "anyOf"), _parts(schema, "oneOf"))
        )

    def _referred(self, reference: str) -> Any:
        schema: Any = self._root
        if not reference.startswith("#"):
            return True
        for key in path_of(reference):
            schema = schema.get(key) if isinstance(schema, Mapping) else None
        return schema


def _parts(schema: Mapping[str, Any], name: str) -> list[Any]:
    parts = schema.get(name)
    return parts if isinstance(parts, list) else []


def _is_typed(schema: Mapping[str, Any], types: frozenset[str]) -> bool:
    type_named = schema.get("type")
    names = {type_named} if isinstance(type_named, str) else {*type_named} if isinstance(type_named, list) else set()
    if names and names <= types:
        return True
    values = [schema["const"]] if "const" in schema else _parts(schema, "enum")
    return bool(values) and all(_TYPES.get(type(value)) in types for value in values)


def _under(schema: Mapping[str, Any], key: str) -> Iterator[Any]:
    """Yield the schemas that hold for the entry `key` of an object or a list."""
    properties = schema.get("properties")
    if isinstance(properties, Mapping) and key in properties:
        yield properties[key]
    elif "additionalProperties" in schema and "patternProperties" not in schema and not _is_typed(schema, _ARRAY):
        yield schema["additionalProperties"]
    elif key.isdecimal() and _is_typed(schema, _ARRAY):
        first = _parts(schema, "prefixItems")
        yield first[int(key)] if int(key) < len(first) else schema.get("items", True)


def _is_long(schema: Mapping[str, Any], key: str) -> bool:
    return key.isdecimal() and _is_typed(schema, _ARRAY) and schema.get("minItems", 0) > int(key)
