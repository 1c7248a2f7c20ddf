"""Strict YAML: text becomes nodes that know their place, and what surprises people is refused. PURE.

YAML can do more than a policy needs, and much of it misleads: anchors and merge keys make a line mean
something else than it says (and a few lines mean gigabytes), tags name types, a duplicate key hides
another, tabs look like spaces. None of it is read. Plain words are read as YAML 1.2's core schema reads
them, so `no` and `2026-01-01` are text and 010 is not eight.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from policies.policy_files.yaml_nodes import (
    MAX_PROBLEMS,
    FilePosition,
    FileProblem,
    ListNode,
    MapNode,
    Scalar,
    YamlNode,
)

MAX_BYTES: Final = 1024 * 1024
MAX_NESTING: Final = 32
MAX_NODES: Final = 200_000
"""Twice what a file of MAX_BYTES with sensible rules comes to."""
# The C parser where the installed wheel has it: the same events, twenty times faster.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read(text: str | bytes, file: str, problems: list[FileProblem]) -> YamlNode | None:
    """Read the one document in `text`, adding to `problems` what is wrong; None if nothing can be read."""
    decoded = _decoded(text, file, problems)
    if decoded is None:
        return None
    builder = _Builder(file, problems)
    try:
        return builder.build(yaml.parse(decoded, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        problems.append(builder.refused(error))
    except yaml.YAMLError as error:
        problems.append(FileProblem(FilePosition(file), f"This is no YAML: {error}"))
    except _Hopeless as error:
        problems.append(error.problem)
    return None


class _Hopeless(Exception):
    """Reading on would tell nothing more, or cost too much."""

    def __init__(self, place: FilePosition, text: str) -> None:
        super().__init__(text)
        self.problem = FileProblem(place, text)


def _decoded(text: str | bytes, file: str, problems: list[FileProblem]) -> str | None:
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(raw) > MAX_BYTES:
        problems.append(FileProblem(FilePosition(file), f"The file is larger than {MAX_BYTES // 1024} KiB. Split it."))
        return None
    try:
        decoded = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        place = _place(file, raw[: error.start].decode("utf-8"))
        problems.append(FileProblem(place, "This is no UTF-8 text."))
        return None
    decoded = decoded.removeprefix("\ufeff")
    if match := _FORBIDDEN.search(decoded):
        what = "Tabs are not used here; write spaces." if match[0] == "\t" else "This character cannot be read."
        problems.append(FileProblem(_place(file, decoded[: match.start()]), what))
        return None
    return decoded


def _place(file: str, before: str) -> FilePosition:
    return FilePosition(file, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


# Tabs, control characters, and line ends that editors do not show.
_FORBIDDEN: Final = re.compile(
    "[^\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)


class _Builder:
    """Makes nodes of the parser's events, which never nest deeper in memory than MAX_NESTING."""

    def __init__(self, file: str, problems: list[FileProblem]) -> None:
        self.file = file
        self.problems = problems
        self._left = MAX_NODES
        self._open: list[FilePosition] = []
        """Where the brackets begin that are not closed yet."""

    def refused(self, error: yaml.MarkedYAMLError) -> FileProblem:
        """Say what the parser holds against the text, where a person would look for it."""
        problem = str(error.problem or error.context or "it cannot be read")
        if self._open and ("expected" in problem or "end of stream" in problem):
            return FileProblem(self._open[-1], "This bracket is never closed, or a comma or a quote is missing in it.")
        mark = error.problem_mark or error.context_mark
        if "end of stream" in problem:
            mark = error.context_mark or mark
        place = FilePosition(self.file, mark.line + 1, mark.column + 1) if mark else FilePosition(self.file)
        sentence = next(
            (sentence for words, sentence in _SENTENCES if words in problem), f"This is no YAML: {problem}."
        )
        return FileProblem(place, sentence)

    def build(self, events: Iterator[Any]) -> YamlNode | None:
        root: YamlNode | None = None
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise _Hopeless(self._at(event), "One file holds one document; this begins another.")
                if event.version or event.tags:
                    raise _Hopeless(self._at(event), "Directives (%) are not used here.")
                root = self._node(next(events), events, 1)
        return root

    def _at(self, event: Any) -> FilePosition:
        return FilePosition(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def _wrong(self, event: Any, text: str) -> None:
        self.problems.append(FileProblem(self._at(event), text))
        if len(self.problems) > MAX_PROBLEMS:
            raise _Hopeless(self._at(event), "There is more, but this is enough to begin with.")

    def _node(self, event: Any, events: Iterator[Any], depth: int) -> YamlNode:
        place, start, end = self._at(event), event.start_mark.index, event.end_mark.index
        self._left -= 1
        if self._left < 0:
            raise _Hopeless(place, f"The file holds more than {MAX_NODES:,} values. Split it.")
        if isinstance(event, yaml.AliasEvent | yaml.ScalarEvent):
            return self._scalar(event, place)
        self._refuse_properties(event)
        if depth > MAX_NESTING:
            raise _Hopeless(place, f"This is nested more than {MAX_NESTING} deep.")
        if event.flow_style:
            self._open.append(place)
        node: ListNode | MapNode
        if isinstance(event, yaml.SequenceStartEvent):
            node = self._list(events, ListNode(place, start, end, bool(event.flow_style)), depth)
        else:
            node = self._map(events, MapNode(place, start, end, bool(event.flow_style)), depth)
        if node.is_flow:
            self._open.pop()
        return node

    def _refuse_properties(self, event: Any) -> None:
        if event.anchor is not None:
            self._wrong(event, f"Anchors (&{event.anchor}) are not used here; write it out.")
        if event.tag is not None:
            self._wrong(event, f"Tags ({event.tag}) are not used here.")

    def _scalar(self, event: Any, place: FilePosition) -> Scalar:
        start, end = event.start_mark.index, event.end_mark.index
        if isinstance(event, yaml.AliasEvent):
            self._wrong(event, f"Aliases (*{event.anchor}) are not used here; write it out.")
            return Scalar(place, start, end, "", "*")
        self._refuse_properties(event)
        if _UNSTORABLE.search(event.value):
            self._wrong(event, "This text holds a character that cannot be stored.")
        return Scalar(place, start, end, event.value, event.style or "")

    def _list(self, events: Iterator[Any], node: ListNode, depth: int) -> ListNode:
        for inner in events:
            if isinstance(inner, yaml.SequenceEndEvent):
                node.end = _end(inner) if node.is_flow else node.end
                break
            item = self._node(inner, events, depth + 1)
            node.items.append(item)
            node.end = item.end
        return node

    def _map(self, events: Iterator[Any], node: MapNode, depth: int) -> MapNode:
        for inner in events:
            if isinstance(inner, yaml.MappingEndEvent):
                node.end = _end(inner) if node.is_flow else node.end
                break
            key = self._node(inner, events, depth + 1)
            value = self._node(next(events), events, depth + 1)
            node.end = max(key.end, value.end)
            self._enter(inner, node, key, value)
        return node

    def _enter(self, event: Any, node: MapNode, key: YamlNode, value: YamlNode) -> None:
        if not isinstance(key, Scalar) or key.style in {"|", ">", "*"}:
            self._wrong(event, "A key is a word. Put text that begins with { or [ in quotes.")
        elif key.is_plain and key.text == "<<":
            self._wrong(event, "Merge keys (<<) are not used here; write it out.")
        elif not isinstance(meaning(key), str):
            self._wrong(event, f"The key {key.text or 'is empty; it'} must be text. Put it in quotes.")
        elif key.text in node.entries:
            first = node.entries[key.text][0].place
            self._wrong(event, f"The key {key.text} stands here twice, first in line {first.line}.")
        else:
            node.entries[key.text] = (key, value)


def _end(event: Any) -> int:
    end: int = event.end_mark.index
    return end


_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_WHOLE: Final = re.compile(r"-?(0|[1-9][0-9]*)")
_MOST_DIGITS: Final = 30
_DECIMAL: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]{1,4})?")
_ODD_NUMBER: Final = re.compile(
    r"[-+]?(\.?[0-9][0-9_,]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?|0[xob][0-9a-fA-F_]+|\.(inf|Inf|INF)|\.(nan|NaN|NAN))"
)


def meaning(node: Scalar) -> str | int | float | bool | None:
    """Return what a scalar means: a number, a yes or no, nothing, or text."""
    text = node.text
    if not node.is_plain:
        return text
    if text in _NULL:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _WHOLE.fullmatch(text):
        # Python takes long to read very long numbers, and nothing here may hold one.
        return int(text) if len(text) <= _MOST_DIGITS else float("inf")
    return float(text) if _DECIMAL.fullmatch(text) else text


def is_odd_number(node: Scalar) -> bool:
    """Whether other programs might read a number here that this one does not, as in 010, 1_000 or .inf."""
    return node.is_plain and isinstance(meaning(node), str) and bool(_ODD_NUMBER.fullmatch(node.text))


_SENTENCES: Final = (
    ("mapping values are not allowed", "A colon stands where none can be. Put text that holds “: ” in quotes."),
    ("could not find expected ':'", "A colon is missing after a key."),
    ("did not find expected key", "This does not line up with what is above it: check the spaces before it."),
    ("expected <block end>", "This does not line up with what is above it: check the spaces before it."),
    ("expected '-' indicator", "This does not line up with what is above it: check the spaces before it."),
    ("document start", "This does not line up with what is above it: check the spaces before it."),
    ("cannot start any token", "No text begins with this character. Put the text in quotes."),
    ("unexpected end of stream", "A quote is never closed."),
    ("unknown escape character", "There is no such escape. Use single quotes, or write two backslashes."),
    ("indentation", "The spaces before this line do not fit."),
)
