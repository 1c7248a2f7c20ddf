"""A merge tag or link that the text must have, such as the one to unsubscribe."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from typing import Any, Final

from policies.guardrails.html import markup, visibility
from policies.guardrails.html.links import links
from policies.guardrails.html.style import declarations
from policies.guardrails.kinds.required_phrases import is_each, missing
from policies.guardrails.text.folding import folded, has_something_drawn
from policies.guardrails.text.reading import Reading, Spot

_DOT: Final = re.compile(r"[01](?:\.0*)?(?:px|pt|%)?\Z")
_NOWHERE: Final = re.compile(r"(?i)[\s\x00-\x1f]*(?:\Z|#|(?:javascript|data|about|cid|tel)\s*:)")
"""An address that leads to no page: a place in the mail itself, or what mail programs do not open."""
_TAGS: Final = {
    "type": "array",
    "minItems": 1,
    "maxItems": 50,
    "uniqueItems": True,
    "items": {"type": "string", "minLength": 2, "maxLength": 200, "pattern": "\\S.*\\S"},
}
SCHEMA: Final = {
    "type": "object",
    "additionalProperties": False,
    "anyOf": [{"required": ["tags"]}, {"required": ["href_contains"]}],
    "properties": {"tags": _TAGS, "href_contains": _TAGS, "in": {"enum": ["each", "any"]}},
}


@dataclass(frozen=True, slots=True)
class RequiredMergeTag:
    tags: Sequence[str]
    href_contains: Sequence[str]
    is_each: bool
    names: str

    def __call__(self, readings: Sequence[Reading]) -> Iterator[Spot]:
        """Yield one spot where none of the tags is: for each text, or for all of them."""
        groups = [[reading] for reading in readings] if self.is_each and readings else [list(readings)]
        for group in groups:
            if not any(self._has_tag(reading) for reading in group):
                yield missing(group, f"None of these is there: {self.names}.")

    def _has_tag(self, reading: Reading) -> bool:
        if _is_in(reading.seen_folded.text, self.tags):
            return True
        anywhere = [*self.tags, *self.href_contains]
        if "&" not in reading.text and not _is_in(reading.folded.text, anywhere):
            return False
        if not reading.has_markup:
            return any(_is_in(folded(link.url), self.href_contains) for link in links(reading))
        return any(_is_in(folded(href), anywhere) for href in _hrefs(reading))


def _hrefs(reading: Reading) -> Iterator[str]:
    """Yield where those links lead that a reader can see and press."""
    tokens = visibility.seen_tokens(reading.tokens, reading.hidden)
    for number, token in enumerate(tokens):
        if token.kind is markup.TokenKind.TAG and token.name in {"a", "area"} and _opens(reading.text, token):
            href = next((value for name, value, _, _ in markup.attributes(reading.text, token) if name == "href"), "")
            if _NOWHERE.match(href) is None and _can_be_pressed(reading.text, tokens, number):
                yield href


def _can_be_pressed(text: str, tokens: list[markup.Token], at: int) -> bool:
    """Whether a link has words or a picture in it, or is a part of a picture."""
    if tokens[at].name == "area":
        return any("usemap" in text[token.start : token.end].lower() for token in tokens if token.name == "img")
    return _has_something_to_press(text, tokens, at)


def _opens(text: str, token: markup.Token) -> bool:
    return text[token.start + 1 : token.start + 2] != "/"


def _has_something_to_press(text: str, tokens: list[markup.Token], at: int) -> bool:
    """Whether text that is drawn, or a picture of some size, stands between a link's tag and its end."""
    begin = tokens[at].end
    for token in tokens[at + 1 :]:
        if has_something_drawn(unescape(text[begin : token.start])):
            return True
        if token.kind is markup.TokenKind.TAG and token.name == "a":
            return False
        if token.kind is markup.TokenKind.TAG and token.name == "img" and _is_a_picture(text, token):
            return True
        begin = token.end
    return has_something_drawn(unescape(text[begin:]))


def _is_a_picture(text: str, token: markup.Token) -> bool:
    """Whether an image can be seen: it has a source and is more than a counting pixel."""
    attributes = {name: value for name, value, _, _ in markup.attributes(text, token)}
    sizes = {**attributes, **declarations(attributes.get("style", ""))}
    is_dot = any(_DOT.match(sizes.get(side, "").strip()) for side in ("width", "height", "max-width", "max-height"))
    return bool(attributes.get("src", "").strip()) and not is_dot


def _is_in(text: str, wanted: Sequence[str]) -> bool:
    squeezed = text.replace(" ", "")
    return any(tag in squeezed for tag in wanted)


def _squeezed(text: str) -> str:
    """`{{ unsubscribe }}` and `{{Unsubscribe}}` are the same tag."""
    return folded(text).replace(" ", "")


def prepare(config: Mapping[str, Any], *, has_paths: bool) -> RequiredMergeTag:
    """Make the check. Raises ValueError if a tag has nothing that could be compared."""
    tags, parts = config.get("tags", []), config.get("href_contains", [])
    for wording in [*tags, *parts]:
        if not _squeezed(wording):
            raise ValueError(f"{wording!r} has no characters that can be compared.")
    return RequiredMergeTag(
        tags=[_squeezed(tag) for tag in tags],
        href_contains=[_squeezed(part) for part in parts],
        is_each=is_each(config, has_paths=has_paths),
        names=", ".join([*tags, *(f"a link with {part}" for part in parts)][:5]),
    )
