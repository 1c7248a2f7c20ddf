"""Strict JSON in, canonical JSON out: what is signed, hashed and compared goes through here. PURE.

Reading refuses whatever two programs could understand differently (RFC 7493, I-JSON); writing
follows RFC 8785 (JCS). Whatever `parse` accepts, `encode` writes, and `parse` reads it again.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any, Final, NoReturn, cast

import rfc8785

from audit.json_faults import (
    INTEGER_LIMIT,
    InvalidJson,
    find_fault,
    float_fault,
    integer_fault,
    pointer_part,
    text_fault,
)

__all__ = ["MAX_DEPTH", "InvalidJson", "JsonValue", "digest", "encode", "parse"]

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]

MAX_DEPTH: Final = 64

_RISKY_ESCAPE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_STRING = re.compile(rb'"(?:[^"\\]++|\\.?)*+"?', re.DOTALL)
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_ONE_KIND_OF_BRACKET = bytes.maketrans(b"{}", b"[]")


def parse(data: bytes, *, max_depth: int = MAX_DEPTH) -> JsonValue:
    """Read one JSON document strictly; raise InvalidJson at its first fault.

    A good document costs one pass of the C parser; only a bad one is read again, to name the
    place. Nesting is bounded before parsing, so that no input recurses.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        # What is not UTF-8 becomes lone surrogates, which the second pass finds and names.
        _refuse(data.decode("utf-8", "surrogateescape"), max_depth)
    if _may_be_deeper_than(data, max_depth):
        _refuse(text, max_depth)
    try:
        value = cast("JsonValue", _DECODER.decode(text))
    except (ValueError, RecursionError):
        _refuse(text, max_depth)
    if _RISKY_ESCAPE.search(data) and any(map(text_fault, _texts(value))):
        _refuse(text, max_depth)
    return value


def encode(value: JsonValue) -> bytes:
    """Write canonical JSON (RFC 8785); raise InvalidJson for what JSON cannot carry exactly."""
    try:
        plain = _plain(value)
        return rfc8785.dumps(value) if plain is _OTHER else _PLAIN_ENCODER.encode(plain).encode("utf-8")
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise _unencodable(value) from error


def digest(data: bytes) -> str:
    """Name bytes by their SHA-256: "sha256:" and 64 hexadecimal digits."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


class _Suspect(ValueError):
    """The first pass met something wrong; the second pass says what and where."""


def _refuse(text: str, max_depth: int) -> NoReturn:
    fault = find_fault(text, max_depth)
    raise fault or InvalidJson("malformed_json", reason="The document is not valid JSON.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Suspect
    return members


def _integer(literal: str) -> int:
    if integer_fault(literal):
        raise _Suspect
    return int(literal)


def _float(literal: str) -> float:
    number = float(literal)
    if float_fault(number):
        raise _Suspect
    return number


def _constant(_literal: str) -> NoReturn:
    raise _Suspect


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_int=_integer, parse_float=_float, parse_constant=_constant)


def _may_be_deeper_than(data: bytes, depth: int) -> bool:
    """Tell whether the brackets nest deeper; True also where they do not match."""
    if data.count(b"[") + data.count(b"{") <= depth:
        return False
    brackets = _STRING.sub(b"", data).translate(_ONE_KIND_OF_BRACKET, _NO_BRACKETS)
    for _ in range(depth):  # each turn takes the innermost pairs away, which is one level
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)


def _texts(value: JsonValue) -> Iterator[str]:
    """Every string of a value, the names of members included."""
    todo = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, list):
            todo.extend(item)
        elif isinstance(item, dict):
            yield from item
            todo.extend(item.values())


_PLAIN_ENCODER = json.JSONEncoder(ensure_ascii=False, check_circular=False, sort_keys=True, separators=(",", ":"))


_OTHER: Final = object()
"""What stands for a value that the standard encoder does not write as RFC 8785 wants it."""


def _plain(value: object) -> object:
    """Return a value that the standard encoder writes exactly as RFC 8785 wants this one, or _OTHER.

    It does where names are ASCII (the order of code points is then that of UTF-16 units) and fractions lie where
    Python, like ECMAScript, writes no exponent. A whole number is written as one, however it was sent.
    """
    kind = type(value)
    if isinstance(value, str):
        return str.__str__(value)  # of a member of an enumeration, its text
    if kind is bool or value is None:
        return value
    if kind is int or kind is float:
        return _plain_number(cast("int | float", value))
    if kind is dict:
        members = cast("dict[object, object]", value)
        plain = {name: _plain(part) for name, part in members.items()}
        is_plain = all(type(name) is str and name.isascii() for name in plain) and _OTHER not in plain.values()
        return plain if is_plain else _OTHER
    if kind is list:
        items = [_plain(item) for item in cast("list[object]", value)]
        return _OTHER if _OTHER in items else items
    return _OTHER


def _plain_number(number: float) -> object:
    if not -INTEGER_LIMIT < number < INTEGER_LIMIT:
        return _OTHER
    if type(number) is int or number.is_integer():
        return int(number)
    return number if abs(number) >= 1e-4 else _OTHER


def _unencodable(value: object, pointer: str = "") -> InvalidJson:
    """Say what of a value cannot be written, and where it is."""
    if isinstance(value, str):
        return InvalidJson("invalid_unicode", pointer)
    if isinstance(value, float):
        return InvalidJson("not_a_number", pointer)
    if isinstance(value, int):
        return InvalidJson("number_too_large", pointer)
    for name, part in _members(value):
        for piece in (name, part):
            try:
                rfc8785.dumps(piece)
            except (rfc8785.CanonicalizationError, UnicodeEncodeError):
                return _unencodable(piece, pointer + pointer_part(name))
    kind = type(value).__name__
    return InvalidJson("malformed_json", pointer, f"JSON has no form for this ({kind}).")


def _members(value: object) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list | tuple):
        yield from enumerate(value)
