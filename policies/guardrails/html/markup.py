"""Read HTML as mail programs do: what is text, what is a tag, what is a comment. PURE.

Not a parser: a text may be no HTML at all, or broken on purpose. Every character belongs to exactly
one token or to the text between tokens, and reading is linear whatever the text.
"""

import re
from collections.abc import Iterator
from enum import StrEnum
from functools import cached_property, lru_cache
from html import unescape
from typing import Final, NamedTuple

from policies.guardrails.text.folding import Piece, Pieces, View


class TokenKind(StrEnum):
    TAG = "tag"
    COMMENT = "comment"
    DECLARATION = "declaration"
    RAW = "raw"
    """What stands in a script or a style sheet."""


class Token(NamedTuple):
    """One piece of markup, `start:end` of the text; `name` is the tag's, in lower case."""

    kind: TokenKind
    start: int
    end: int
    name: str = ""
    attributes: tuple[int, int] = (0, 0)


class Attribute(NamedTuple):
    """An attribute of a tag: its value decoded, and where it stands in the text."""

    name: str
    value: str
    start: int
    end: int


# Possessive throughout: what has been read is never given back, so that the cost stays linear.
_MARKUP: Final = re.compile(
    r"""<(?: (?P<comment>!--)
           | (?P<declaration>[!?])
           | /?+(?P<name>[a-zA-Z][^\s/>]*+)
             (?P<attributes>(?: [^>=]++ | =\s*+(?: "[^"]*+" | '[^']*+' )?+ )*+) >?+
         )""",
    re.VERBOSE,
)
_ATTRIBUTE: Final = re.compile(
    r"""([^\s/>=][^\s/>=]*+)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|["']?+([^\s>]*+)))?+""",
)
_ENTITY: Final = re.compile(r"&(?:#[0-9]{1,8}|#[xX][0-9a-fA-F]{1,8}|[a-zA-Z][a-zA-Z0-9]{1,31});?")
_RAW_ENDS: Final = {name: re.compile(f"</{name}", re.IGNORECASE) for name in ("script", "style")}
_INLINE: Final = frozenset(
    [
        "a",
        "abbr",
        "b",
        "bdi",
        "bdo",
        "big",
        "cite",
        "code",
        "data",
        "del",
        "dfn",
        "em",
        "font",
        "i",
        "ins",
        "kbd",
        "label",
        "mark",
        "o:p",
        "q",
        "s",
        "samp",
        "small",
        "span",
        "strike",
        "strong",
        "sub",
        "sup",
        "time",
        "tt",
        "u",
        "var",
        "wbr",
    ]
)


def has_markup(text: str) -> bool:
    """Whether a text has tags, comments or entities; otherwise it is read as it stands."""
    return ("<" in text and _MARKUP.search(text) is not None) or ("&" in text and _ENTITY.search(text) is not None)


def tokens(text: str, start: int = 0, end: int | None = None) -> Iterator[Token]:
    """Yield the markup in `text[start:end]` in its order. Cost: linear."""
    at, end = start, len(text) if end is None else end
    while match := _MARKUP.search(text, at, end):
        comment, declaration, name, _ = match.groups()
        start, at = match.span()
        if comment or declaration:
            # A comment ends after its first dash at the earliest, as `<!-->` is a whole one.
            mark, begin = ("-->", start + 2) if comment else (">", at)
            close = text.find(mark, begin, end)
            at = end if close < 0 else close + len(mark)
            yield Token(TokenKind.COMMENT if comment else TokenKind.DECLARATION, start, at)
            continue
        name = name.lower()
        yield Token(TokenKind.TAG, start, at, name, match.span("attributes"))
        if name in _RAW_ENDS and text[start + 1] != "/":
            closing = _RAW_ENDS[name].search(text, at, end)
            begin, at = at, closing.start() if closing else end
            yield Token(TokenKind.RAW, begin, at, name)


def attributes(text: str, token: Token) -> Iterator[Attribute]:
    """Yield the attributes of a tag; names in lower case, values with their entities decoded."""
    for match in _ATTRIBUTE.finditer(text, *token.attributes):
        group = next((number for number in (2, 3, 4) if match[number] is not None), None)
        if group is not None:
            value = match[group]
            yield Attribute(match[1].lower(), unescape(value) if "&" in value else value, *match.span(group))


_CONDITION: Final = re.compile(r"\s*\[if\s[^\]>]{0,200}\]>")
_END_OF_COMMENT: Final = re.compile(r"(?:<!\[endif\]\s*)?-->\Z")


def inside(text: str, comment: Token) -> tuple[int, int]:
    """Return from where to where the content of a comment stands, without a condition around it."""
    begin = comment.start + len("<!--")
    if condition := _CONDITION.match(text, begin, comment.end):
        begin = condition.end()
    end = _END_OF_COMMENT.search(text, begin, comment.end)
    return begin, max(begin, end.start() if end else comment.end)


def is_conditional(text: str, comment: Token) -> bool:
    """Whether some mail programs show what is in a comment."""
    return _CONDITION.match(text, comment.start + len("<!--"), comment.end) is not None


def commented(text: str, markup: list[Token]) -> Iterator[Token]:
    """Yield tokens under which only what is in comments is text; none where no comment has any."""
    at, has_any = 0, False
    for comment in markup:
        if comment.kind is TokenKind.COMMENT:
            begin, end = inside(text, comment)
            if text[begin:end].strip():
                yield Token(TokenKind.TAG, at, begin, "div")
                yield from tokens(text, begin, end)
                at, has_any = end, True
    if has_any:
        yield Token(TokenKind.TAG, at, len(text), "div")


@lru_cache(maxsize=4096)
def _decoded(entity: str) -> str:
    return unescape(entity)


def visible(text: str, markup: list[Token]) -> View:
    """Return what a reader sees: no tags, comments, scripts and styles; entities decoded."""
    made = "".join([part for part, _, _ in _visible_parts(text, markup)])
    return View(made, (_Shown(text, markup),))


class _Shown:
    """The alignment of `visible`: worked out when it is first asked."""

    def __init__(self, text: str, markup: list[Token]) -> None:
        self._text = text
        self._markup = markup

    @cached_property
    def _pieces(self) -> Pieces:
        return Pieces(Piece(len(part), start, end) for part, start, end in _visible_parts(self._text, self._markup))

    def back(self, start: int, end: int) -> tuple[int, int]:
        return self._pieces.back(start, end)


def _visible_parts(text: str, markup: list[Token]) -> Iterator[tuple[str, int, int]]:
    """Yield each part that is seen, and where it comes from."""
    has_entities = "&" in text
    at = 0
    for kind, start, end, name, _ in [*markup, _end_of(text)]:
        if at < start:
            if has_entities:
                for entity in _ENTITY.finditer(text, at, start):
                    yield text[at : entity.start()], at, entity.start()
                    yield _decoded(entity.group()), *entity.span()
                    at = entity.end()
            yield text[at:start], at, start
        if kind is TokenKind.TAG and name not in _INLINE:
            yield "\n", start, end
        at = end


def _end_of(text: str) -> Token:
    return Token(TokenKind.COMMENT, len(text), len(text))
