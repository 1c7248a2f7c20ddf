"""Say what is wrong with a condition: where in its text, in our words, and what might be meant. PURE."""

import re
from collections.abc import Collection
from difflib import get_close_matches
from typing import Final

from policies.rules.expressions import Node


class ConditionInvalid(ValueError):
    """A condition that cannot be used; line and column count from 1."""

    code = "condition_invalid"

    def __init__(self, message: str, *, line: int = 1, column: int = 1, suggestion: str = "") -> None:
        super().__init__(message)
        self.message, self.line, self.column, self.suggestion = message, line, column, suggestion


_PLACE: Final = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*)")
_MIXED: Final = re.compile(r"found no matching overload for '([^']*)' applied to '([^']*)'")


def refused(text: str, message: str, literals: list[Node]) -> ConditionInvalid:
    """Say what the engine holds against `text`, at its place and in our words."""
    if "recursion" in message:
        return ConditionInvalid("The condition is nested too deeply.", suggestion="Split it into several rules.")
    place = _PLACE.search(message)
    if place is None:
        return ConditionInvalid(plain(message))
    line, column, detail = max(1, int(place[1])), max(1, int(place[2])), place[3]
    # Every literal made decimal moved what follows it on its line by two characters.
    for node in literals:
        at_line, at_column = _place(text, node.at)
        column -= 2 * (at_line == line and at_column < column)
    if mixed := _MIXED.search(detail):
        operator = mixed[1].strip("_@").replace("_", " ")
        message = f"{operator} does not go with {mixed[2]}."
        hint = "Write double(…) around the whole number." if "int" in mixed[2] and "double" in mixed[2] else ""
        return ConditionInvalid(message, line=line, column=column, suggestion=hint)
    hint = next((hint for token, hint in _HINTS.items() if token in detail), "")
    return ConditionInvalid(_in_our_words(detail), line=line, column=column, suggestion=hint)


def _in_our_words(detail: str) -> str:
    """Say what does not belong or is missing, where the grammar's tool names tokens and rules."""
    for pattern, sentence in _SYNTAX:
        if match := pattern.search(detail):
            return match.expand(sentence)[:200]
    return plain(detail.split(" expecting ", maxsplit=1)[0])


_SYNTAX: Final = (
    (re.compile(r"missing ('.+?') at '<EOF>'"), r"The condition is incomplete: \1 is missing."),
    (re.compile(r"'<EOF>'"), "The condition is incomplete."),
    (re.compile(r"missing ('.+?') at ('.+?')(?: expecting |$)"), r"\1 is missing before \2."),
    (re.compile(r"(?:mismatched|extraneous) input ('.+?')(?: expecting |$)"), r"\1 does not belong here."),
    (re.compile(r"no viable alternative at input ('.+?')$"), r"\1 cannot be read as a condition."),
    (re.compile(r"token recognition error at: '(.+?) *'$"), r"“\1” cannot be read."),
)

_HINTS: Final = {"at: '=": "Write == to compare.", "'and'": "Write &&.", "'or'": "Write ||.", "'not'": "Write !."}


def invalid(text: str, message: str, at: int, suggestion: str = "") -> ConditionInvalid:
    """Refuse what stands at the character `at` of `text`."""
    line, column = _place(text, at)
    return ConditionInvalid(message, line=line, column=column, suggestion=suggestion)


def _place(text: str, at: int) -> tuple[int, int]:
    before = text[:at]
    return before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1


def did_you_mean(name: str, known: Collection[str]) -> str:
    """Return a sentence that names the closest of `known`, if any is close."""
    close = get_close_matches(name, known, n=1)
    return f"Did you mean {close[0]}?" if close else ""


def plain(message: str) -> str:
    """Return the engine's sentence without its codes, at most 200 characters of it."""
    first = message.splitlines()[0] if message else "no answer"
    return re.sub(r"^[A-Z_]+: |\s*\[[A-Z_]+\]$", "", first)[:200]
