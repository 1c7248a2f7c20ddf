"""Plain text as people read it: what is hidden in it, one line of it, and names as they are compared. PURE."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from policies.guardrails.kinds.hidden_unicode import DIRECTIONS, hidden
from policies.guardrails.text.folding import has_something_drawn as has_something_visible

__all__ = [
    "cut", "has_something_visible", "hidden_spots", "kept", "lines", "marked", "name", "one_line", "percent",
    "written_out",
]  # fmt: skip

_LINE_ENDS: Final = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_DIRECTION: Final = re.compile(f"[{DIRECTIONS}]+")


def hidden_spots(text: str) -> Iterator[tuple[int, int]]:
    """Yield where `text` has characters that nobody sees or that change the order in which others are seen.

    Embeddings, isolates and overrides of direction always count: they would reach into what stands beside a
    short text. What an emoji or the script of the text needs does not. Cost: linear.
    """
    if text.isascii() and text.isprintable():
        return
    at = 0
    for start, end in hidden(text):
        yield from _spans(_DIRECTION, text, at, start)
        yield start, end
        at = end
    yield from _spans(_DIRECTION, text, at, len(text))


def _spans(pattern: re.Pattern[str], text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for match in pattern.finditer(text, start, end):
        yield match.span()


def marked(text: str) -> str:
    """Return `text` with each hidden character written out, as in ⟨U+202E⟩, so that it changes nothing else."""
    pieces, at = [], 0
    for start, end in hidden_spots(text):
        pieces += [text[at:start], *map(written_out, text[start:end])]
        at = end
    return "".join([*pieces, text[at:]]) if at else text


def written_out(char: str) -> str:
    """Return the number of a character, in brackets."""
    return f"⟨U+{ord(char):04X}⟩"


def one_line(text: str) -> str:
    """Return `text` on one line, with one space for each stretch of white space and none at its ends."""
    return " ".join(text.split())


def lines(text: str) -> str:
    """Return `text` with every kind of line end written in one way."""
    return _LINE_ENDS.sub("\n", text)


def kept(text: str) -> str:
    """Return what a person or a far side wrote as it is kept: trimmed, in plain lines, hidden characters written out.

    Agents are refused such characters; of people and executors nothing must get lost.
    """
    return marked(lines(text)).strip()


def name(text: str) -> str:
    """Return a name as it is kept and compared: in NFC, on one line, trimmed."""
    return unicodedata.normalize("NFC", one_line(text))


def cut(text: str, most: int) -> str:
    """Return `text` in at most `most` characters: where it is longer, its beginning and its end.

    Both ends are shown, so that nothing can be put out of sight behind a long beginning.
    """
    if len(text) <= most:
        return text
    tail = most // 3
    return f"{text[: most - tail - 3].rstrip()} … {text[len(text) - tail :].lstrip()}"


def percent(share: float) -> str:
    """Write a share of one as pages do: 0.41 is `41 %`. What is no number stays as it is."""
    digits = f"{share * 100:.2f}"
    return f"{digits.rstrip('0').rstrip('.')} %"
