"""Find where and why a JSON document is refused. PURE.

`canonical.parse` reads documents with the C parser, which does not say which member was at fault.
What it refuses is read a second time here, token by token, only to name the place.
"""

import re
from dataclasses import dataclass, field
from json import JSONDecodeError, JSONDecoder
from math import isfinite
from typing import Final, NoReturn

INTEGER_LIMIT: Final = 2**53
"""The first whole number that a double-precision reader may confuse with its neighbour."""
_INTEGER_FORM_ENDS: Final = 1e21
"""RFC 8785 writes whole numbers below this without an exponent."""
_SAFE_DIGITS: Final = 17

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*+)((?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?)")
# Elements that cannot be at fault, each with its comma: long flat arrays are skipped in one step.
_PLAIN_ELEMENTS = re.compile(
    r"""(?:[ \t\n\r]*(?:-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?|true|false|null
    |"[ !\x23-\x2b\x2d-\x5b\x5d-\x7f]*+")[ \t\n\r]*,)*+""",
    re.VERBOSE,
)
_LITERAL = re.compile(r"true|false|null")
_NOT_A_NUMBER = re.compile(r"NaN|-?Infinity")
_SURROGATE = re.compile("[\ud800-\udfff]")
_STRINGS = JSONDecoder()

_REASONS: Final = {
    "duplicate_key": "This name appears twice in the same object.",
    "not_a_number": "NaN, Infinity and numbers beyond the range of a double are not allowed.",
    "number_too_large": "Whole numbers must be smaller than 2^53; send larger ones as strings.",
    "nul_character": "The character U+0000 is not allowed.",
    "invalid_unicode": "This text is not valid Unicode.",
}


class InvalidJson(ValueError):
    """A document that is refused: where (`pointer`, RFC 6901), why (`reason`) and as what (`code`).

    Codes: malformed_json, duplicate_key, not_a_number, number_too_large, too_deep,
    nul_character, invalid_unicode. The pointer "" is the document itself.
    """

    def __init__(self, code: str, pointer: str = "", reason: str = "") -> None:
        self.code = code
        self.pointer = pointer
        self.reason = reason or _REASONS[code]
        super().__init__(f"{self.reason} (at {pointer!r})")


def pointer_part(part: object) -> str:
    """Write one step of a JSON pointer (RFC 6901), as text that can be stored and shown."""
    text = str(part).replace("~", "~0").replace("/", "~1")
    return "/" + _SURROGATE.sub("\ufffd", text).replace("\0", "\ufffd")


def text_fault(text: str) -> str:
    """Name the code of what is wrong with a decoded string, or ""."""
    if "\0" in text:
        return "nul_character"
    return "invalid_unicode" if _SURROGATE.search(text) else ""


def integer_fault(literal: str) -> str:
    """Name the code of what is wrong with the literal of a whole number, or "".

    Looks at the length first: converting a million digits would take quadratic time.
    """
    is_large = len(literal) > _SAFE_DIGITS or abs(int(literal)) >= INTEGER_LIMIT
    return "number_too_large" if is_large else ""


def float_fault(number: float) -> str:
    """Name the code of what is wrong with a number that was written as a fraction, or "".

    A double that RFC 8785 would write as a whole number of 2^53 or more is too large as well:
    its canonical form would be refused when it is read again.
    """
    if not isfinite(number):
        return "not_a_number"
    return "number_too_large" if INTEGER_LIMIT <= abs(number) < _INTEGER_FORM_ENDS else ""


def find_fault(text: str, max_depth: int) -> InvalidJson | None:
    """Return the first fault of a document in the order of its text, or None. No recursion."""
    try:
        _Reader(text, max_depth).read()
    except InvalidJson as fault:
        return fault
    return None


@dataclass(slots=True)
class _Container:
    is_array: bool
    part: str | int | None = None  # the index or the name that is being read
    names: set[str] = field(default_factory=set)


class _Reader:
    def __init__(self, text: str, max_depth: int) -> None:
        self.text = text
        self.at = 0
        self.max_depth = max_depth
        self.open: list[_Container] = []

    def read(self) -> None:
        self._value()
        while self.open:
            self._part(self.open[-1])
        if self._peek():
            self._malformed("Something follows the end of the document")

    def _refuse(self, code: str, reason: str = "") -> NoReturn:
        parts = (container.part for container in self.open)
        pointer = "".join(pointer_part(part) for part in parts if part is not None)
        raise InvalidJson(code, pointer, reason)

    def _malformed(self, what: str) -> NoReturn:
        self._refuse("malformed_json", f"{what} (character {self.at}).")

    def _peek(self) -> str:
        """Skip white space; return the character that follows, "" at the end."""
        space = _SPACE.match(self.text, self.at)
        assert space is not None  # the pattern matches nothing, too
        self.at = space.end()
        return self.text[self.at : self.at + 1]

    def _part(self, container: _Container) -> None:
        """Read one element or member of the innermost container, or its end."""
        mark = self._peek()
        if mark == ("]" if container.is_array else "}"):
            self.at += 1
            self.open.pop()
            return
        if container.part is not None:
            if mark != ",":
                self._malformed("A comma or a closing bracket is missing")
            self.at += 1
        if container.is_array:
            index = 0 if container.part is None else int(container.part) + 1
            container.part = index + self._skip_plain_elements()
        else:
            self._name(container)
        self._value()

    def _skip_plain_elements(self) -> int:
        start = self.at
        plain = _PLAIN_ELEMENTS.match(self.text, start)
        assert plain is not None  # the pattern matches nothing, too
        self.at = plain.end()
        return self.text.count(",", start, self.at)

    def _name(self, container: _Container) -> None:
        if self._peek() != '"':
            self._malformed("A name in quotes is missing")
        container.part = name = self._string()
        if code := text_fault(name):
            self._refuse(code)
        if name in container.names:
            self._refuse("duplicate_key")
        container.names.add(name)
        if self._peek() != ":":
            self._malformed("A colon is missing")
        self.at += 1

    def _value(self) -> None:
        mark = self._peek()
        if mark == '"':
            if code := text_fault(self._string()):
                self._refuse(code)
        elif mark in ("[", "{"):
            if len(self.open) >= self.max_depth:
                self._refuse("too_deep", f"Nesting deeper than {self.max_depth} is not allowed.")
            self.at += 1
            self.open.append(_Container(is_array=mark == "["))
        elif literal := _LITERAL.match(self.text, self.at):
            self.at = literal.end()
        else:
            self._number()

    def _string(self) -> str:
        try:
            text, self.at = _STRINGS.raw_decode(self.text, self.at)
        except JSONDecodeError as error:
            self.at = error.pos
            if self.text[self.at : self.at + 1] == "\0":
                self._refuse("nul_character")
            self._malformed("This string is not complete or not escaped as JSON wants it")
        return str(text)

    def _number(self) -> None:
        if _NOT_A_NUMBER.match(self.text, self.at):
            self._refuse("not_a_number")
        number = _NUMBER.match(self.text, self.at)
        if number is None:
            self._malformed("A value is missing")
        literal = number.group()
        code = float_fault(float(literal)) if number.group(1) else integer_fault(literal)
        if code:
            self._refuse(code)
        self.at = number.end()
