"""Tables of known keys: what stands in an entry of a policy file. PURE."""

from dataclasses import dataclass
from typing import Any, Final

from policies.policy_files.format.shapes import INVALID, Shape, did_you_mean, kind_of, wrong
from policies.policy_files.yaml_nodes import (
    FileProblem,
    MapNode,
    Scalar,
    YamlNode,
)
from policies.policy_files.yaml_reading import meaning

REQUIRED: Final = object()
"""The default of a key that has none."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a Table. `help` stands in the JSON Schema."""

    name: str
    shape: Shape
    help: str
    default: Any = REQUIRED
    alias: str = ""
    field: str = ""
    """The column it is kept in, where that is called otherwise."""

    is_nullable: bool = False
    """Whether null means something else than leaving it out."""

    @property
    def may_be_null(self) -> bool:
        """Whether null can stand there."""
        return self.is_nullable or self.default is None

    @property
    def column(self) -> str:
        """Where it is kept."""
        return self.field or self.name


@dataclass(frozen=True, slots=True)
class KeyTable:
    """A table of known keys; what is left out takes its default."""

    keys: tuple[Key, ...]
    what: str
    """What it is, as in: There is no key x in a rule."""

    def read(self, node: YamlNode, problems: list[FileProblem]) -> Any:
        """Return a dict with every key; INVALID if any is wrong, missing or unknown."""
        if not isinstance(node, MapNode):
            return wrong(node, problems, f"{self.what.capitalize()} is a table of keys; this is {kind_of(node)}.")
        before = len(problems)
        known = {name: key for key in self.keys for name in (key.name, key.alias) if name}
        for name, (at, _) in node.entries.items():
            if name not in known:
                wrong(at, problems, f"There is no key {name[:60]} in {self.what}.{did_you_mean(name, known)}")
        value = {key.name: self._value(key, node, problems) for key in self.keys}
        return value if len(problems) == before else INVALID

    def _value(self, key: Key, node: MapNode, problems: list[FileProblem]) -> Any:
        value_node = entry(node, key)
        if key.name in node.entries and key.alias in node.entries:
            text = f"{key.alias} is another name of {key.name}; write only one of them."
            return wrong(node.entries[key.alias][0], problems, text)
        if value_node is None:
            if key.default is REQUIRED:
                return wrong(node, problems, f"The key {key.name} is missing in {self.what}.")
            return key.default
        if key.may_be_null and isinstance(value_node, Scalar) and meaning(value_node) is None:
            return None
        return key.shape.read(value_node, problems)

    def schema(self) -> dict[str, Any]:
        """Return its JSON Schema."""
        properties: dict[str, Any] = {}
        for key in self.keys:
            schema = key.shape.schema()
            if key.may_be_null:
                schema = {"anyOf": [schema, {"type": "null"}]}
            properties[key.name] = {"description": key.help, **schema}
            if key.alias:
                properties[key.alias] = {"description": f"Another name of {key.name}.", **schema}
        required = [key.name for key in self.keys if key.default is REQUIRED]
        return {
            "type": "object",
            "additionalProperties": False,
            **({"required": required} if required else {}),
            "properties": properties,
        }


def entry(node: YamlNode, key: Key) -> YamlNode | None:
    """Return what stands under `key`, by either of its names."""
    if not isinstance(node, MapNode):
        return None
    member = node.entries.get(key.name) or node.entries.get(key.alias)
    return member[1] if member else None
