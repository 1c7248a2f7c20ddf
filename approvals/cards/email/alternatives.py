"""Parts of an e-mail that some readers see and the preview does not: their text and where their links lead.

Some mail programs read conditional comments; hidden text becomes the line beside the subject or is seen once
styles are off; other parts of the payload are other versions of the same mail.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _

from approvals.cards import reading
from approvals.cards.email import cleaning, merge_tags
from approvals.cards.email.inventory import Link
from approvals.cards.email.message import SHOWN
from approvals.presentation import words
from approvals.presentation.marks import Part, ends
from policies.guardrails.html import links, markup
from policies.guardrails.html.markup import Token, TokenKind
from policies.guardrails.html.visibility import Why
from policies.guardrails.text import paths
from policies.guardrails.text.reading import Reading

MOST: Final = 20
MOST_LINKS: Final = 10
MOST_CHARACTERS: Final = 600
MOST_TEXTS: Final = 200
MOST_READ: Final = 100_000
MOST_PART: Final = 20_000


@dataclass(frozen=True, slots=True)
class Alternative:
    """One part: who sees it, in words, what it says, and where its links lead."""

    where: str
    text: Sequence[Part]
    links: Sequence[Link]


def found(html: str, html_path: str, payload: Any) -> tuple[list[Alternative], int]:
    """Return the parts, what is most likely seen first, and how many were left out. Cost: linear."""
    whole = [*_of_html(html), *_of_payload(payload, html_path)] if html else []
    return whole[:MOST], max(len(whole) - MOST, 0)


def _of_html(html: str) -> Iterator[Alternative]:
    source = Reading("", html[:MOST_READ])
    comments = [token for token in source.tokens if token.kind is TokenKind.COMMENT]
    for comment in sorted(comments, key=lambda token: not markup.is_conditional(html, token)):
        is_conditional = markup.is_conditional(html, comment)
        begin, end = markup.inside(source.text, comment)
        where = (
            _("Only some versions of Outlook show this") if is_conditional else _("In a comment, which no reader sees")
        )
        yield from _part(where, html[begin:end][:MOST_PART])
    reasons = {
        Why.STYLE: _("Hidden by its style; some programs show it beside the subject"),
        Why.COLOUR: _("Written in the colour of its background"),
        Why.MEDIA: _("Shown on some screens only"),
        Why.PLACE: _("In <%s>, which most programs do not show"),
    }
    for start, end, why, name in source.hidden:
        where = reasons[why] % name if why is Why.PLACE else reasons[why]
        yield from _part(where, html[start:end][:MOST_PART])
    yield from _unknown(source.text, source.tokens)
    if (shown := min(len(cleaning.beginning(html)), MOST_READ)) < len(html):
        where = _("Behind the first %s characters nobody looked for hidden parts; it ends like this")
        yield from _part(where % words.number(shown), html[max(shown, len(html) - MOST_PART) :])


def _unknown(html: str, tokens: Sequence[Token]) -> Iterator[Alternative]:
    """Yield the links of elements that the preview does not know, as shapes for Outlook and AMP's own."""
    leading = [
        Link(f"<{token.name}>", reading.short(value, 200))
        for token in tokens
        if token.kind is TokenKind.TAG and token.name not in cleaning.TAGS and token.name not in _PLAIN
        for name, value, _start, _end in markup.attributes(html, token)
        if name in {"href", "src", "action", "formaction", "data", "srcset"} and value
    ]
    if leading:
        yield Alternative(_("In elements that only some programs know"), (), leading[:MOST_LINKS])


_PLAIN: Final = frozenset({"html", "head", "body", "meta", "link", "base", "script"})


def _of_payload(payload: Any, html_path: str) -> Iterator[Alternative]:
    """Yield the other versions of the mail that the payload holds, as one for AMP."""
    known = {f"/{name}" for name in (*SHOWN, html_path)}
    for number, (pointer, text) in enumerate(paths.texts(payload)):
        if number >= MOST_TEXTS:
            return
        if pointer not in known and "<" in text and markup.has_markup(text[:MOST_PART]):
            yield from _part(_("Another part of the payload: %s") % reading.short(pointer[1:]), text[:MOST_PART])


def _part(where: str, source: str) -> Iterator[Alternative]:
    """Yield a part if it says anything."""
    part = Reading("", source)
    text = "\n".join(line for line in map(str.strip, part.visible.text.splitlines()) if line)
    leading = [Link("", reading.short(link.url, 200)) for link in _links(part)]
    if leading or text:
        yield Alternative(where, merge_tags.told(ends(text, most=MOST_CHARACTERS)), leading[:MOST_LINKS])


def _links(part: Reading) -> Iterator[links.Link]:
    seen: set[str] = set()
    for link in links.links(part):
        if link.url and link.url not in seen:
            seen.add(link.url)
            yield link
