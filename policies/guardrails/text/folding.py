"""Compare texts as people read them, and find the way back to the characters that were sent. PURE.

Folding takes compatibility forms apart (NFKD), folds case, drops what cannot be seen, writes every
decimal digit, dash and quotation mark in one way, and makes one space of white space. It works
character by character, so that its cost is linear and each place in the folded text has a source.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable
from functools import cached_property
from itertools import accumulate
from typing import Final, NamedTuple, Protocol

from policies.guardrails.text.scripts import look_alikes

_BLOCK: Final = 1024
# A few ligatures stand for whole sentences; taken apart they would make a text 18 times as long.
_LONGEST_FORM: Final = 4
# Format characters (Cf) that are drawn: signs that span the digits after them.
_DRAWN: Final = frozenset(map(chr, [*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD]))
# Default-ignorable characters of other categories: fillers, joiners of marks, variation selectors.
_UNDRAWN: Final = frozenset(
    map(
        chr,
        [
            *(0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0),
            *range(0x180B, 0x1810),
            *range(0xFE00, 0xFE10),
            *range(0xE0000, 0xE1000),
        ],
    )
)
_ALIKE: Final = {
    **dict.fromkeys("‐‑‒–—―−﹘﹣－", "-"),
    **dict.fromkeys("‘’‚‛′ʼ＇`´", "'"),
    **dict.fromkeys("“”„‟″«»＂", '"'),
}
_ACCENTS: Final = re.compile("[\u0300-\u036f]+")
_ACCENT: Final = frozenset(map(chr, range(0x300, 0x370)))
_SPACES: Final = re.compile(r"\s+")


def is_invisible(char: str) -> bool:
    """Whether a character draws nothing by itself: format characters, fillers, selectors."""
    return char in _UNDRAWN or (unicodedata.category(char) == "Cf" and char not in _DRAWN)


_BLANK: Final = frozenset("\u2800")
"""Drawn, but as nothing."""
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Mn", "Me", "Zl", "Zp", "Zs"})


def has_something_drawn(text: str) -> bool:
    """Whether a person sees at least one character of `text`."""
    return any(
        char not in _BLANK and not is_invisible(char) and unicodedata.category(char) not in _UNSEEN for char in text
    )


class Alignment(Protocol):
    """One step from a text to another one, and the way back."""

    def back(self, start: int, end: int) -> tuple[int, int]:
        """Return what `start:end` of the result was made of."""
        ...


class Piece(NamedTuple):
    """`length` characters of the result were made of `start:end`; equally long pieces are copies."""

    length: int
    start: int
    end: int


class Pieces:
    """The alignment of a result that was put together of pieces; none of them is empty."""

    def __init__(self, pieces: Iterable[Piece]) -> None:
        self._pieces = [piece for piece in pieces if piece.length]
        self._starts = [0, *accumulate(piece.length for piece in self._pieces)]

    def back(self, start: int, end: int) -> tuple[int, int]:
        """Return what `start:end` of the result was made of. Cost: two binary searches."""
        if not self._pieces:
            return 0, 0
        first = self._at(start)
        source = self._pieces[first]
        offset = start - self._starts[first] if source.length == source.end - source.start else 0
        if end <= start:
            return source.start + offset, source.start + offset
        last = self._at(end - 1)
        target = self._pieces[last]
        is_copy = target.length == target.end - target.start
        return source.start + offset, target.start + end - self._starts[last] if is_copy else target.end

    def _at(self, place: int) -> int:
        return min(bisect_right(self._starts, place) - 1, len(self._pieces) - 1)


class View:
    """A text made of another one by steps; `span` leads back through all of them."""

    __slots__ = ("_steps", "text")

    def __init__(self, text: str, steps: tuple[Alignment, ...] = ()) -> None:
        self.text = text
        self._steps = steps

    def rewritten(self, text: str) -> "View":
        """Return the view after a change that moved nothing."""
        return View(text, self._steps)

    def then(self, text: str, step: Alignment) -> "View":
        """Return the view after one more step."""
        return View(text, (*self._steps, step))

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where `start:end` of this view stands in the text that was sent."""
        for step in reversed(self._steps):
            start, end = step.back(start, end)
        return start, end


class FoldingTable(dict[int, str | int]):
    """What each character becomes, worked out when it is first met. For `str.translate`."""

    def __init__(self, of: Callable[[str], str]) -> None:
        super().__init__()
        self._of = of

    def __missing__(self, code: int) -> str | int:
        char = chr(code)
        if unicodedata.category(char) in {"Cn", "Co", "Cs"} and not is_invisible(char):
            return code  # not kept: there are a million of them
        self[code] = self._of(char)
        return self[code]


def _decomposed(char: str) -> str:
    for form in ("NFD", "NFKD"):
        char = unicodedata.normalize("NFKD", unicodedata.normalize(form, char).casefold())
    return char


def _folded(char: str) -> str:
    """Return what one character is compared as."""
    if is_invisible(char):
        return ""
    if (alike := _ALIKE.get(char)) is not None:
        return alike
    if (digit := unicodedata.decimal(char, None)) is not None:
        return str(digit)
    parts = "".join(_ALIKE.get(part, part) for part in _decomposed(char) if not is_invisible(part))
    return parts if len(parts) <= _LONGEST_FORM else char


def _folded_by_look(char: str) -> str:
    """As `_folded`, and a foreign letter that looks like a Latin one becomes that one."""
    if alike := look_alikes().get(char):
        return alike.lower()
    return "".join(look_alikes().get(part, part).lower() for part in _folded(char))


def _folded_with_tags(char: str) -> str:
    """As `_folded_by_look`, and tag characters, which nobody sees, are read as the letters they stand for."""
    return chr(ord(char) - 0xE0000).lower() if 0xE0020 <= ord(char) < 0xE007F else _folded_by_look(char)


PLAIN: Final = FoldingTable(_folded)
BY_LOOK: Final = FoldingTable(_folded_by_look)
WITH_TAGS: Final = FoldingTable(_folded_with_tags)


class _Translation:
    """The alignment of `str.translate`: counted in blocks, so that it costs nothing before it is asked."""

    def __init__(self, source: str, starts: list[int], table: FoldingTable) -> None:
        self._source = source
        self._starts = starts
        self._table = table

    def back(self, start: int, end: int) -> tuple[int, int]:
        first = self._source_of(start)
        return first, first if end <= start else self._source_of(end - 1) + 1

    def _source_of(self, place: int) -> int:
        block = bisect_right(self._starts, place) - 1
        at = self._starts[block]
        index = block * _BLOCK
        while index < len(self._source):
            made = self._table[ord(self._source[index])]
            at += 1 if isinstance(made, int) else len(made)
            if at > place:
                return index
            index += 1
        return len(self._source)


def _with_marks_in_order(text: str) -> str:
    # By hand: unicodedata.normalize takes quadratic time on a long run of marks.
    marks = {char: order for char in set(text) if (order := unicodedata.combining(char))}
    if len(set(marks.values())) < 2:
        return text
    runs = re.compile(f"[{re.escape(''.join(sorted(marks)))}]{{2,}}")
    return runs.sub(lambda run: "".join(sorted(run.group(), key=marks.__getitem__)), text)


def fold(view: View, table: FoldingTable = PLAIN) -> View:
    """Return the view as people read it. Cost: linear, whatever the text."""
    text = view.text
    if text.isascii():
        return _with_single_spaces(view.rewritten(text.lower().replace("`", "'")))
    blocks = [text[at : at + _BLOCK].translate(table) for at in range(0, len(text), _BLOCK)]
    starts = [0, *accumulate(map(len, blocks))][:-1]
    made = _with_marks_in_order("".join(blocks))
    return _with_single_spaces(view.then(made, _Translation(text, starts, table)))


def _with_single_spaces(view: View) -> View:
    text = view.text
    words = text.split()
    # `split` drops the spaces around a text; they are kept, so that places can be counted.
    before, after = text[:1].isspace(), bool(words) and text[-1:].isspace()
    made = " " * before + " ".join(words) + " " * after
    return view if made == text else view.then(made, _Replacement(text, _SPACES, " "))


def without_accents(view: View) -> View:
    """Return a folded view without its accents. Cost: linear."""
    if view.text.isascii() or _ACCENT.isdisjoint(view.text):
        return view
    return view.then(_ACCENTS.sub("", view.text), _Replacement(view.text, _ACCENTS, ""))


class _Replacement:
    """The alignment of `pattern.sub`: worked out when it is first asked."""

    def __init__(self, source: str, pattern: re.Pattern[str], by: str) -> None:
        self._source = source
        self._pattern = pattern
        self._by = by

    @cached_property
    def _pieces(self) -> Pieces:
        pieces: list[Piece] = []
        at = 0
        for match in self._pattern.finditer(self._source):
            start, end = match.span()
            pieces += (Piece(start - at, at, start), Piece(len(self._by), start, end))
            at = end
        return Pieces([*pieces, Piece(len(self._source) - at, at, len(self._source))])

    def back(self, start: int, end: int) -> tuple[int, int]:
        return self._pieces.back(start, end)


def folded(text: str, table: FoldingTable = PLAIN) -> str:
    """Return a short text as it is compared, without spaces around it."""
    return fold(View(text), table).text.strip()
