"""Find phrases in folded text. PURE."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from policies.guardrails.text.folding import BY_LOOK, PLAIN, FoldingTable, View, folded

# Scripts that put no spaces between words: there a phrase may stand inside what looks like one word.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff]"
)


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase as it was written, as it is compared, and the pattern that finds it."""

    wording: str
    folded: str
    pattern: re.Pattern[str]

    @property
    def is_latin(self) -> bool:
        """Whether look-alike letters can stand for its own."""
        return self.folded.isascii()

    def find(self, view: View) -> Iterator[tuple[int, int]]:
        """Yield where the phrase stands, as places in the text that was sent."""
        if self.folded in view.text:
            for match in self.pattern.finditer(view.text):
                yield view.span(*match.span())


def compiled(wording: str, *, whole_words: bool, by_look: bool = False) -> Phrase:
    """Prepare a phrase. Raises ValueError if nothing of it would be compared."""
    return _compiled(wording, whole_words, BY_LOOK if by_look else PLAIN)


def _compiled(wording: str, whole_words: bool, table: FoldingTable) -> Phrase:
    text = folded(wording, table)
    if not text:
        raise ValueError(f"{wording!r} has no characters that can be compared.")
    literal = re.escape(text)
    # The look behind stands at the end, so that the pattern begins with what can be searched for fast.
    before = rf"(?<!\w{literal})" if whole_words and _ends_words(text[0]) else ""
    after = r"(?!\w)" if whole_words and _ends_words(text[-1]) else ""
    # A letter is not found in the same letter with an accent.
    return Phrase(wording, text, re.compile(rf"{literal}{before}{after}(?![\u0300-\u036f])"))


def _ends_words(char: str) -> bool:
    return char.isalnum() and not _UNSPACED.match(char)


def spots_of(phrases: Sequence[Phrase], views: Sequence[View]) -> Iterator[tuple[Phrase, int, int]]:
    """Yield each phrase that stands in one of the views, and where."""
    for view in views:
        for phrase in phrases:
            for start, end in phrase.find(view):
                yield phrase, start, end
