"""Which parts of an e-mail's HTML no reader sees, or only some: by style, size, colour, or where they stand. PURE.

Not a browser: it knows inline styles and simple selectors of the style sheet, as mail programs do. What it
calls hidden is hidden in every program that keeps to the rules; what it does not understand counts as seen.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from policies.guardrails.html import markup
from policies.guardrails.html.markup import Token, TokenKind
from policies.guardrails.html.style import Sheet, declarations, hides, read_sheet, same_colour


class Why(StrEnum):
    STYLE = "style"
    """Hidden by style: `display:none`, no size, off the page."""
    COLOUR = "colour"
    """Written in the colour of its background."""
    MEDIA = "media"
    """Seen on some screens only."""
    PLACE = "place"
    """In an element whose text is no part of the page, as `title`."""


class Part(NamedTuple):
    """`start:end` of the HTML, tags included, and why no reader sees it, or not every one."""

    start: int
    end: int
    why: Why
    name: str


_VOID: Final = frozenset(
    "area base br col embed hr img input link meta param source track wbr".split()  # noqa: SIM905 (a list of words)
)
_NO_PAGE: Final = frozenset({"title", "noscript", "template", "textarea", "option", "select", "datalist", "object"})
_CLOSES_ITSELF: Final = frozenset({"p", "li", "td", "th", "tr", "dt", "dd", "option"})
_DEEPEST: Final = 5_000
_MOST_LOOKS: Final = 2_000


class _Look(NamedTuple):
    """What a tag says of itself, whatever is around it."""

    why: Why | None
    colour: str
    background: str


@dataclass(slots=True)
class _Open:
    """An element that is still open, with the colours in force in it."""

    name: str
    start: int
    why: Why | None
    colour: str
    background: str


def hidden(text: str, tokens: list[Token]) -> list[Part]:
    """Return the parts of `text` that are hidden, the outermost of each, in their order. Cost: linear."""
    walk = _Walk(text, read_sheet(_sheets(text, tokens)))
    for token in tokens:
        if token.kind is TokenKind.TAG:
            walk.take(token)
    walk.end()
    return sorted(walk.parts)


def _sheets(text: str, tokens: list[Token]) -> str:
    raw = (token for token in tokens if token.kind is TokenKind.RAW and token.name == "style")
    return "\n".join(text[token.start : token.end] for token in raw)


class _Walk:
    """Goes through the tags and remembers which elements are open."""

    def __init__(self, text: str, sheet: Sheet) -> None:
        self.parts: list[Part] = []
        self._text = text
        self._sheet = sheet
        self._open: list[_Open] = []
        self._names: Counter[str] = Counter()
        self._looks: dict[str, _Look] = {}
        self._hiding: _Open | None = None
        # Without any background a page is white.
        self._ground = "" if "background" in text.lower() or "bgcolor" in text.lower() else "#ffffff"

    def take(self, token: Token) -> None:
        """Open or close an element."""
        if self._text[token.start + 1] == "/":
            if self._names[token.name]:
                while self._close(token.end).name != token.name:
                    pass
            return
        if self._open and token.name in _CLOSES_ITSELF and self._open[-1].name == token.name:
            self._close(token.start)
        if len(self._open) < _DEEPEST:
            self._enter(token)

    def end(self) -> None:
        """Close what is left open."""
        while self._open:
            self._close(len(self._text))

    def _enter(self, token: Token) -> None:
        look = self._look(token)
        above = self._open[-1] if self._open else None
        colour = look.colour or (above.colour if above else "")
        background = look.background or (above.background if above else self._ground)
        why = look.why or (Why.COLOUR if same_colour(colour, background) else None) if self._hiding is None else None
        if token.name in _VOID or self._text[token.end - 2 : token.end] == "/>":
            if why is not None:
                self.parts.append(Part(token.start, token.end, why, token.name))
            return
        element = _Open(token.name, token.start, why, colour, background)
        if why is not None:
            self._hiding = element
        self._open.append(element)
        self._names[token.name] += 1

    def _look(self, token: Token) -> "_Look":
        """Return what a tag says of itself; mails write the same tag many times over."""
        written = self._text[token.start : token.end]
        if (known := self._looks.get(written)) is None:
            attributes = {name: value for name, value, _, _ in markup.attributes(self._text, token)}
            styles = {**self._sheet.of(token.name, attributes), **declarations(attributes.get("style", ""))}
            colour = styles.get("color") or attributes.get("color", "")
            known = _Look(self._why(token, attributes, styles), colour, _background(styles, attributes))
            if len(self._looks) < _MOST_LOOKS:
                self._looks[written] = known
        return known

    def _why(self, token: Token, attributes: Mapping[str, str], styles: Mapping[str, str]) -> Why | None:
        if token.name in _NO_PAGE:
            return Why.PLACE
        is_hidden = hides(styles) or _has_attribute(self._text, token, "hidden")
        if self._sheet.varies(token.name, attributes, is_hidden=is_hidden):
            return Why.MEDIA
        return Why.STYLE if is_hidden else None

    def _close(self, end: int) -> _Open:
        element = self._open.pop()
        self._names[element.name] -= 1
        if element is self._hiding and element.why is not None:
            self.parts.append(Part(element.start, end, element.why, element.name))
            self._hiding = None
        return element


def _background(styles: Mapping[str, str], attributes: Mapping[str, str]) -> str:
    if attributes.get("background"):
        return "picture"
    written = styles.get("background-color") or styles.get("background") or attributes.get("bgcolor", "")
    return "picture" if "url(" in written or "gradient" in written else written


def _has_attribute(text: str, token: Token, name: str) -> bool:
    """Whether a tag has an attribute that needs no value."""
    start, end = token.attributes
    if name not in text[start:end].lower():
        return False
    quoted = re.sub(r"\"[^\"]*\"|'[^']*'", "", text[start:end])
    return re.search(rf"(?i)(?:^|\s){name}(?=[\s/=>]|$)", quoted) is not None


def seen_tokens(tokens: list[Token], parts: list[Part]) -> list[Token]:
    """Return `tokens` with each hidden part as one piece of markup, so that its text is no text."""
    return [*_seen(tokens, parts)]


def _seen(tokens: list[Token], parts: list[Part]) -> Iterator[Token]:
    waiting = iter(parts)
    part = next(waiting, None)
    for token in tokens:
        while part is not None and token.start >= part.end:
            part = next(waiting, None)
        if part is None or token.start < part.start:
            yield token
        elif token.start == part.start:
            yield Token(TokenKind.TAG, part.start, part.end, "div")
