"""Least and greatest length of a text."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from policies.guardrails.text.reading import Reading, Spot

_COUNT: Final = {"type": "integer", "minimum": 0, "maximum": 2_000_000}
SCHEMA: Final = {
    "type": "object",
    "additionalProperties": False,
    "minProperties": 1,
    "properties": dict.fromkeys(("min_characters", "max_characters", "min_words", "max_words"), _COUNT),
}
_WORD: Final = re.compile(r"\w++(?:['’-]\w++)*+")


@dataclass(frozen=True, slots=True)
class Length:
    min_characters: int = 0
    max_characters: int | None = None
    min_words: int = 0
    max_words: int | None = None

    def __call__(self, readings: Sequence[Reading]) -> Iterator[Spot]:
        """Yield each text that is too long (the part too much) or too short; markup does not count."""
        for reading in readings:
            yield from self._characters(reading)
            yield from self._words(reading)

    def _characters(self, reading: Reading) -> Iterator[Spot]:
        text = reading.visible.text
        start = len(text) - len(text.lstrip())
        count = len(text.strip())
        if count < self.min_characters:
            yield Spot(reading, 0, len(reading.text), f"{count} characters; at least {self.min_characters} are needed.")
        if self.max_characters is not None and count > self.max_characters:
            span = reading.visible.span(start + self.max_characters, start + count)
            yield Spot(reading, *span, f"{count} characters; at most {self.max_characters} are allowed.")

    def _words(self, reading: Reading) -> Iterator[Spot]:
        if not self.min_words and self.max_words is None:
            return
        text = reading.visible.text
        count = len(_WORD.findall(text))
        if count < self.min_words:
            yield Spot(reading, 0, len(reading.text), f"{count} words; at least {self.min_words} are needed.")
        if self.max_words is not None and count > self.max_words:
            first = next(islice(_WORD.finditer(text), self.max_words, None))
            span = reading.visible.span(first.start(), len(text.rstrip()))
            yield Spot(reading, *span, f"{count} words; at most {self.max_words} are allowed.")


def prepare(config: Mapping[str, Any], *, has_paths: bool) -> Length:
    """Make the check. Raises ValueError if nothing could be long enough."""
    for unit in ("characters", "words"):
        if config.get(f"min_{unit}", 0) > config.get(f"max_{unit}", float("inf")):
            raise ValueError(f"min_{unit} is larger than max_{unit}.")
    return Length(**config)
