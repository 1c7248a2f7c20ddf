"""Values that a fact never has, so that a comparison with them never holds. PURE."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final

from policies import currencies
from policies.facts.vocabulary import WEEKDAYS

_TEXT: Final = r"""'([^'\\]*)'|"([^"\\]*)\""""
_FACT: Final = r"(?<![\w.'\"])(agent|currency|surface|weekday)\b(?!\s*[.\[(])"
_BEFORE: Final = re.compile(rf"{_FACT}\s*[!=]=\s*(?:{_TEXT})")
_AFTER: Final = re.compile(rf"(?:{_TEXT})\s*[!=]=\s*{_FACT}")
_AMONG: Final = re.compile(rf"{_FACT}\s+in\s+\[([^\]]*)\]")
_TAG: Final = re.compile(rf"(?:{_TEXT})\s+in\s+tags\b(?!\s*[.\[(])")
_NUMBER: Final = re.compile(r"(?<![\w.])(confidence|hour)\s*(<=|>=|<|>|==)\s*(\d+(?:\.\d+)?)")
_RANGES: Final = {"confidence": (0.0, 1.0, "0 to 1"), "hour": (0.0, 23.0, "0 to 23")}
_HOLDS_NEVER: Final[Mapping[str, Callable[[float, float, float], bool]]] = {
    "<": lambda bound, low, _high: bound <= low,
    "<=": lambda bound, low, _high: bound < low,
    ">": lambda bound, _low, high: bound >= high,
    ">=": lambda bound, _low, high: bound > high,
    "==": lambda bound, low, high: not low <= bound <= high,
}


def never_held(
    condition: str, *, surfaces: Collection[str], agents: Collection[str] | None, tags: Collection[str]
) -> Iterator[str]:
    """Yield a sentence for each value that `condition` compares a fact with and that the fact never has.

    `surfaces`, `agents` and `tags` are those that there are; None where nobody knows.
    """
    known: Mapping[str, Any] = {
        "agent": agents,
        "currency": ("", *currencies.CODES),
        "surface": surfaces,
        "weekday": WEEKDAYS,
    }
    for fact, value in dict.fromkeys(_compared(condition)):
        if known[fact] is not None and value not in known[fact]:
            yield f"{fact} is never {value!r}, so this comparison says the same of every proposal."
    for match in _TAG.finditer(condition):
        tag = match[1] or match[2]
        if tag not in tags:
            yield f"No surface here adds the tag {tag}, so only an agent's own word can match."
    for fact, operator, bound in dict.fromkeys(_NUMBER.findall(re.sub(_TEXT, "''", condition))):
        low, high, words = _RANGES[fact]
        if _HOLDS_NEVER[operator](float(bound), low, high):
            yield f"{fact} is {words}, so {fact} {operator} {bound} never holds."


def _compared(condition: str) -> Iterator[tuple[str, str]]:
    """Yield each fact with each text that it is compared with."""
    for match in _BEFORE.finditer(condition):
        yield match[1], match[2] or match[3] or ""
    for match in _AFTER.finditer(condition):
        yield match[3], match[1] or match[2] or ""
    for match in _AMONG.finditer(condition):
        for text in re.finditer(_TEXT, match[2]):
            yield match[1], text[1] or text[2] or ""
