"""Characters that nobody sees, or that change what everybody sees, where no script needs them."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from policies.guardrails.text.folding import View
from policies.guardrails.text.reading import Reading, Spot

SCHEMA: Final = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"soft_hyphens": {"type": "boolean", "default": True}},
}

_MARKS: Final = "\u200e\u200f\u061c"
_BALANCED: Final = "\u202a\u202b\u202c\u2066\u2067\u2068\u2069"
_OVERRIDES: Final = "\u202d\u202e"
_SELECTORS: Final = "\ufe00-\ufe0f\U000e0100-\U000e01ef\u180b-\u180d\u180f"
DIRECTIONS: Final = _BALANCED + _OVERRIDES
"""Embeddings, isolates and overrides: each reaches on until something ends it."""
_TAGS: Final = "\U000e0000-\U000e007f"
_OTHERS: Final = "\u2060-\u2064\u206a-\u206f\u180e\u034f\u115f\u1160\u3164\uffa0\u17b4\u17b5\ufeff\ufff9-\ufffb"
_CONTROLS: Final = "\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f"
_JOINERS: Final = "\u200b\u200c\u200d"
_SUSPECT: Final = re.compile(
    f"[\u00ad{_JOINERS}{_MARKS}{_BALANCED}{_OVERRIDES}{_SELECTORS}{_TAGS}{_OTHERS}{_CONTROLS}]+"
)
_RIGHT_TO_LEFT: Final = re.compile(
    "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
_FLAGS: Final = tuple(
    f"\U0001f3f4{''.join(chr(0xE0000 + ord(char)) for char in name)}\U000e007f" for name in ("gbeng", "gbsct", "gbwls")
)
_EMOJI: Final = re.compile("[\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff]")
_SELECTED: Final = re.compile("[#*0-9\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff]")
_IDEOGRAPH: Final = re.compile("[\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
# Scripts in which joiners and non-joiners shape words, and those in which ZWSP parts words.
_JOINING: Final = re.compile(
    "[\u0600-\u0eff\u0f00-\u109f\u1700-\u1bff\ua800-\uabff\ufb50-\ufdff\ufe70-\ufefc\U00010a00-\U00011fff\U0001e900-\U0001e95f]"
)
_UNSPACED: Final = re.compile("[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u1950-\u1aaf\u2e80-\u9fff\uf900-\ufaff]")
_WHATS: Final = (
    (_OVERRIDES + _BALANCED + _MARKS, "Direction controls: the text is not read in the order in which it is shown."),
    (_TAGS, "Tag characters: they spell text that nobody sees."),
    (_SELECTORS, "Variation selectors where there is nothing to vary: they can carry hidden data."),
    ("\u00ad", "Soft hyphens that break a word up."),
    (_CONTROLS, "Control characters."),
)
_WHAT_CLASSES: Final = tuple((re.compile(f"[{chars}]"), what) for chars, what in _WHATS)
_INVISIBLE: Final = "Invisible characters."


@dataclass(frozen=True, slots=True)
class HiddenUnicode:
    soft_hyphens: bool

    def __call__(self, readings: Sequence[Reading]) -> Iterator[Spot]:
        """Yield each run of hidden characters that neither an emoji nor the text's script explains."""
        for reading in readings:
            yield from self._spots(reading, View(reading.text), is_source=True)
            if reading.has_markup and "&" in reading.text:
                yield from self._spots(reading, reading.visible, is_source=False)

    def _spots(self, reading: Reading, view: View, *, is_source: bool) -> Iterator[Spot]:
        text = view.text
        for start, end in hidden(text, soft_hyphens=self.soft_hyphens):
            if not is_source and not self._splits_a_word(text, start, end):
                continue  # written as an entity, as mails do to fill the preview: a reader of the source sees it
            yield Spot(reading, *view.span(start, end), _what(text[start:end]))

    def _splits_a_word(self, text: str, start: int, end: int) -> bool:
        around = text[max(0, start - 1) : start], text[end : end + 1]
        return all(map(str.isalnum, around)) or any(_WHAT_CLASSES[kind][0].search(text, start, end) for kind in (0, 1))


def hidden(text: str, *, soft_hyphens: bool = True) -> Iterator[tuple[int, int]]:
    """Yield each run of hidden characters that neither an emoji nor the text's script explains. Cost: linear."""
    if text.isascii() and text.isprintable():
        return
    is_right_to_left = _RIGHT_TO_LEFT.search(text) is not None
    for match in _SUSPECT.finditer(text):
        start, end = match.span()
        if not _is_explained(text, start, end, is_right_to_left=is_right_to_left, soft_hyphens=soft_hyphens):
            yield start, end


def _is_explained(text: str, start: int, end: int, *, is_right_to_left: bool, soft_hyphens: bool) -> bool:
    run = text[start:end]
    if len(run) == 1:
        return _is_single_explained(text, start, is_right_to_left=is_right_to_left, soft_hyphens=soft_hyphens)
    if run == "\ufe0f\u200d":
        return bool(_EMOJI.match(text, start - 1) and _EMOJI.match(text, end)) if start else False
    if is_right_to_left and not run.strip(_MARKS + _BALANCED):
        return len(run) <= 4
    return "\U000e007f" in run and text.startswith(_FLAGS, start - 1) and len(run) == 6


def _is_single_explained(  # noqa: PLR0911 (one a kind)
    text: str, at: int, *, is_right_to_left: bool, soft_hyphens: bool
) -> bool:
    char = text[at]
    before, after = text[at - 1] if at else "", text[at + 1 : at + 2]
    match char:
        case "\u00ad":
            return not soft_hyphens or not _is_shredded(text, at)
        case "\u200c" | "\u200d":
            is_emoji = char == "\u200d" and bool(before and after and _is_emoji_joint(before) and _EMOJI.match(after))
            return is_emoji or bool(before and (_JOINING.match(before) or unicodedata.combining(before) == 9))
        case "\u200b":
            return any(beside and _UNSPACED.match(beside) is not None for beside in (before, after))
        case "\ufeff":
            return at == 0
        case "\u180e" | "\u180b" | "\u180c" | "\u180d" | "\u180f":
            return "\u1800" <= before <= "\u18af"
        case "\u115f" | "\u1160":
            return "\u1100" <= (after if char == "\u115f" else before) <= "\u11ff"
    if char in _MARKS or char in _BALANCED:
        return is_right_to_left
    return _is_selector_explained(char, before)


def _is_emoji_joint(char: str) -> bool:
    return char == "\ufe0f" or _EMOJI.match(char) is not None


def _is_selector_explained(char: str, before: str) -> bool:
    if not before:
        return False
    if char in "\ufe0e\ufe0f":
        return _SELECTED.match(before) is not None
    if "\U000e0100" <= char <= "\U000e01ef":
        return _IDEOGRAPH.match(before) is not None
    is_varied = _IDEOGRAPH.match(before) or "\u1000" <= before <= "\u109f" or unicodedata.category(before) == "Sm"
    return "\ufe00" <= char <= "\ufe02" and bool(is_varied)


def _is_shredded(text: str, at: int) -> bool:
    """Whether soft hyphens stand so densely that they hide a word rather than divide it."""
    return "\u00ad" in text[at + 1 : at + 3] or "\u00ad" in text[max(0, at - 2) : at]


def _what(run: str) -> str:
    return next((what for chars, what in _WHAT_CLASSES if chars.search(run)), _INVISIBLE)


def prepare(config: Mapping[str, Any], *, has_paths: bool) -> HiddenUnicode:
    """Make the check."""
    return HiddenUnicode(bool(config.get("soft_hyphens", True)))
