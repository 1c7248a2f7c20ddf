"""Find what the e-mail system will replace: `{{ first_name }}`, `{% if vip %}`, `*|FNAME|*`."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from approvals.presentation.marks import Part

TAG: Final = re.compile(r"\{\{[^{}]{0,200}\}\}|\{%[^%{}]{0,200}%\}|\*\|[^|*]{1,100}\|\*")


def split(text: str) -> Iterator[tuple[str, bool]]:
    """Yield stretches of text, and whether each is a merge tag."""
    at = 0
    for match in TAG.finditer(text):
        if match.start() > at:
            yield text[at : match.start()], False
        yield match[0], True
        at = match.end()
    if at < len(text):
        yield text[at:], False


def told(parts: Sequence[Part]) -> list[Part]:
    """Return `parts` with the merge tags as parts of their own; what was found or changed stays marked as that."""
    split_parts: list[Part] = []
    for part in parts:
        if part.is_marked or part.change:
            split_parts.append(part)
        else:
            split_parts += [Part(text, change="tag" if is_tag else "") for text, is_tag in split(part.text)]
    return split_parts
