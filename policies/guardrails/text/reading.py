"""One text of the payload, and the ways to read it. PURE.

Each view is made when a check first asks for it and kept for the others of the same run.
"""

import unicodedata
from functools import cached_property
from typing import Final, NamedTuple

from policies.guardrails.html import markup, visibility
from policies.guardrails.html.visibility import Part
from policies.guardrails.text.folding import BY_LOOK, WITH_TAGS, View, fold, is_invisible
from policies.guardrails.text.scripts import look_alikes

_TAGS: Final = frozenset(map(chr, range(0xE0020, 0xE007F)))
_AROUND: Final = 20
_LONGEST_EXCERPT: Final = 60


class Reading:
    """A text and where it stands in the payload (JSON Pointer)."""

    def __init__(self, pointer: str, text: str) -> None:
        self.pointer = pointer
        self.text = text

    @cached_property
    def has_markup(self) -> bool:
        """Whether the text is HTML, or has at least a tag or an entity."""
        return markup.has_markup(self.text)

    @cached_property
    def tokens(self) -> list[markup.Token]:
        """The markup of the text, in its order."""
        return list(markup.tokens(self.text)) if self.has_markup else []

    @cached_property
    def visible(self) -> View:
        """What a person sees of it; the text itself where there is no markup."""
        return markup.visible(self.text, self.tokens) if self.has_markup else View(self.text)

    @cached_property
    def hidden(self) -> list[Part]:
        """What is in the markup and is not shown to every reader."""
        return visibility.hidden(self.text, self.tokens) if self.has_markup else []

    @cached_property
    def seen(self) -> View:
        """What every reader sees: as `visible`, without what style, size, colour or its place hide."""
        return (
            markup.visible(self.text, visibility.seen_tokens(self.tokens, self.hidden)) if self.hidden else self.visible
        )

    @cached_property
    def seen_folded(self) -> View:
        """What every reader sees, folded."""
        return fold(self.seen) if self.hidden else self.visible_folded

    @cached_property
    def commented(self) -> View | None:
        """What stands in comments, as those mail programs see it that read conditional ones; None without any."""
        inside = [*markup.commented(self.text, self.tokens)] if self.has_markup else []
        return markup.visible(self.text, inside) if inside else None

    @cached_property
    def folded(self) -> View:
        """The whole text, markup included, folded."""
        return fold(View(self.text))

    @cached_property
    def visible_folded(self) -> View:
        """What a person sees of it, folded."""
        return fold(self.visible) if self.has_markup else self.folded

    @cached_property
    def everywhere(self) -> tuple[View, ...]:
        """The folded views in which nothing can be missed: markup included, what a person sees, and comments."""
        if not self.has_markup:
            return (self.folded,)
        views = (self.folded, self.visible_folded)
        return views if self.commented is None else (*views, fold(self.commented))

    @cached_property
    def merging(self) -> tuple[View, ...]:
        """The folded views in which merge tags stand: the source with its entities decoded, what is seen, comments."""
        if not self.has_markup:
            return (self.folded,)
        return (fold(markup.visible(self.text, [])), *self.everywhere[1:])

    @cached_property
    def everywhere_by_look(self) -> tuple[View, ...]:
        """As `everywhere`, with look-alike letters read as Latin ones; the same views if there are none."""
        if self.text.isascii() and (not self.has_markup or self.visible.text.isascii()):
            return self.everywhere
        if look_alikes().keys().isdisjoint(self.text) and (
            not self.has_markup or look_alikes().keys().isdisjoint(self.visible.text)
        ):
            return self.everywhere
        whole = fold(View(self.text), BY_LOOK)
        if not self.has_markup:
            return (whole,)
        views = (whole, fold(self.visible, BY_LOOK))
        return views if self.commented is None else (*views, fold(self.commented, BY_LOOK))

    @cached_property
    def disguised(self) -> tuple[View, ...]:
        """As `everywhere_by_look`, with invisible tag characters read as the letters they stand for."""
        if self.text.isascii() or _TAGS.isdisjoint(self.text):
            return self.everywhere_by_look
        return (fold(View(self.text), WITH_TAGS), *self.everywhere_by_look)

    def is_disguised(self, start: int, end: int) -> bool:
        """Whether a stretch of the text has letters that only look Latin."""
        return any(char in look_alikes() for char in set(self.text[start:end]))

    def excerpt(self, start: int, end: int) -> str:
        """Return a short, printable quotation of the spot with a little of what stands around it."""
        text = self.text
        end_shown = min(end, start + _LONGEST_EXCERPT)
        first = _joint(text, max(0, start - _AROUND), -1)
        last = _joint(text, min(len(text), end_shown + _AROUND), 1)
        shown = "".join(map(_printable, " ".join(text[first:last].split())))
        return ("…" if first else "") + shown + ("…" if last < len(text) else "")


class Spot(NamedTuple):
    """What a check found: in which text, where (characters), and a sentence that says what.

    `excerpt` replaces the quotation where the text itself should not be repeated.
    """

    reading: Reading
    start: int
    end: int
    found: str
    excerpt: str | None = None


def _joint(text: str, at: int, step: int) -> int:
    """Move a cut away from the inside of a character that is made of several code points."""
    for _ in range(_AROUND):
        if not 0 < at < len(text) or not (_joins(text[at]) or text[at - 1] == "\u200d"):
            break
        at += step
    return at


def _joins(char: str) -> bool:
    return bool(unicodedata.combining(char)) or is_invisible(char) or "\U0001f3fb" <= char <= "\U0001f3ff"


def _printable(char: str) -> str:
    return char if char.isprintable() and not is_invisible(char) else f"⟨U+{ord(char):04X}⟩"
