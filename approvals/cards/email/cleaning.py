"""HTML of an e-mail, made harmless for a sandboxed frame: nothing runs, nothing is fetched, no link leads away.

The frame's own policy forbids all that as well. Cleaning comes first so that the browser has nothing to refuse.
"""

import re
from collections.abc import Sequence
from html import escape
from typing import Final

import nh3
from django.utils.translation import gettext as _

from approvals.cards.email import merge_tags

TAGS: Final = {
    "a", "abbr", "b", "blockquote", "br", "caption", "center", "code", "col", "colgroup", "dd", "del", "div", "dl",
    "dt", "em", "figcaption", "figure", "font", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "i",
    "img", "ins", "li", "main", "mark", "ol", "p", "pre", "q", "s", "section", "small", "span", "strike", "strong",
    "style", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul",
}  # fmt: skip
REMOVED: Final = {"script", "title", "noscript", "template", "iframe", "object", "svg", "math", "textarea", "select"}
ATTRIBUTES: Final = {
    "*": {"style", "class", "align", "valign", "width", "height", "bgcolor", "color", "dir", "lang", "role"},
    "a": {"href"},
    "col": {"span"},
    "font": {"face", "size"},
    "img": {"src", "alt", "border"},
    "ol": {"start", "type"},
    "table": {"border", "cellpadding", "cellspacing"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
}
SCHEMES: Final = {"https", "http", "mailto", "tel", "data"}

MOST_CHARACTERS: Final = 500_000
MOST_TAGS: Final = 8_000
"""The time that cleaning takes grows with the square of how deep tags are nested."""

_TOKEN: Final = re.compile(r'<(?:[^<>"]|"[^"]*")*>')
_FETCHES: Final = re.compile(r"url|image|import|expression|\\|/\*", re.IGNORECASE)
_RULE: Final = re.compile(r"@import[^;]*;?|[\w-]+\s*:[^;{}]*(?:url|image-set)\s*\([^;{}]*;?", re.IGNORECASE)
# Two characters that mean nothing to anybody: they carry where a finding begins and ends through the cleaning.
_BEGIN, _END = "\ue000", "\ue001"

Spans = Sequence[tuple[int, int]]


def clean(html: str, *, images: bool = False, spans: Spans = ()) -> str:
    """Return a fragment to show, with merge tags and the `spans` of `html` marked; remote pictures only if `images`.

    Of an e-mail with more than MOST_TAGS tags or MOST_CHARACTERS characters, only the beginning.
    """
    cleaner = nh3.Cleaner(
        tags=TAGS,
        clean_content_tags=REMOVED,
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        attribute_filter=_with_pictures if images else _without_pictures,
        link_rel=None,
    )
    return _marked(cleaner.clean(_with_signs(beginning(html), spans)))


def beginning(html: str) -> str:
    """Return as much of `html` as is shown."""
    at = -1
    for _number in range(MOST_TAGS):
        at = html.find("<", at + 1, MOST_CHARACTERS)
        if at < 0:
            return html[:MOST_CHARACTERS]
    return html[:at]


def _without_pictures(tag: str, name: str, value: str) -> str | None:
    if tag == "img" and name == "src":
        return value if _is_embedded(value) else None
    return (_quiet(value) or None) if name == "style" else value


def _with_pictures(tag: str, name: str, value: str) -> str | None:
    if tag == "img" and name == "src":
        return value if _is_embedded(value) or value.lower().startswith("https://") else None
    return (_quiet(value) or None) if name == "style" else value


def _is_embedded(address: str) -> bool:
    return address.lower().startswith("data:image/")


def _quiet(style: str) -> str:
    """Leave out each declaration that might fetch something."""
    return ";".join(part for part in style.split(";") if not _FETCHES.search(part))


def _with_signs(html: str, spans: Spans) -> str:
    """Put a sign where each finding begins and ends; positions are those of the text as it stands in the payload."""
    pieces, at = [], 0
    for start, end in sorted(spans):
        if start < at or end <= start or end > len(html):
            continue
        pieces += [_unsigned(html[at:start]), _BEGIN, _unsigned(html[start:end]), _END]
        at = end
    return "".join((*pieces, _unsigned(html[at:])))


def _unsigned(text: str) -> str:
    return text.replace(_BEGIN, "").replace(_END, "")


def _marked(html: str) -> str:
    """Mark merge tags and findings in the text between the tags of clean HTML, and take the links away."""
    pieces, at, is_finding, is_style = [], 0, False, False
    for tag in [*_TOKEN.finditer(html), None]:
        between = html[at : tag.start() if tag else len(html)]
        if is_style:
            pieces.append(_style(_unsigned(between)))
        else:
            marked, is_finding = _text(between, is_finding=is_finding)
            pieces.append(marked)
        if tag is None:
            break
        token = _unsigned(tag[0])
        is_style = token.startswith("<style")
        # Where it leads is shown on hovering; the card lists it as well.
        pieces.append(token.replace(' href="', ' title="') if token.startswith("<a") else token)
        at = tag.end()
    return "".join(pieces)


def _style(css: str) -> str:
    quiet = _RULE.sub("", css)
    return "" if re.search(r"url\s*\(|@import|image-set|\\", quiet, re.IGNORECASE) else quiet


def _text(between: str, *, is_finding: bool) -> tuple[str, bool]:
    """Return text that is HTML already, marked, and whether a finding goes on behind the next tag."""
    texts = []
    for piece in re.split(f"([{_BEGIN}{_END}])", between):
        if piece in {_BEGIN, _END}:
            is_finding = piece == _BEGIN
        elif is_finding and piece.strip():
            texts.append(f'<mark class="hitl-finding">{piece}</mark>')
        else:
            parts = merge_tags.split(piece)
            texts.append("".join(f'<mark class="hitl-tag">{text}</mark>' if is_tag else text for text, is_tag in parts))
    return "".join(texts), is_finding


PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>
:root {{ color-scheme: light; background: #fff; color: #1f2430; font: 15px/1.5 sans-serif; overflow-wrap: anywhere; }}
body {{ margin: 12px; }}
img {{ max-width: 100%; }}
img:not([src]) {{ display: inline-block; padding: 4px; outline: 1px dashed #8a90a0; color: #596175; }}
a {{ color: #2a47ae; text-decoration: underline; }}
mark.hitl-tag {{ padding: 0 3px; border-radius: 3px; background: #e4eafb; color: #23408f; }}
mark.hitl-finding {{ background: #fdf0d5; color: #7a4b00; outline: 2px solid #c98a1b; }}
.hitl-end {{ clear: both; padding: 8px; background: #fdf0d5; color: #7a4b00; }}
</style></head><body>{body}</body></html>
"""


def page(html: str, *, title: str, images: bool = False, spans: Spans = ()) -> str:
    """Return a whole page that shows an e-mail's HTML."""
    body = clean(html, images=images, spans=spans)
    if len(beginning(html)) < len(html):
        body += f'<p class="hitl-end">{escape(_("The preview ends here: the e-mail is very long."))}</p>'
    return PAGE.format(title=escape(title), body=body)
