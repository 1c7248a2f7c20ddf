"""Policy files become checked entries, each with the place it came from. PURE."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from policies.policy_files.format.keyed import entry
from policies.policy_files.format.layout import SECTIONS, VERSION, called, key_of
from policies.policy_files.format.parts import ID
from policies.policy_files.format.shapes import INVALID, ListOf, did_you_mean, kind_of, wrong
from policies.policy_files.yaml_nodes import (
    DocumentInvalid,
    FilePosition,
    FileProblem,
    ListNode,
    MapNode,
    Scalar,
    YamlNode,
)
from policies.policy_files.yaml_reading import read


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a section: its value with every default filled in, and where it stands."""

    section: str
    key: tuple[Any, ...]
    value: dict[str, Any]
    node: YamlNode

    @property
    def name(self) -> str:
        """How people are told of it."""
        return called(self.section, self.key)

    def node_at(self, *path: str | int) -> YamlNode:
        """Return what stands at `path`; where nothing does, what is around it."""
        node = self.node
        for part in path:
            step = _step(node, part)
            if step is None:
                break
            node = step
        return node

    def problem(self, text: str, *path: str | int) -> FileProblem:
        """Return a problem with what stands at `path`."""
        return FileProblem(self.node_at(*path).place, text)


_ALIASES: Final = {"any_tags": "risk_tags"}


def _step(node: YamlNode, part: str | int) -> YamlNode | None:
    if isinstance(node, ListNode):
        return node.items[int(part)] if str(part).isdigit() and int(part) < len(node.items) else None
    if not isinstance(node, MapNode):
        return None
    member = node.entries.get(str(part)) or node.entries.get(_ALIASES.get(str(part), ""))
    return member[1] if member else None


Items = dict[tuple[Any, ...], Item]


@dataclass(slots=True)
class PolicyFile:
    """All entries of one or several files; a section that no file names is not there."""

    sections: dict[str, Items] = field(default_factory=dict)
    roots: dict[str, MapNode] = field(default_factory=dict)
    """The whole of each file."""

    def items(self) -> Iterator[Item]:
        """Yield every entry, section by section."""
        for items in self.sections.values():
            yield from items.values()


def read_files(files: Mapping[str, str | bytes]) -> PolicyFile:
    """Read and merge policy files, text by name. Raises DocumentInvalid with all that is wrong."""
    problems: list[FileProblem] = []
    policy = collect(files, problems)
    if problems:
        raise DocumentInvalid(problems)
    return policy


def collect(files: Mapping[str, str | bytes], problems: list[FileProblem]) -> PolicyFile:
    """Read and merge policy files; what is right is returned and what is wrong added to `problems`."""
    policy = PolicyFile()
    for name, text in files.items():
        before = len(problems)
        root = read(text, name, problems)
        if root is None and len(problems) == before:
            problems.append(FileProblem(FilePosition(name), f"The file is empty. It begins with version: {VERSION}."))
        elif root is not None and not isinstance(root, MapNode):
            wrong(root, problems, f"A policy file is a table of keys; this is {kind_of(root)}.")
        elif isinstance(root, MapNode) and _is_version(root, problems):
            policy.roots[name] = root
            _sections(root, policy, problems)
    policy.sections = {section: policy.sections[section] for section in SECTIONS if section in policy.sections}
    return policy


def _is_version(root: MapNode, problems: list[FileProblem]) -> bool:
    member = root.entries.get("version")
    if member is None:
        wrong(root, problems, f"The version is missing. Begin with version: {VERSION}.")
        return True
    version = member[1].text if isinstance(member[1], Scalar) else kind_of(member[1])
    if version != VERSION:
        wrong(member[1], problems, f"This portal reads version {VERSION}, not {version[:20] or 'nothing'}.")
    return version == VERSION


def _sections(root: MapNode, policy: PolicyFile, problems: list[FileProblem]) -> None:
    for section, (at, node) in root.entries.items():
        if section == "version":
            continue
        if section not in SECTIONS:
            known = ["version", *SECTIONS]
            wrong(at, problems, f"There is no section {section[:60]}.{did_you_mean(section, known)}")
        elif not isinstance(node, ListNode):
            hint = " Write [] for none." if kind_of(node) == "nothing" else ""
            wrong(node, problems, f"The section {section} is a list of entries, not {kind_of(node)}.{hint}")
        else:
            _entries(section, node, policy.sections.setdefault(section, {}), problems)


def _entries(section: str, node: ListNode, items: Items, problems: list[FileProblem]) -> None:
    shape = SECTIONS[section]
    most = ListOf(shape).most * 10
    if len(node.items) > most:
        wrong(node, problems, f"The section {section} has more than {most:,} entries.")
        return
    for item in node.items:
        value = shape.read(item, problems)
        key = key_of(section, value) if value is not INVALID else _claimed(section, item)
        if key is None:
            continue
        if key in items:
            first = items[key].node.place
            at = entry(item, ID) or item
            wrong(at, problems, f"The {called(section, key)} stands twice, first at {first}.")
        elif value is not INVALID:
            items[key] = Item(section, key, value, item)


def _claimed(section: str, node: YamlNode) -> tuple[Any, ...] | None:
    """Return the id that an invalid entry goes by, so that a second one is told as well."""
    claim = entry(node, ID)
    return (claim.text,) if isinstance(claim, Scalar) else None
