"""Where guardrails and the model found something, so that the page can mark the spot in what it shows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from approvals.presentation import differences, words

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
    found: dict[str, list[tuple[int, int]]] = {}
    for finding in findings:
        if finding.get("end", 0) > finding.get("start", 0) and (place := _place(payload, finding["at"])):
            path, offset = place
            found.setdefault(path, []).append((offset + finding["start"], offset + finding["end"]))
    return found


def _place(payload: Any, pointer: str) -> tuple[str, int] | None:
    """Return the dotted path of the field that shows the text at `pointer`, and where in it the text begins."""
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
    """Cut `text` into what is marked and what is not; spots that overlap are marked as one."""
    cut: list[Part] = []
    at = 0
    for first, last in sorted(marked):
        start, end = max(first, at), min(last, len(text))
        if start >= end:
            continue
        if start > at:
            cut.append(Part(text[at:start]))
        cut.append(Part("".join(map(_printable, text[start:end])), is_marked=True))
        at = end
    if at < len(text) or not cut:
        cut.append(Part(text[at:]))
    return cut


def _printable(char: str) -> str:
    return char if char.isprintable() or char in "\n\t" else f"⟨U+{ord(char):04X}⟩"
