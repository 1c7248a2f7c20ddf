"""Nodes of a policy file that know their place, and what is wrong with them in a sentence. PURE."""

from dataclasses import dataclass, field
from typing import Final

MAX_PROBLEMS: Final = 100


@dataclass(frozen=True, slots=True, order=True)
class FilePosition:
    """Somewhere in a file; line and column count from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class FileProblem:
    """One thing that is wrong, where, in a sentence."""

    place: FilePosition
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


class DocumentInvalid(ValueError):
    """Policy files that cannot be used; `problems` says why, in the order of their places."""

    code = "policy_document_invalid"

    def __init__(self, problems: list[FileProblem]) -> None:
        ordered = sorted(dict.fromkeys(problems))
        self.problems = tuple(ordered[:MAX_PROBLEMS])
        self.left_out = len(ordered) - len(self.problems)
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(slots=True)
class YamlNode:
    """A part of the text from character `start` to `end`, which leaves out comments after it."""

    place: FilePosition
    start: int
    end: int


@dataclass(slots=True)
class Scalar(YamlNode):
    text: str
    style: str
    """Empty where it is written plainly, else the character that begins it: ' " | or >."""

    @property
    def is_plain(self) -> bool:
        return not self.style


@dataclass(slots=True)
class ListNode(YamlNode):
    is_flow: bool
    items: list[YamlNode] = field(default_factory=list)


@dataclass(slots=True)
class MapNode(YamlNode):
    is_flow: bool
    entries: dict[str, tuple[Scalar, YamlNode]] = field(default_factory=dict)
    """Key and value by the key's text."""
