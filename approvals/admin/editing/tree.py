"""The tree of a payload as a form draws it: fields, groups of them, and lists of rows. Knows no HTML."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

ROOT: Final = "payload"
REST: Final = "rest"
ROWS: Final = "rows."
NEW: Final = "n"
MOST_FIELDS: Final = 300
MOST_ROWS: Final = 100
MOST_DEPTH: Final = 6
MOST_REFERENCES: Final = 8


class _Absent:
    """No value at all, which is not the same as null."""

    def __bool__(self) -> bool:
        return False


ABSENT: Final = _Absent()


class Kind(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    YES_NO = "yes_no"
    CHOICE = "choice"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One field of the form. `original` is ABSENT where the payload has no such value."""

    name: str
    label: str
    rules: Mapping[str, Any]
    kind: Kind
    original: Any
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class FieldGroup:
    """An object: its properties by name, and JSON for those that cannot be drawn."""

    name: str
    label: str
    rules: Mapping[str, Any]
    original: Any
    members: Mapping[str, "Node"]
    rest: Leaf | None
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class RowList:
    """A list: its rows by token. A token is the row's place in the original, or `n` and a number where it is new."""

    name: str
    label: str
    rules: Mapping[str, Any]
    original: Any
    rows: Mapping[str, "Node"]
    is_required: bool = False


Node = Leaf | FieldGroup | RowList
