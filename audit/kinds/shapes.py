"""Shapes that data of ledger entries are made of, as JSON Schema. PURE.

They say the form and not the length: what an agent or a person may send is bounded where it comes in.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

Shape = Mapping[str, Any]

ANY: Final[Shape] = {}
"""What an agent sent, in a form of its own."""
TEXT: Final[Shape] = {"type": "string"}
WORD: Final[Shape] = {"type": "string", "minLength": 1}
FLAG: Final[Shape] = {"type": "boolean"}
NUMBER: Final[Shape] = {"type": "number"}
COUNT: Final[Shape] = {"type": "integer", "minimum": 0}
ID: Final[Shape] = {"type": "integer", "minimum": 1}
UUID: Final[Shape] = {"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"}
DIGEST: Final[Shape] = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}
TIME: Final[Shape] = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2})$"}
PERSON: Final[Shape] = {"type": "string", "pattern": "^user:[0-9]+$"}
"""A person, as actors are named."""
OBJECT: Final[Shape] = {"type": "object"}
TEXTS: Final[Shape] = {"type": "array", "items": TEXT}
OBJECTS: Final[Shape] = {"type": "array", "items": OBJECT}


def one_of(words: Iterable[str]) -> Shape:
    """Return the shape of one word out of several."""
    return {"enum": [str(word) for word in words]}


def or_null(shape: Shape) -> Shape:
    """Return the shape of what may be missing, and is null then."""
    if isinstance(shape.get("type"), str):  # one branch less to look at, for each entry
        return {**shape, "type": [shape["type"], "null"]}
    return {"anyOf": [dict(shape), {"type": "null"}]}


def list_of(shape: Shape) -> Shape:
    """Return the shape of a list."""
    return {"type": "array", "items": dict(shape)}


def map_of(shape: Shape) -> Shape:
    """Return the shape of an object whose names are not known before."""
    return {"type": "object", "additionalProperties": dict(shape)}
