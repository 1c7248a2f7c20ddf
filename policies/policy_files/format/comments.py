"""Bring an older policy file up to date line by line, so that comments and layout stay. PURE.

What did not change stays to the letter. A changed key is written anew in its place, with the comments above
it and beside it. New keys and entries come last; removed ones go, with the comments right above them.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from policies.policy_files import writing
from policies.policy_files.format.keyed import Key
from policies.policy_files.format.layout import SECTIONS
from policies.policy_files.format.shapes import same
from policies.policy_files.reading import Item, PolicyFile
from policies.policy_files.yaml_nodes import (
    ListNode,
    MapNode,
    YamlNode,
)

Edit = tuple[int, int, str]
"""Characters from … to …, and what takes their place."""
Entries = Mapping[tuple[Any, ...], Mapping[str, Any]]


def merged(text: str, policy: PolicyFile, entries: Mapping[str, Entries]) -> str:
    """Return `text`, which `policy` was read from, changed so that it says `entries`."""
    (root,) = policy.roots.values()
    text = text if text.endswith("\n") else text + "\n"
    edits: list[Edit] = []
    for section in policy.sections:
        edits += _section(text, root, section, policy.sections[section], entries.get(section, {}))
    # From the end, so that places stay right; what is put in at the same place keeps its order.
    for start, end, _, new in sorted(((start, end, order, new) for order, (start, end, new) in enumerate(edits)))[::-1]:
        text = text[:start] + new + text[end:]
    added = [
        "\n".join(writing.section_lines(section, [*entries[section].values()]))
        for section in SECTIONS
        if section not in policy.sections and entries.get(section)
    ]
    return "\n\n".join([text.rstrip("\n"), *added]) + "\n"


def _section(
    text: str, root: MapNode, section: str, items: Mapping[tuple[Any, ...], Item], wanted: Entries
) -> Iterable[Edit]:
    key, node = root.entries[section]
    assert isinstance(node, ListNode)
    kept = [item for item in items.values() if item.key in wanted]
    if not kept or node.is_flow or not all(_is_block(item) for item in items.values()):
        if items.keys() != wanted.keys() or any(not same(items[one].value, wanted[one]) for one in items):
            yield key.start, _end(text, node), "\n".join(writing.section_lines(section, [*wanted.values()]))
        return
    for item in items.values():
        if item.key not in wanted:
            yield _gap_above(text, _lines_above(text, item.node.start)), _next_line(text, item.node), ""
        elif not same(item.value, wanted[item.key]):
            yield from _entry(text, item, wanted[item.key])
    dash = _dash(text, kept[0].node.start)
    new = [value for name, value in wanted.items() if name not in items]
    if new:
        pad = " " * dash
        lines = [pad + line if line else "" for value in new for line in ["", *writing.entry_lines(section, value)]]
        if section == "requirements":
            lines = [line for line in lines if line]
        at = _next_line(text, kept[-1].node)
        yield at, at, "\n".join(lines) + "\n"


def _is_block(item: Item) -> bool:
    return isinstance(item.node, MapNode)


def _entry(text: str, item: Item, wanted: Mapping[str, Any]) -> Iterable[Edit]:
    """Yield what brings one entry up to date, key by key."""
    node, table = item.node, SECTIONS[item.section]
    assert isinstance(node, MapNode)
    written = writing.lean(table, wanted)
    if node.is_flow:
        yield node.start, node.end, writing.in_line(written)
        return
    indent = node.place.column - 1
    last = node.entries[next(iter(node.entries))][1]
    for key in sorted(table.keys, key=lambda key: _start(node, key)):
        member = node.entries.get(key.name) or node.entries.get(key.alias)
        if member is None:
            continue
        is_first = member[0].start == node.start
        if same(item.value[key.name], wanted[key.name]):
            last = member[1]
        elif key.name in written or is_first:
            # The first key stands beside the dash and cannot go, even where it says no more than the default.
            lines = writing.entry(key.name, written.get(key.name, wanted[key.name]))
            yield _replaced(text, member[0].start, _end(text, member[1]), indent, lines)
            last = member[1]
        else:
            yield _lines_above(text, member[0].start), _next_line(text, member[1]), ""
    missing = [key for key in table.keys if key.name in written and not {key.name, key.alias} & node.entries.keys()]
    for key in missing:
        lines = [" " * indent + line if line else "" for line in writing.entry(key.name, written[key.name])]
        at = _next_line(text, last)
        yield at, at, "\n".join(lines) + "\n"


def _start(node: MapNode, key: Key) -> int:
    member = node.entries.get(key.name) or node.entries.get(key.alias)
    return member[0].start if member else -1


def _replaced(text: str, start: int, end: int, indent: int, lines: list[str]) -> Edit:
    beside = text[end : _line_end(text, end)].rstrip()
    if len(lines) > 1 and beside:
        # Below several lines a comment would belong to something else, or to the text itself.
        return start, _line_end(text, end), _at(indent, [lines[0] + beside, *lines[1:]])
    return start, end, _at(indent, lines)


def _at(indent: int, lines: list[str]) -> str:
    return "\n".join([lines[0], *(" " * indent + line if line else "" for line in lines[1:])])


def _dash(text: str, start: int) -> int:
    """Return the column, from 0, of the dash before an entry."""
    line = text.rfind("\n", 0, start) + 1
    dash = text.rfind("-", line, start)
    return max(dash - line, 0)


def _end(text: str, node: YamlNode) -> int:
    """Return where a node ends; a text of several lines would count the line ends after it."""
    return node.start + len(text[node.start : node.end].rstrip("\r\n "))


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _next_line(text: str, node: YamlNode) -> int:
    return _line_end(text, _end(text, node)) + 1


def _gap_above(text: str, line: int) -> int:
    """Return where the blank line above begins, if there is one."""
    return line - 1 if text[:line].endswith("\n\n") else line


def _lines_above(text: str, start: int) -> int:
    """Return where the line of `start` begins, or the comments right above it."""
    line = text.rfind("\n", 0, start) + 1
    while line:
        before = text.rfind("\n", 0, line - 1) + 1
        if not text[before : line - 1].lstrip().startswith("#"):
            break
        line = before
    return line
