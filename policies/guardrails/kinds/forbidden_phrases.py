"""Phrases that must not stand in the text."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from policies.guardrails.text import phrases
from policies.guardrails.text.reading import Reading, Spot

SCHEMA: Final = {
    "type": "object",
    "additionalProperties": False,
    "required": ["phrases"],
    "properties": {
        "phrases": {
            "type": "array",
            "minItems": 1,
            "maxItems": 200,
            "uniqueItems": True,
            "items": {"type": "string", "minLength": 1, "maxLength": 200},
        },
        "whole_words": {"type": "boolean", "default": True},
    },
}


@dataclass(frozen=True, slots=True)
class ForbiddenPhrases:
    plain: Sequence[phrases.Phrase]
    by_look: Sequence[phrases.Phrase]

    def __call__(self, readings: Sequence[Reading]) -> Iterator[Spot]:
        """Yield each forbidden phrase, also where letters only look like its own."""
        for reading in readings:
            for phrase, start, end in phrases.spots_of(self.plain, reading.everywhere):
                yield Spot(reading, start, end, f"“{phrase.wording}” must not be said.")
            if reading.everywhere_by_look is reading.everywhere:
                continue
            for phrase, start, end in phrases.spots_of(self.by_look, reading.everywhere_by_look):
                if reading.is_disguised(start, end):
                    yield Spot(
                        reading, start, end, f"“{phrase.wording}” must not be said, nor with look-alike letters."
                    )


def prepare(config: Mapping[str, Any], *, has_paths: bool) -> ForbiddenPhrases:
    """Make the check. Raises ValueError if a phrase has nothing that could be compared."""
    whole_words = bool(config.get("whole_words", True))
    plain = [phrases.compiled(wording, whole_words=whole_words) for wording in config["phrases"]]
    by_look = [
        phrases.compiled(phrase.wording, whole_words=whole_words, by_look=True) for phrase in plain if phrase.is_latin
    ]
    return ForbiddenPhrases(plain, by_look)
