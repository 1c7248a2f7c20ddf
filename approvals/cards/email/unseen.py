"""Findings in the parts of an e-mail that readers do not see: link targets, comments, hidden parts."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from approvals.cards import reading
from approvals.cards.email import cleaning
from approvals.presentation.marks import Part, parts
from policies.guardrails.html import markup
from policies.guardrails.html.markup import Token, TokenKind

MOST: Final = 20
AROUND: Final = 120
PICTURES: Final = {"src", "srcset", "background", "poster"}


@dataclass(frozen=True, slots=True)
class Unseen:
    """One place: what it is, in words, and what stands there with the findings marked."""

    where: str
    text: Sequence[Part]


@dataclass(frozen=True, slots=True)
class _Place:
    """`start:end` of the HTML is in no text that the preview shows."""

    start: int
    end: int
    where: str


def found(html: str, spans: cleaning.Spans) -> tuple[list[Unseen], int]:
    """Return the places of the `spans` that the preview cannot mark, each once, and how many were left out.

    Cost: linear in the HTML, and nothing where nothing was found.
    """
    if not spans:
        return [], 0
    hidden = sorted(_hidden(html), key=lambda place: place.start)
    starts = [place.start for place in hidden]
    marked: dict[_Place, list[tuple[int, int]]] = {}
    for start, end in sorted(spans):
        at = bisect_right(starts, start) - 1
        if at >= 0 and start < hidden[at].end:
            marked.setdefault(_narrowed(html, hidden[at], start), []).append((start, end))
    places = [Unseen(place.where, _cut(html, place, inside)) for place, inside in marked.items()]
    return places[:MOST], max(len(places) - MOST, 0)


def _hidden(html: str) -> Iterator[_Place]:
    """Yield everything that is no text of the preview, none of it twice."""
    shown, at = len(cleaning.beginning(html)), 0
    for token in markup.tokens(html, 0, shown):
        if token.start < at:
            continue
        where = {TokenKind.TAG: "", TokenKind.RAW: _("Style sheet"), TokenKind.COMMENT: _("Comment")}
        yield _Place(token.start, token.end, where.get(token.kind, _("Head")))
        if token.kind is TokenKind.TAG and token.name in cleaning.REMOVED and html[token.start + 1] != "/":
            closing = re.compile(f"</{token.name}", re.IGNORECASE).search(html, token.end, shown)
            at = closing.start() if closing else shown
            yield _Place(token.end, at, _("In <%s>, which is not shown") % token.name)
    if shown < len(html):
        yield _Place(shown, len(html), _("Behind the end of the preview"))


def _narrowed(html: str, place: _Place, at: int) -> _Place:
    """Return the attribute of a tag in which `at` is; the place as it was where it is in none."""
    token = next(markup.tokens(html, place.start, place.end), None)
    if place.where or token is None or token.kind is not TokenKind.TAG:
        return place
    for attribute in markup.attributes(html, token):
        if attribute.start <= at < attribute.end:
            return _Place(attribute.start, attribute.end, _words(html, token, attribute.name))
    return _Place(place.start, place.end, _("Tag <%s>") % token.name)


def _words(html: str, token: Token, name: str) -> str:
    """Say what an attribute is for its readers."""
    if token.name in {"a", "area"} and name == "href":
        after = html[token.end : token.end + AROUND].partition("<")[0].strip()
        return _("Link “%s” leads to") % reading.short(after) if after else _("Link leads to")
    if name in PICTURES:
        return _("Picture from")
    if name == "alt":
        return _("Words for a picture")
    if name == "style":
        return _("Style")
    return _("“%(name)s” of <%(tag)s>") % {"name": name, "tag": token.name}


def _cut(html: str, place: _Place, marked: Sequence[tuple[int, int]]) -> Sequence[Part]:
    """Return the text of a place, its marks with a little of what stands around them."""
    first = max(place.start, marked[0][0] - AROUND)
    last = min(place.end, max(marked[0][0] + AROUND, marked[0][1]) + AROUND)
    cut = parts(html[first:last], [(max(start - first, 0), min(end, last) - first) for start, end in marked])
    head = [Part("…")] if first > place.start else []
    return [*head, *cut, *([Part("…")] if last < place.end else [])]
