"""Mark which words of a text changed."""

import re
from difflib import SequenceMatcher
from typing import Final

from approvals.presentation.marks import Part, parts, written

MOST_WORK: Final = 160_000
"""So many pairs of words are compared; beyond that both texts are shown whole."""
LEAST_ALIKE: Final = 0.25
_WORD: Final = re.compile(r"\s*\S+|\s+")

Marked = list[tuple[int, int]]


def changed(old: str, new: str, marked: Marked) -> list[Part] | None:
    """Return the new text with the old words that are gone and the new ones marked, and `marked` stretches of it.

    None where the two have too little in common, or are too long to compare in good time.
    """
    before, after = _WORD.findall(old), _WORD.findall(new)
    head = _same(before, after)
    tail = _same(before[head:][::-1], after[head:][::-1])
    middle_before, middle_after = before[head : len(before) - tail], after[head : len(after) - tail]
    if len(middle_before) * len(middle_after) > MOST_WORK:
        return None
    matcher = SequenceMatcher(None, middle_before, middle_after)
    alike = head + tail + sum(size for _, _, size in matcher.get_matching_blocks())
    if alike < LEAST_ALIKE * max(len(before), len(after), 1):
        return None
    parts: list[Part] = []
    at = sum(map(len, after[:head]))
    parts += _piece(new, 0, at, marked)
    for _, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        removed, kept = middle_before[old_start:old_end], middle_after[new_start:new_end]
        is_same = removed == kept
        if removed and not is_same:
            parts.append(Part(written("".join(removed)), change="removed"))
        end = at + sum(map(len, kept))
        parts += _piece(new, at, end, marked, change="" if is_same else "added")
        at = end
    return parts + _piece(new, at, len(new), marked)


def _same(one: list[str], other: list[str]) -> int:
    """Return how many words both begin with."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _piece(text: str, start: int, end: int, marked: Marked, change: str = "") -> list[Part]:
    if start >= end:
        return []
    inside = [(max(first - start, 0), min(last, end) - start) for first, last in marked if first < end and last > start]
    return [Part(part.text, part.is_marked, change) for part in parts(text[start:end], inside)]
