"""A merge tag or link that the text must have, such as the one to unsubscribe."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from policies.guardrails.kinds.required_phrases import is_each, missing
from policies.guardrails.text import markup
from policies.guardrails.text.folding import folded
from policies.guardrails.text.links import links
from policies.guardrails.text.reading import Reading, Spot

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
        if _is_in(reading.visible_folded.text, self.tags):
            return True
        anywhere = [*self.tags, *self.href_contains]
        if not _is_in(reading.folded.text, anywhere):
            return False
        if not reading.has_markup:
            return any(_is_in(folded(link.url), self.href_contains) for link in links(reading))
        return any(_is_in(folded(href), anywhere) for href in _hrefs(reading))


def _hrefs(reading: Reading) -> Iterator[str]:
    for token in reading.tokens:
        if token.kind is markup.TokenKind.TAG and token.name == "a":
            for attribute in markup.attributes(reading.text, token):
                if attribute.name == "href":
                    yield attribute.value


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
