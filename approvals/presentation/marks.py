"""Positions of findings in what the page shows, to mark them there."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _

from approvals.presentation import words
from policies import differences, plain_text
from policies.guardrails.text import folding

_BLANK: Final = re.compile(r"\s{60,}")
"""Longer than any indent: what stands behind it is out of sight."""

Spans = Mapping[str, list[tuple[int, int]]]
"""By dotted path of the field table: characters from, and up to, of the text that the table shows."""


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of text; what is marked shows hidden characters by their numbers.

    `change` is "added" or "removed" where the text is shown with the words of the one before it.
    """

    text: str
    is_marked: bool = False
    change: str = ""


def spans(payload: Any, findings: Iterable[Mapping[str, Any]]) -> Spans:
    """Return which stretches of which fields to mark; `findings` have `at`, `start` and `end`."""
    spots: dict[str, list[tuple[int, int]]] = {}
    for finding in findings:
        if finding.get("end", 0) > finding.get("start", 0) and (place := _place(payload, finding["at"])):
            path, offset = place
            spots.setdefault(path, []).append((offset + finding["start"], offset + finding["end"]))
    return spots


def _place(payload: Any, pointer: str) -> tuple[str, int] | None:
    """Return the dotted path of the field that shows the text at `pointer`, and where in it the text begins."""
    if pointer and not pointer.startswith("/"):
        return None  # in what the agent says beside the payload
    path, value = "", payload
    names = [name.replace("~1", "/").replace("~0", "~") for name in pointer.split("/")[1:]]
    for name in names:
        if isinstance(value, dict) and name in value:
            path, value = f"{path}.{name}" if path else name, value[name]
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            index = int(name)
            if differences.is_plain_list(value):  # shown in one line, with commas between
                return path, sum(len(words.value(part)) + len(words.SEPARATOR) for part in value[:index])
            path, value = f"{path}[{index + 1}]", value[index]
        else:
            return None
    return path, 0


def parts(text: str, marked: Iterable[tuple[int, int]] = ()) -> list[Part]:
    """Cut `text` into what is marked and what is not; spots that overlap are marked as one.

    Hidden characters and long stretches of white space are marked too, and written out, wherever they stand.
    """
    cut: list[Part] = []
    at = 0
    for first, last in sorted(marked):
        start, end = max(first, at), min(last, len(text))
        if start >= end:
            continue
        if start > at:
            cut += _unmarked(text[at:start])
        cut.append(Part("".join(map(_printable, text[start:end])), is_marked=True))
        at = end
    if at < len(text) or not cut:
        cut += _unmarked(text[at:])
    return cut


def ends(text: str, marked: Collection[tuple[int, int]] = (), *, most: int) -> list[Part]:
    """Return `text` in parts; of one longer than `most` characters the beginning and the end."""
    if len(text) <= most or len(_BLANK.sub("", text)) <= most:
        return parts(text, marked)
    head, tail = most - most // 3, len(text) - most // 3
    left_out = Part(_("… (%s more characters in the raw payload) …") % words.number(tail - head), is_marked=True)
    behind = [(max(start - tail, 0), end - tail) for start, end in marked if end > tail]
    return [*parts(text[:head], marked), left_out, *parts(text[tail:], behind)]


def written(text: str) -> str:
    """Return `text` with hidden characters and long stretches of white space written out."""
    return "".join(part.text for part in _unmarked(text))


def _unmarked(text: str) -> list[Part]:
    """Return a stretch in which nothing was found, with what nobody would see in it as parts of their own."""
    blanks = ((*match.span(), _blank(match[0])) for match in _BLANK.finditer(text))
    hidden = ((*spot, "".join(map(_printable, text[slice(*spot)]))) for spot in plain_text.hidden_spots(text))
    cut: list[Part] = []
    at = 0
    for start, end, shown in sorted([*blanks, *hidden]):
        if start > at:
            cut.append(Part(text[at:start]))
        cut.append(Part(shown, is_marked=True))
        at = end
    return [*cut, Part(text[at:])] if at < len(text) or not cut else cut


def _blank(run: str) -> str:
    return "⟨" + _("%s blank characters") % words.number(len(run)) + "⟩"


def _printable(char: str) -> str:
    is_plain = char in "\n\t" or (char.isprintable() and not folding.is_invisible(char))
    return char if is_plain else plain_text.written_out(char)
