"""Read the tree of a CEL expression, as the engine wrote it down. PURE.

The engine serializes a parsed expression as the public protocol buffer `cel.expr.ParsedExpr`
(cel-spec, `proto/cel/expr/syntax.proto`). Only the few fields that are needed here are read.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

# Field numbers in syntax.proto.
_ID, _CONST, _IDENT, _SELECT, _CALL, _LIST, _STRUCT, _LOOP = 2, 3, 4, 5, 6, 7, 8, 9
_FORMS: Final = {
    _IDENT: ("name", 1),
    _SELECT: ("field", 2),
    _CALL: ("call", 2),
    _LIST: ("list", None),
    _STRUCT: ("map", 1),
    _LOOP: ("loop", 1),
}
"""What each form is called here, and which field of it holds the name."""
_PARTS: Final[dict[int, tuple[int, ...]]] = {
    _IDENT: (),
    _SELECT: (1,),
    _CALL: (1, 3),
    _LIST: (1,),
    _STRUCT: (2,),
    _LOOP: (2, 4, 5, 6, 7),
}
_ENTRY_PARTS: Final = (3, 4)
_TEXT_TYPES: Final = {6: "utf-8", 7: "latin-1"}

INT_LITERAL: Final = "int"
"""`Node.name` of a whole-number literal."""

ARITHMETIC: Final = frozenset({"_+_", "_-_", "_*_", "_/_"})
COMPARISONS: Final = frozenset({"_<_", "_<=_", "_>_", "_>=_", "_==_", "_!=_"})
_WHOLE: Final = frozenset({"size", "int"})


@dataclass(frozen=True, slots=True)
class Node:
    """One part of an expression.

    `value` of a field says whether it is only asked for by `has`.

    `kind` is literal, name, field, call, list, map or loop; `name` says which name, field or function.
    Children are operands; of a loop: range, start, condition, step and result, and `value` names what it
    gathers in.
    """

    kind: str
    name: str
    at: int
    """Where it stands in the text, counted in characters."""
    value: Any = None
    children: tuple["Node", ...] = ()

    def walk(self) -> Iterator["Node"]:
        """Yield this node and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


_Message = dict[int, list[Any]]


def read(serialized: bytes) -> Node:
    """Return the tree in what the engine's `Expression.serialize` gave for a parsed expression."""
    parsed = _message(_last(_message(serialized), 2))
    positions: dict[int, int] = {}
    for entry in _message(_last(parsed, 3)).get(4, []):
        pair = _message(entry)
        positions[pair.get(1, [0])[-1]] = pair.get(2, [0])[-1]
    return _node(_last(parsed, 2), positions)


def _node(data: bytes, positions: dict[int, int]) -> Node:
    fields = _message(data)
    at = positions.get(fields.get(_ID, [0])[-1], 0)
    form = next((number for number in _FORMS if number in fields), _CONST)
    body = _message(_last(fields, form))
    if form == _CONST:
        return _literal(body, at)
    kind, name_field = _FORMS[form]
    parts = [part for number in _PARTS[form] for part in body.get(number, ())]
    if form == _STRUCT:
        entries = [_message(part) for part in parts]
        parts = [part for entry in entries for number in _ENTRY_PARTS for part in entry.get(number, ())]
    name = _last(body, name_field).decode() if name_field else ""
    gathers: Any = _last(body, 3).decode() if form == _LOOP else None
    if form == _SELECT:
        gathers = bool(body.get(3, [0])[-1])
    return Node(kind, name, at, gathers, tuple(_node(part, positions) for part in parts))


def _literal(body: _Message, at: int) -> Node:
    for number, [*_, value] in body.items():
        match number:
            case 1:
                return Node("literal", "null", at)
            case 2:
                return Node("literal", "bool", at, bool(value))
            case 3:
                return Node("literal", INT_LITERAL, at, value - (1 << 64) if value >> 63 else value)
            case 5:
                return Node("literal", "double", at, struct.unpack("<d", value)[0])
            case 6 | 7:
                return Node("literal", "text", at, value.decode(_TEXT_TYPES[number]))
    return Node("literal", "other", at)


def _message(data: bytes) -> _Message:
    """Take one message apart: the values of each field number, as numbers for varints and else as bytes."""
    fields: _Message = {}
    at, end = 0, len(data)
    while at < end:
        key, at = _varint(data, at)
        match key & 7:
            case 0:
                value: Any
                value, at = _varint(data, at)
            case 1:
                value, at = data[at : at + 8], at + 8
            case 2:
                size, at = _varint(data, at)
                value, at = data[at : at + size], at + size
            case _:
                raise ValueError("The engine wrote an expression in a form that is not known here.")
        fields.setdefault(key >> 3, []).append(value)
    return fields


def _varint(data: bytes, at: int) -> tuple[int, int]:
    byte = data[at]
    if byte < 0x80:
        return byte, at + 1
    value = shift = 0
    while byte >= 0x80:
        value |= (byte & 0x7F) << shift
        shift += 7
        at += 1
        byte = data[at]
    return value | byte << shift, at + 1


def _last(message: _Message, number: int) -> bytes:
    values = message.get(number)
    return values[-1] if values else b""


# Writing ------------------------------------------------------------------------------------------

Write = Callable[[Node, bytes, list[bytes]], bytes]
"""Given a call, how it is written and how its operands are: how it is to be written."""


def rewritten(serialized: bytes, root: Node, write: Write) -> bytes:
    """Return `serialized`, from which `root` was read, with each call written as `write` says."""
    outer = _message(serialized)
    parsed = _message(_last(outer, 2))
    parsed[2] = [_rewritten(_last(parsed, 2), root, write)]
    outer[2] = [_encoded(parsed)]
    return _encoded(outer)


def _rewritten(data: bytes, node: Node, write: Write) -> bytes:
    fields = _message(data)
    form = next((number for number in _FORMS if number in fields), _CONST)
    if form == _CONST:
        return data
    body = _message(_last(fields, form))
    children = iter(node.children)
    operands: list[bytes] = []

    def replaced(message: _Message, numbers: tuple[int, ...]) -> None:
        for number in numbers:
            if number in message:
                message[number] = [_rewritten(part, next(children), write) for part in message[number]]
                operands.extend(message[number])

    if form == _STRUCT:
        entries = [_message(part) for part in body.get(2, ())]
        for entry in entries:
            replaced(entry, _ENTRY_PARTS)
        body[2] = [_encoded(entry) for entry in entries]
    else:
        replaced(body, _PARTS[form])
    fields[form] = [_encoded(body)]
    whole = _encoded(fields)
    return write(node, whole, operands) if form == _CALL else whole


def call(identifier: int, function: str, *operands: bytes) -> bytes:
    """Write a call of `function`."""
    return _encoded({_ID: [identifier], _CALL: [_encoded({2: [function.encode()], 3: [*operands]})]})


def name(identifier: int, word: str) -> bytes:
    """Write a name."""
    return _encoded({_ID: [identifier], _IDENT: [_encoded({1: [word.encode()]})]})


def text(identifier: int, literal: str) -> bytes:
    """Write a literal text."""
    return _encoded({_ID: [identifier], _CONST: [_encoded({6: [literal.encode()]})]})


def _encoded(message: _Message) -> bytes:
    """Put one message together; each value is a number or bytes of any length."""
    parts = bytearray()
    for number, values in message.items():
        for value in values:
            if isinstance(value, int):
                parts += _as_varint(number << 3) + _as_varint(value)
            else:
                parts += _as_varint(number << 3 | 2) + _as_varint(len(value)) + value
    return bytes(parts)


def _as_varint(value: int) -> bytes:
    parts = bytearray()
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def whole_literals(root: Node) -> list[Node]:
    """Return the whole-number literals that must be read as decimal numbers.

    All numbers among the facts are decimal, and CEL neither compares nor adds a whole and a decimal
    number, so that `amount > 100` would be refused. A literal stays whole only where its counterpart
    is whole by itself: `size(tags) > 3`, `payload.items[0]`.
    """
    literals: list[Node] = []
    for node in root.walk():
        if node.kind == "loop" and _number(node.children[0]) == "literal":
            literals += _literals(node.children[0])
        if node.kind == "call" and node.name in ARITHMETIC | COMPARISONS | {"@in"}:
            kinds = {_number(child) for child in node.children}
            if "literal" in kinds and "other" in kinds:
                for child in node.children:
                    if _number(child) == "literal":
                        literals += _literals(child)
    return list({node.at: node for node in literals}.values())


def _literals(node: Node) -> list[Node]:
    return [part for part in node.walk() if part.name == INT_LITERAL and part.kind == "literal"]


def _number(node: Node) -> str:
    """Say what `node` gives: `literal` if only whole literals make it up, `whole`, or `other`."""
    if node.kind == "literal":
        return "literal" if node.name == INT_LITERAL else "other"
    if node.kind == "call" and (node.name in _WHOLE or node.name.startswith("get")):
        return "whole"
    parts: tuple[Node, ...] = ()
    if node.kind == "list" or (node.kind == "call" and node.name in ARITHMETIC | {"-_", "_%_"}):
        parts = node.children
    elif node.kind == "call" and node.name == "_?_:_":
        parts = node.children[1:]
    kinds = {_number(part) for part in parts}
    if not kinds or "other" in kinds:
        return "other"
    return "whole" if "whole" in kinds else "literal"


def is_whole(node: Node) -> bool:
    """Whether `node` is made of whole numbers alone, with which the engine itself refuses to divide by zero."""
    return _number(node) != "other"


def is_number(node: Node, numbers: frozenset[str]) -> bool:
    """Whether `node` is a number for certain: a literal, one of the facts `numbers`, or made of such."""
    if node.kind == "literal":
        return node.name in {INT_LITERAL, "double"}
    if node.kind == "name":
        return node.name in numbers
    if node.kind == "call" and node.name in {"double", "size", "int", "uint"}:
        return True
    if node.kind == "call" and node.name in ARITHMETIC | {"-_"}:
        return any(is_number(child, numbers) for child in node.children)
    return False
