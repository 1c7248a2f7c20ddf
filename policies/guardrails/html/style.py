"""Read just so much CSS that one can say what hides a part of an e-mail. PURE."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

MOST_RULES: Final = 2_000
_COMMENT: Final = re.compile(r"/\*.*?(?:\*/|\Z)|<!--|-->", re.DOTALL)
_RULE: Final = re.compile(r"([^{}]{1,500}+)\{([^{}]{0,4000}+)\}")
_MEDIA: Final = re.compile(r"@media([^{}]{0,300}+)\{")
_SIMPLE: Final = re.compile(r"(?:(?:html|body)\s+)?([a-z][\w-]*|\*)?((?:[.#][\w-]+)*)\Z")
_NOTHING: Final = re.compile(r"0*\.?0*(?:px|pt|em|rem|%|vh|vw|cm|mm|in)?\Z")
_FAR: Final = re.compile(r"-\s*\d{3,}")
_HEX: Final = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{6})\Z")
_RGB: Final = re.compile(r"rgba?\(\s*(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})\s*(?:[,/]\s*([\d.]+%?))?\s*\)")
_OFF: Final = {
    "display": {"none"},
    "visibility": {"hidden", "collapse"},
    "mso-hide": {"all"},
    "pointer-events": {"none"},
    "color": {"transparent"},
}
_NAMES: Final = {"white": (255, 255, 255), "black": (0, 0, 0), "red": (255, 0, 0), "silver": (192, 192, 192)}
_ALIKE: Final = 24
"""Colours that differ by less than this, summed over red, green and blue, cannot be told apart by reading."""


def declarations(css: str) -> dict[str, str]:
    """Return the declarations of a style attribute or rule, names and values in lower case; the last one wins."""
    found: dict[str, str] = {}
    for part in _COMMENT.sub("", css).lower().split(";"):
        name, colon, value = part.partition(":")
        if colon:
            found[name.strip()] = value.replace("!important", "").strip()
    return found


def hides(styles: Mapping[str, str]) -> bool:
    """Whether an element with these declarations, or all that is in it, is not drawn or cannot be pressed."""
    if any(styles.get(name) in values for name, values in _OFF.items()):
        return True
    if _is_nothing(styles, "opacity", "font-size") or _is_clear(styles.get("color", "")):
        return True
    clips = styles.get("overflow", "").startswith(("hidden", "clip"))
    if clips and _is_nothing(styles, "height", "max-height", "width", "max-width"):
        return True
    is_placed = styles.get("position") in {"absolute", "fixed"}
    sides = ("text-indent", *(("left", "right", "top", "bottom") if is_placed else ()))
    return "rect(0" in styles.get("clip", "") or any(_FAR.match(styles.get(side, "")) for side in sides)


def _is_nothing(styles: Mapping[str, str], *names: str) -> bool:
    return any(_NOTHING.match(styles.get(name, "1")) for name in names)


@lru_cache(maxsize=4096)
def same_colour(one: str, other: str) -> bool:
    """Whether two colours are known and cannot be told apart."""
    if not one or not other:
        return False
    first, second = _rgb(one), _rgb(other)
    return bool(first and second) and sum(abs(a - b) for a, b in zip(first, second, strict=True)) < _ALIKE


def _rgb(written: str) -> tuple[int, ...]:
    word = written.strip().lower()
    if found := _HEX.match(word):
        digits = found[1] if len(found[1]) == 6 else "".join(char * 2 for char in found[1])
        return tuple(int(digits[at : at + 2], 16) for at in (0, 2, 4))
    if found := _RGB.match(word):
        return tuple(int(found[number]) for number in (1, 2, 3))
    return _NAMES.get(word, ())


def _is_clear(written: str) -> bool:
    found = _RGB.match(written)
    return found is not None and found[4] is not None and _NOTHING.match(found[4]) is not None


class StyleRule(NamedTuple):
    """A rule for one simple selector; `media` is empty where it holds everywhere."""

    tag: str
    classes: frozenset[str]
    identifier: str
    styles: Mapping[str, str]
    media: str


@dataclass(slots=True)
class Sheet:
    """Rules by what their selector asks for, in the order in which they were written."""

    rules: dict[str, list[StyleRule]] = field(default_factory=dict)

    def of(self, tag: str, attributes: Mapping[str, str]) -> dict[str, str]:
        """Return what holds everywhere for an element."""
        return _merged(rule for rule in self._matching(tag, attributes) if not rule.media)

    def varies(self, tag: str, attributes: Mapping[str, str], *, is_hidden: bool) -> bool:
        """Whether some screens show an element that others hide."""
        if not self.rules:
            return False
        changed = _merged(rule for rule in self._matching(tag, attributes) if rule.media)
        shows = "display" in changed or "max-height" in changed or "font-size" in changed
        return not hides(changed) and shows if is_hidden else hides(changed)

    def _matching(self, tag: str, attributes: Mapping[str, str]) -> Iterator[StyleRule]:
        if not self.rules:
            return
        classes = frozenset(attributes.get("class", "").lower().split())
        identifier = attributes.get("id", "").lower()
        for key in (tag, "*", *(f".{name}" for name in sorted(classes)[:20]), f"#{identifier}"):
            for rule in self.rules.get(key, ()):
                fits_tag = rule.tag in {"", "*", tag}
                if fits_tag and rule.classes <= classes and rule.identifier in {"", identifier}:
                    yield rule


def _merged(rules: Iterator[StyleRule]) -> dict[str, str]:
    found: dict[str, str] = {}
    for rule in rules:
        found.update(rule.styles)
    return found


def read_sheet(css: str) -> Sheet:
    """Return the rules of style sheets whose selectors are simple; those for print are left out. Cost: linear."""
    sheet = Sheet()
    if not css.strip():
        return sheet
    number = 0
    for media, body in _blocks(_COMMENT.sub("", css).lower()):
        for found in _RULE.finditer(body):
            if (number := number + 1) > MOST_RULES:
                return sheet
            for rule in _rules(found[1], declarations(found[2]), media):
                sheet.rules.setdefault(_key(rule), []).append(rule)
    return sheet


def _blocks(css: str) -> Iterator[tuple[str, str]]:
    """Yield `(media query, rules)`; the query is empty for what stands outside of any."""
    at = 0
    while found := _MEDIA.search(css, at):
        yield "", css[at : found.start()]
        depth, end = 1, found.end()
        while depth and end < len(css):
            depth += {"{": 1, "}": -1}.get(css[end], 0)
            end += 1
        if "print" not in found[1]:
            yield found[1].strip() or "all", css[found.end() : end - 1 if not depth else end]
        at = end
    yield "", css[at:]


def _rules(selectors: str, styles: Mapping[str, str], media: str) -> Iterator[StyleRule]:
    for selector in selectors.split(","):
        found = _SIMPLE.match(selector.strip())
        if found and (found[1] or found[2]):
            parts = re.findall(r"[.#][\w-]+", found[2])
            identifier = next((part[1:] for part in parts if part[0] == "#"), "")
            classes = frozenset(part[1:] for part in parts if part[0] == ".")
            yield StyleRule(found[1] or "", classes, identifier, styles, media)


def _key(rule: StyleRule) -> str:
    if rule.identifier:
        return f"#{rule.identifier}"
    return f".{min(rule.classes)}" if rule.classes else rule.tag
