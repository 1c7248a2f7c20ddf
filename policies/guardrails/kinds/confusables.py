"""Words that mix scripts whose letters look alike, and look-alikes of names that are protected."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from policies.guardrails.text import phrases
from policies.guardrails.text.folding import folded
from policies.guardrails.text.reading import Reading, Spot
from policies.guardrails.text.scripts import letters_of, look_alikes, script

_NAMES: Final = {
    "type": "array",
    "maxItems": 200,
    "uniqueItems": True,
    "items": {"type": "string", "minLength": 2, "maxLength": 100},
}
SCHEMA: Final = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"protected_words": _NAMES, "allowed_words": _NAMES},
}
_LONGEST_WORD: Final = 64


@lru_cache(maxsize=1)
def _mixtures() -> re.Pattern[str]:
    """Two neighbouring letters that no word of one language has."""
    latin, cyrillic = letters_of("LATIN"), letters_of("CYRILLIC")
    foreign = cyrillic + "".join(char for char in sorted(look_alikes()))
    greek = "".join(char for char in sorted(look_alikes()) if script(char) == "GREEK")
    return re.compile(
        f"(?:[{latin}](?=[{foreign}])|[{foreign}](?=[{latin}])|[{cyrillic}](?=[{greek}])|[{greek}](?=[{cyrillic}]))"
    )


@dataclass(frozen=True, slots=True)
class Confusables:
    protected: Sequence[phrases.Phrase]
    allowed: frozenset[str]

    def __call__(self, readings: Sequence[Reading]) -> Iterator[Spot]:
        """Yield mixed words, and words that look like a protected one. One script alone is no finding."""
        for reading in readings:
            view = reading.visible
            if view.text.isascii():
                continue
            for start, end in _mixed_words(view.text) if _may_mix(view.text) else ():
                word = view.text[start:end]
                if folded(word) not in self.allowed:
                    scripts = sorted(
                        {script(char).title() for char in word if char.isalpha()} - {"Common", "Inherited"}
                    )
                    yield Spot(reading, *view.span(start, end), f"One word mixes {' and '.join(scripts)} letters.")
            for phrase, start, end in phrases.spots_of(self.protected, reading.everywhere_by_look[-1:]):
                if reading.is_disguised(start, end):
                    yield Spot(reading, start, end, f"This only looks like “{phrase.wording}”.")


def _may_mix(text: str) -> bool:
    scripts = {script(char) for char in set(text) if char.isalpha()}
    return len(scripts & {"LATIN", "CYRILLIC", "GREEK"}) > 1 or ("LATIN" in scripts and len(scripts - {"COMMON"}) > 1)


def _mixed_words(text: str) -> Iterator[tuple[int, int]]:
    at = 0
    while match := _mixtures().search(text, at):
        start = end = match.start()
        while start > max(at, match.start() - _LONGEST_WORD) and text[start - 1].isalpha():
            start -= 1
        while end < min(len(text), match.start() + _LONGEST_WORD) and text[end].isalpha():
            end += 1
        yield start, end
        at = end


def prepare(config: Mapping[str, Any], *, has_paths: bool) -> Confusables:
    """Make the check. Raises ValueError if a protected word is not written in Latin letters."""
    protected = [phrases.compiled(word, whole_words=True, by_look=True) for word in config.get("protected_words", [])]
    for phrase in protected:
        if not phrase.is_latin:
            raise ValueError(f"{phrase.wording!r}: only words in plain Latin letters can be protected.")
    return Confusables(protected, frozenset(folded(word) for word in config.get("allowed_words", [])))
