"""Phrases that must stand in the text, where a person sees them."""

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
            "maxItems": 50,
            "uniqueItems": True,
            "items": {"type": "string", "minLength": 1, "maxLength": 1000},
        },
        "whole_words": {"type": "boolean", "default": True},
        "in": {"enum": ["each", "any"]},
    },
}


@dataclass(frozen=True, slots=True)
class RequiredPhrases:
    phrases: Sequence[phrases.Phrase]
    is_each: bool

    def __call__(self, readings: Sequence[Reading]) -> Iterator[Spot]:
        """Yield each phrase that is missing: from each text, or from all of them."""
        groups = [[reading] for reading in readings] if self.is_each and readings else [list(readings)]
        for group in groups:
            for phrase in self.phrases:
                if not any(True for reading in group for _ in phrase.find(reading.seen_folded)):
                    yield missing(group, f"“{phrase.wording}” is missing.")


def missing(group: Sequence[Reading], phrase: str) -> Spot:
    """Return the spot of what is nowhere: the beginning of the first text."""
    return Spot(group[0] if group else Reading("", ""), 0, 0, phrase if group else f"{phrase} There is no text at all.")


def is_each(config: Mapping[str, Any], *, has_paths: bool) -> bool:
    """Whether each text must have it. Unless said: if paths choose the texts."""
    return bool(config.get("in", "each" if has_paths else "any") == "each")


def prepare(config: Mapping[str, Any], *, has_paths: bool) -> RequiredPhrases:
    """Make the check. Raises ValueError if a phrase has nothing that could be compared."""
    whole_words = bool(config.get("whole_words", True))
    return RequiredPhrases(
        [phrases.compiled(wording, whole_words=whole_words) for wording in config["phrases"]],
        is_each(config, has_paths=has_paths),
    )
