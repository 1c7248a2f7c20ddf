"""Find every link of a text: in attributes, style sheets, comments for mail programs, and bare. PURE."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final, NamedTuple

from policies.guardrails.html import markup
from policies.guardrails.text.reading import Reading

_ATTRIBUTES: Final = frozenset(
    [
        "action",
        "archive",
        "background",
        "cite",
        "classid",
        "codebase",
        "data",
        "dynsrc",
        "formaction",
        "href",
        "icon",
        "longdesc",
        "lowsrc",
        "manifest",
        "ping",
        "poster",
        "profile",
        "src",
        "usemap",
        "xlink:href",
    ]
)
_AFTER_SCHEME: Final = re.compile(r"""[:][/\\]{2}[^\s<>"']{1,2000}""")
_WEB_SCHEME: Final = re.compile(r"(?i:https?|ftp|wss?)\Z")
_WWW: Final = re.compile(r"""[wW](?<![\w.@/:-][wW])[wW]{2}\.[^\s<>"']{1,2000}""")
_IN_STYLE: Final = re.compile(r"""(?i:url\(|@import)\s*+["']?+([^"')\s;]{1,2000}+)""")
_REFRESH: Final = re.compile(r"""(?i:url)\s*+=\s*+["']?+([^"'\s]{1,2000}+)""")
_NAMESPACE: Final = re.compile(r"xmlns[^\s=]{0,40}\s{0,5}=\s{0,5}[\"']?\Z")
_TAIL: Final = ".,;:!?)]}*_"


class Link(NamedTuple):
    """An address as written (entities decoded), and where it stands in the text."""

    url: str
    start: int
    end: int


def links(reading: Reading) -> Iterator[Link]:
    """Yield every link; a bare one inside an attribute that was already read is not repeated."""
    known: list[tuple[int, int]] = []
    declarations: list[tuple[int, int]] = []
    if reading.has_markup:
        for link in _of_markup(reading.text, reading.tokens):
            known.append((link.start, link.end))
            yield link
        declarations = [
            (token.start, token.end) for token in reading.tokens if token.kind is markup.TokenKind.DECLARATION
        ]
    spans = sorted(known + declarations)
    for link in _bare(reading.text):
        if not _is_within(spans, link.start) and not _is_namespace(reading.text, link.start):
            yield link
    if reading.has_markup and "&" in reading.text:
        for link in _bare(reading.visible.text):
            start, end = reading.visible.span(link.start, link.end)
            if reading.text[start:end] != reading.visible.text[link.start : link.end]:
                yield Link(link.url, start, end)


def _of_markup(text: str, tokens: list[markup.Token]) -> Iterator[Link]:
    for token in tokens:
        if token.kind is markup.TokenKind.TAG and token.attributes[0] < token.attributes[1]:
            for attribute in markup.attributes(text, token):
                yield from _of_attribute(token.name, attribute)
        elif token.kind is markup.TokenKind.RAW and token.name == "style":
            yield from (Link(match[1], *match.span(1)) for match in _IN_STYLE.finditer(text, token.start, token.end))
        elif token.kind is markup.TokenKind.COMMENT:
            # Some mail programs read what stands in conditional comments.
            inner = [
                part for part in markup.tokens(text, token.start + 4, token.end) if part.kind is markup.TokenKind.TAG
            ]
            yield from _of_markup(text, inner)


def _of_attribute(tag: str, attribute: markup.Attribute) -> Iterator[Link]:
    _, value, start, end = attribute
    if attribute.name in _ATTRIBUTES:
        yield Link(value, start, end)
    elif attribute.name in {"srcset", "imagesrcset"}:
        yield from (Link(part.split()[0], start, end) for part in value.split(",") if part.strip())
    elif attribute.name == "style":
        yield from (Link(match[1], start, end) for match in _IN_STYLE.finditer(value))
    elif tag == "meta" and attribute.name == "content":
        yield from (Link(match[1], start, end) for match in _REFRESH.finditer(value))


def _bare(text: str) -> Iterator[Link]:
    for match in _AFTER_SCHEME.finditer(text):
        scheme = _WEB_SCHEME.search(text, max(0, match.start() - 5), match.start())
        if scheme:
            url = text[scheme.start() : match.end()].rstrip(_TAIL)
            yield Link(url, scheme.start(), scheme.start() + len(url))
    for match in _WWW.finditer(text):
        url = match.group().rstrip(_TAIL)
        yield Link(f"http://{url}", match.start(), match.start() + len(url))


def _is_within(spans: list[tuple[int, int]], at: int) -> bool:
    index = bisect_right(spans, (at, 2**62)) - 1
    return index >= 0 and at < spans[index][1]


def _is_namespace(text: str, at: int) -> bool:
    return _NAMESPACE.search(text, max(0, at - 60), at) is not None
