"""The kinds of values a policy file holds: how each is read, and its JSON Schema. PURE."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final, Protocol

from policies.policy_files.yaml_nodes import (
    FileProblem,
    ListNode,
    MapNode,
    Scalar,
    YamlNode,
)
from policies.policy_files.yaml_reading import is_odd_number, meaning

INVALID: Final = object()
"""What reading gives where the text is wrong; the problem has been told."""
EXACT: Final = 2**53
"""From here on, whole numbers differ between programs."""


class Shape(Protocol):
    """One kind of value."""

    def read(self, node: YamlNode, problems: list[FileProblem]) -> Any:
        """Return the value, or INVALID after adding to `problems`."""

    def schema(self) -> dict[str, Any]:
        """Return its JSON Schema."""


def wrong(node: YamlNode, problems: list[FileProblem], text: str) -> Any:
    """Tell a problem at `node`."""
    problems.append(FileProblem(node.place, text))
    return INVALID


def did_you_mean(word: str, known: Mapping[str, Any] | tuple[str, ...] | list[str]) -> str:
    """Return a suggestion as the end of a sentence; empty if nothing known is close."""
    close = get_close_matches(word, [*known], n=1)
    return f" Did you mean {close[0]}?" if close else ""


def kind_of(node: YamlNode) -> str:
    """Say in words what stands there."""
    if isinstance(node, ListNode):
        return "a list"
    if isinstance(node, MapNode):
        return "a table of keys"
    value = meaning(node) if isinstance(node, Scalar) else ""
    names = {bool: "a yes or no", int: "a number", float: "a number", str: "text"}
    return names.get(type(value), "nothing")


def scalar(node: YamlNode) -> Any:
    """Return the plain value of `node`, or INVALID where it is a list or a map."""
    return meaning(node) if isinstance(node, Scalar) else INVALID


@dataclass(frozen=True, slots=True)
class Text:
    longest: int = 300
    shortest: int = 0
    pattern: str = ""
    hint: str = ""
    """What to write where the pattern does not fit."""

    def read(self, node: YamlNode, problems: list[FileProblem]) -> Any:
        """Return the text."""
        value = scalar(node)
        if not isinstance(value, str):
            hint = " Put it in quotes." if isinstance(node, Scalar) and node.text else ""
            return wrong(node, problems, f"This must be text, not {kind_of(node)}.{hint}")
        if is_odd_number(node) if isinstance(node, Scalar) else False:
            return wrong(node, problems, "This could be a number. Put it in quotes.")
        if len(value) > self.longest:
            return wrong(node, problems, f"This has {len(value):,} characters; at most {self.longest:,} fit.")
        if len(value.strip()) < self.shortest:
            return wrong(node, problems, "This must not be empty.")
        if self.pattern and not re.search(self.pattern, value):
            return wrong(node, problems, self.hint)
        return value

    def schema(self) -> dict[str, Any]:
        """Return its JSON Schema."""
        schema: dict[str, Any] = {"type": "string", "maxLength": self.longest}
        if self.shortest:
            schema["minLength"] = self.shortest
        return schema | ({"pattern": self.pattern} if self.pattern else {})


@dataclass(frozen=True, slots=True)
class Choice:
    words: tuple[str, ...]
    others: Mapping[str, str] = field(default_factory=dict)
    """Words that people write instead, and the right one; they are only suggested."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Other names of words, which are read as these."""

    def read(self, node: YamlNode, problems: list[FileProblem]) -> Any:
        """Return the word."""
        value = scalar(node)
        if isinstance(value, str):
            value = self.aliases.get(value, value)
        if value in self.words:
            return value
        word = node.text if isinstance(node, Scalar) else ""
        meant = self.others.get(word.lower())
        hint = f" Did you mean {meant}?" if meant else did_you_mean(word, self.words)
        sentence = f"“{word[:40]}” is" if word else "This is"
        return wrong(node, problems, f"{sentence} none of {', '.join(self.words)}.{hint}")

    def schema(self) -> dict[str, Any]:
        """Return its JSON Schema."""
        return {"enum": [*self.words, *self.aliases]}


@dataclass(frozen=True, slots=True)
class Flag:
    def read(self, node: YamlNode, problems: list[FileProblem]) -> Any:
        """Return True or False."""
        value = scalar(node)
        return value if isinstance(value, bool) else wrong(node, problems, "Write true or false.")

    def schema(self) -> dict[str, Any]:
        """Return its JSON Schema."""
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Number:
    least: float | None = None
    most: float | None = None
    is_whole: bool = False

    def read(self, node: YamlNode, problems: list[FileProblem]) -> Any:
        """Return the number: a float, or an int where it must be whole."""
        value = scalar(node)
        if isinstance(value, bool) or not isinstance(value, int | float):
            hint = "" if isinstance(node, Scalar) and node.is_plain else " without quotes"
            example = "3" if self.is_whole else "1000 or 0.5"
            return wrong(node, problems, f"Write a number such as {example}{hint}.")
        if self.is_whole and not isinstance(value, int):
            return wrong(node, problems, "This must be a whole number.")
        if not -EXACT < value < EXACT and (self.is_whole or not _is_finite(value)):
            return wrong(node, problems, "This number is too large.")
        if self.least is not None and value < self.least:
            return wrong(node, problems, f"This must be at least {self.least:g}.")
        if self.most is not None and value > self.most:
            return wrong(node, problems, f"This must be at most {self.most:g}.")
        return value if self.is_whole else float(value)

    def schema(self) -> dict[str, Any]:
        """Return its JSON Schema."""
        schema: dict[str, Any] = {"type": "integer" if self.is_whole else "number"}
        if self.least is not None:
            schema["minimum"] = self.least
        return schema | ({"maximum": self.most} if self.most is not None else {})


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


@dataclass(frozen=True, slots=True)
class ListOf:
    of: Shape
    most: int = 1000

    def read(self, node: YamlNode, problems: list[FileProblem]) -> Any:
        """Return a list."""
        if not isinstance(node, ListNode):
            hint = f" Write [{node.text}]." if isinstance(node, Scalar) and node.text else ""
            return wrong(node, problems, f"This must be a list, not {kind_of(node)}.{hint}")
        if len(node.items) > self.most:
            return wrong(node, problems, f"This list has more than {self.most:,} entries.")
        values = [self.of.read(item, problems) for item in node.items]
        return INVALID if any(value is INVALID for value in values) else values

    def schema(self) -> dict[str, Any]:
        """Return its JSON Schema."""
        return {"type": "array", "items": self.of.schema(), "maxItems": self.most}


@dataclass(frozen=True, slots=True)
class MapOf:
    """A table whose keys people choose."""

    of: Shape

    def read(self, node: YamlNode, problems: list[FileProblem]) -> Any:
        """Return a dict."""
        if not isinstance(node, MapNode):
            return wrong(node, problems, f"This must be a table of keys, not {kind_of(node)}.")
        values = {name: self.of.read(value, problems) for name, (_, value) in node.entries.items()}
        return INVALID if any(value is INVALID for value in values.values()) else values

    def schema(self) -> dict[str, Any]:
        """Return its JSON Schema."""
        return {"type": "object", "additionalProperties": self.of.schema()}


@dataclass(frozen=True, slots=True)
class Anything:
    """Any JSON value that means the same to every program."""

    def read(self, node: YamlNode, problems: list[FileProblem]) -> Any:
        """Return it as JSON has it."""
        if isinstance(node, ListNode):
            return ListOf(self, most=100_000).read(node, problems)
        if isinstance(node, MapNode):
            return MapOf(self).read(node, problems)
        assert isinstance(node, Scalar)
        value = meaning(node)
        if is_odd_number(node):
            return wrong(node, problems, "Programs read this number differently. Write it plainly, or in quotes.")
        if isinstance(value, int) and not isinstance(value, bool) and not -EXACT < value < EXACT:
            return wrong(node, problems, "This number is too large to be exact. Put it in quotes.")
        if isinstance(value, float) and not _is_finite(value):
            return wrong(node, problems, "This number is too large.")
        return value

    def schema(self) -> dict[str, Any]:
        """Return its JSON Schema."""
        return {}


def same(left: Any, right: Any) -> bool:
    """Whether two values are equal, where True is not 1."""
    if isinstance(left, bool) != isinstance(right, bool):
        return False
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[name], right[name]) for name in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(same(one, other) for one, other in zip(left, right, strict=True))
    return bool(left == right)
