"""Sentences that speak to a model instead of to the reader."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from policies.guardrails.html.markup import TokenKind
from policies.guardrails.kinds.injection_sentences import SENTENCES
from policies.guardrails.text import phrases
from policies.guardrails.text.folding import BY_LOOK, View, fold, without_accents
from policies.guardrails.text.reading import Reading, Spot

SCHEMA: Final = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "extra_phrases": {
            "type": "array",
            "maxItems": 200,
            "uniqueItems": True,
            "items": {"type": "string", "minLength": 3, "maxLength": 200},
        }
    },
}
_FOUND: Final = "This speaks to a model, not to the reader."
_ADDRESS: Final = re.compile(r"\b(?:ai|llm|assistant|chatbot|chatgpt|gpt|language model|agent|prompt|reviewer model)\b")
_ORDER: Final = re.compile(
    r"\b(?:must|should|always|never|ignore|do not|don't|approve|reply|respond|answer|output|treat|instead|recommend)\b"
)
_LONGEST_COMMENT: Final = 20_000


@lru_cache(maxsize=1)
def _patterns() -> dict[str, re.Pattern[str]]:
    """One pattern for each way to begin, so that a text without that beginning costs next to nothing."""
    rests: dict[str, list[str]] = {}
    for beginnings, rest in SENTENCES:
        for beginning in beginnings.split("|"):
            rests.setdefault(beginning, []).append(rest)
    return {
        beginning: re.compile(f"{re.escape(beginning)}(?:{'|'.join(endings)})") for beginning, endings in rests.items()
    }


@dataclass(frozen=True, slots=True)
class PromptInjection:
    extra: Sequence[phrases.Phrase]

    def __call__(self, readings: Sequence[Reading]) -> Iterator[Spot]:
        """Yield what speaks to a model, however it is disguised, and comments that do so unseen."""
        for reading in readings:
            for view in reading.disguised:
                yield from self._sentences(reading, without_accents(view))
            for _, start, end in phrases.spots_of(self.extra, reading.disguised):
                yield Spot(reading, start, end, _FOUND)
            if reading.has_markup:
                yield from self._comments(reading)

    def _sentences(self, reading: Reading, view: View) -> Iterator[Spot]:
        for beginning, pattern in _patterns().items():
            if beginning in view.text:
                for match in pattern.finditer(view.text):
                    yield Spot(reading, *view.span(*match.span()), _FOUND)

    def _comments(self, reading: Reading) -> Iterator[Spot]:
        for token in reading.tokens:
            if token.kind is TokenKind.COMMENT and token.end - token.start > len("<!--ai-->"):
                comment = fold(View(reading.text[token.start : token.end][:_LONGEST_COMMENT]), BY_LOOK).text
                if _ADDRESS.search(comment) and _ORDER.search(comment):
                    yield Spot(
                        reading, token.start, token.end, "A comment that readers never see gives a model orders."
                    )


def prepare(config: Mapping[str, Any], *, has_paths: bool) -> PromptInjection:
    """Make the check. Raises ValueError if a phrase has nothing that could be compared."""
    extra = config.get("extra_phrases", [])
    return PromptInjection([phrases.compiled(wording, whole_words=True, by_look=True) for wording in extra])
