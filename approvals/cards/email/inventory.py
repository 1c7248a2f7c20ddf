"""Inventory of an e-mail's HTML: its text, its links, its remote pictures."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

import nh3

from approvals.cards import reading
from approvals.cards.email import cleaning

MAX_CHARACTERS: Final = 100_000
MAX_LINKS: Final = 30
BLOCKS: Final = {"p", "div", "tr", "table", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "br", "hr", "blockquote"}


@dataclass(frozen=True, slots=True)
class Link:
    """What a reader sees of a link, and where it leads."""

    text: str
    address: str


@dataclass(slots=True)
class Inventory:
    """The text has one line for each block; `links_left_out` were not listed."""

    text: str = ""
    links: list[Link] = field(default_factory=list)
    links_left_out: int = 0
    remote_pictures: int = 0


def of(html: str) -> Inventory:
    """Return what is in the first hundred thousand characters of `html`."""
    if not html:
        return Inventory()
    tags = cleaning.TAGS - {"style"}
    cleaned = nh3.clean(
        cleaning.beginning(html)[:MAX_CHARACTERS],
        tags=tags,
        clean_content_tags=cleaning.REMOVED | {"style"},
        attributes=cleaning.ATTRIBUTES,
        url_schemes=cleaning.SCHEMES,
        link_rel=None,
    )
    reader = _Reader()
    reader.feed(cleaned)
    reader.close()
    return reader.inventory()


class _Reader(HTMLParser):
    """Reads HTML that is clean already, and therefore well-formed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = [""]
        self._links: list[Link] = []
        self._link: tuple[str, list[str]] | None = None
        self._left_out = self._pictures = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        if tag in BLOCKS:
            self._lines.append("")
        elif tag == "li":
            self._lines.append("• ")
        elif tag == "a" and known.get("href"):
            self._link = (known["href"], [])
        elif tag == "img":
            self._picture(known)

    def _picture(self, known: dict[str, str]) -> None:
        if known.get("src", "").lower().startswith(("https:", "http:", "//")):
            self._pictures += 1
        if known.get("alt"):
            self.handle_data(f"[{known['alt']}]")

    def handle_endtag(self, tag: str) -> None:
        if tag in BLOCKS:
            self._lines.append("")
        elif tag == "a" and self._link is not None:
            address, text = self._link
            if len(self._links) < MAX_LINKS:
                self._links.append(Link(reading.short("".join(text)), reading.short(address, 200)))
            else:
                self._left_out += 1
            self._link = None

    def handle_data(self, data: str) -> None:
        self._lines[-1] += " ".join(data.split()) if not data.strip() else _squeezed(data)
        if self._link is not None:
            self._link[1].append(data)

    def inventory(self) -> Inventory:
        lines = (line.strip() for line in self._lines)
        return Inventory("\n".join(line for line in lines if line), self._links, self._left_out, self._pictures)


def _squeezed(text: str) -> str:
    """Write text as a browser would, with one blank for several, and keep the blanks at its ends."""
    head, tail = " " if text[0].isspace() else "", " " if text[-1].isspace() else ""
    return head + " ".join(text.split()) + tail
