"""Find the parts of an e-mail's HTML that no reader sees, or only some: by style, size, colour or place. PURE.

Not a browser: it knows inline styles and the style sheet's rules by what they say of the element itself. A rule
that asks for more (what is around it, where it stands) may hold or not, so what it hides is seen by some only.
What is no style at all that it knows counts as seen.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from policies.guardrails.html import colours, markup, style
from policies.guardrails.html.markup import Token, TokenKind
from policies.guardrails.html.style import Sheet


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
_NO_PAGE: Final = frozenset(
    {
        "title",
        "noscript",
        "template",
        "textarea",
        "option",
        "select",
        "datalist",
        "object",
        "iframe",
        "audio",
        "video",
        "canvas",
        "svg",
        "noembed",
        "noframes",
    }
)
_ON_OPENING: Final = frozenset({"details", "dialog"})
"""Elements that many programs show only once they are opened."""
_CLOSES_ITSELF: Final = frozenset({"p", "li", "td", "th", "tr", "dt", "dd", "option"})
_DEEPEST: Final = 5_000
_MOST_LOOKS: Final = 2_000
_USUAL_SIZE: Final = 16.0


class _Look(NamedTuple):
    """What a tag says of itself, whatever is around it."""

    why: Why | None
    """Why it is hidden with all that is in it."""
    colour: str
    background: str
    visibility: str
    styles: Mapping[str, str]


class _Drawn(NamedTuple):
    """How the text of an element is drawn: what it takes over from the one around it, unless it says otherwise."""

    removed: Why | None
    colour: str
    background: str
    visibility: str
    size: float

    @property
    def why(self) -> Why | None:
        """Why no reader sees it, or not every one."""
        if self.removed is not None:
            return self.removed
        if self.size < style.SMALLEST or style.is_unseen(self.visibility) or colours.is_clear(self.colour):
            return Why.STYLE
        return Why.COLOUR if colours.are_alike(self.colour, self.background) else None


class _Open(NamedTuple):
    """An element that is still open."""

    name: str
    drawn: _Drawn


def hidden(text: str, tokens: list[Token]) -> list[Part]:
    """Return the parts of `text` that are hidden, the outermost of each, in their order. Cost: linear."""
    walk = _Walk(text, style.read_sheet(_sheets(text, tokens)))
    for token in tokens:
        if token.kind is TokenKind.TAG:
            walk.take(token)
    walk.end()
    return sorted(walk.parts)


def _sheets(text: str, tokens: list[Token]) -> str:
    raw = (token for token in tokens if token.kind is TokenKind.RAW and token.name == "style")
    return "\n".join(text[token.start : token.end] for token in raw)


class _Walk:
    """Goes through the tags, remembers which elements are open, and where what is hidden began."""

    def __init__(self, text: str, sheet: Sheet) -> None:
        self.parts: list[Part] = []
        self._text = text
        self._sheet = sheet
        self._variables = style.variables(text)
        self._open: list[_Open] = []
        self._names: Counter[str] = Counter()
        self._looks: dict[str, _Look] = {}
        self._since: tuple[int, Why, str] | None = None
        # Without any background a page is white.
        ground = "" if "background" in text.lower() or "bgcolor" in text.lower() else "#ffffff"
        self._page = _Drawn(None, "", ground, "", _USUAL_SIZE)

    def take(self, token: Token) -> None:
        """Open or close an element."""
        if self._text[token.start + 1] == "/":
            if self._names[token.name]:
                while self._close(token.end) != token.name:
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

    @property
    def _around(self) -> _Drawn:
        return self._open[-1].drawn if self._open else self._page

    def _enter(self, token: Token) -> None:
        drawn = self._drawn(self._look(token))
        if token.name in _VOID or self._text[token.end - 2 : token.end] == "/>":
            if drawn.why is not None and self._since is None:
                self.parts.append(Part(token.start, token.end, drawn.why, token.name))
            return
        self._open.append(_Open(token.name, drawn))
        self._names[token.name] += 1
        self._go_on(token.start)

    def _close(self, end: int) -> str:
        name = self._open.pop().name
        self._names[name] -= 1
        self._go_on(end)
        return name

    def _go_on(self, at: int) -> None:
        """Begin or end a hidden part where the innermost element begins or ends."""
        why = self._around.why
        if why is not None and self._since is None:
            self._since = at, why, self._open[-1].name
        elif why is None and self._since is not None:
            start, cause, name = self._since
            self._since = None
            if start < at:
                self.parts.append(Part(start, at, cause, name))

    def _drawn(self, look: _Look) -> _Drawn:
        around = self._around
        size = style.font_size(look.styles, around.size)
        return _Drawn(
            removed=around.removed or look.why,
            colour=look.colour or around.colour,
            background=look.background or around.background,
            visibility=look.visibility or around.visibility,
            size=around.size if size is None else size,
        )

    def _look(self, token: Token) -> _Look:
        """Return what a tag says of itself; mails write the same tag many times over."""
        written = self._text[token.start : token.end]
        if (known := self._looks.get(written)) is None:
            attributes = {name: value for name, value, _, _ in markup.attributes(self._text, token)}
            matched = self._sheet.of(token.name, attributes)
            normal, important = style.weighed(attributes.get("style", ""))
            declared = {**matched.normal, **normal, **matched.important, **important}
            styles = style.with_variables(declared, self._variables) if self._variables else declared
            known = _Look(
                why=self._why(token, styles, matched.partial),
                colour=styles.get("-webkit-text-fill-color") or styles.get("color") or attributes.get("color", ""),
                background=_background(styles, attributes),
                visibility=styles.get("visibility", ""),
                styles=styles,
            )
            if len(self._looks) < _MOST_LOOKS:
                self._looks[written] = known
        return known

    def _why(self, token: Token, styles: Mapping[str, str], partial: Mapping[str, str]) -> Why | None:
        if token.name in _NO_PAGE:
            return Why.PLACE
        is_removed = style.removes(styles) or _has_attribute(self._text, token, "hidden")
        if style.varies({"display": "none"} if is_removed else styles, partial):
            return Why.MEDIA
        if token.name in _ON_OPENING and not _has_attribute(self._text, token, "open"):
            return Why.MEDIA
        return Why.STYLE if is_removed else None


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
    part, end = next(waiting, None), 0
    for token in tokens:
        while part is not None and part.start <= token.start:
            if part.end > end:
                yield Token(TokenKind.TAG, max(part.start, end), part.end, "div")
            end, part = max(end, part.end), next(waiting, None)
        if token.start >= end:
            yield token
    for rest in (part, *waiting):
        if rest is not None and rest.end > end:
            yield Token(TokenKind.TAG, max(rest.start, end), rest.end, "div")
            end = rest.end
