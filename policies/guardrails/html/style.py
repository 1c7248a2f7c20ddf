"""Read just so much CSS that one can say what hides a part of an e-mail. PURE."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from policies.guardrails.html import selectors
from policies.guardrails.html.selectors import Selector

MOST_RULES: Final = 2_000
MOST_OF_A_KIND: Final = 50
MOST_FOR_ALL: Final = 20
"""Rules that name neither a tag nor a class nor an id are compared with every tag of the mail."""
SMALLEST: Final = 3.0
"""Letters of fewer pixels are not read by anybody."""
_COMMENT: Final = re.compile(r"/\*.*?(?:\*/|\Z)|<!--|-->", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|(.))", re.DOTALL)
_RULE: Final = re.compile(r"([^{}]{1,500}+)\{([^{}]{0,4000}+)\}")
_MEDIA: Final = re.compile(r"@media([^{}]{0,300}+)\{")
_VARIABLE: Final = re.compile(r"(--[\w-]{1,60}+)\s{0,5}:\s{0,5}([^;{}\"'<>]{0,100})")
_USED: Final = re.compile(r"var\(\s*(--[\w-]+)\s*(?:,([^()]*))?\)")
_LENGTH: Final = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))\s*(px|pt|pc|r?em|ex|ch|%|v[hw]|cm|mm|in)?(?![\w.])")
_IN_PIXELS: Final = {"": 1, "px": 1, "pt": 4 / 3, "pc": 16, "cm": 37.8, "mm": 3.78, "in": 96, "vh": 8, "vw": 8}
_SCALE: Final = re.compile(r"scale[xyz3d]{0,2}\(([^()]{1,80})\)")
_MATRIX: Final = re.compile(r"matrix\(([^()]{1,80})\)")
_TRANSLATED: Final = re.compile(r"translate[xyz3d]{0,2}\(([^()]{1,80})\)")
_FADED: Final = re.compile(r"opacity\(\s*([\d.]+\s*%?)")
_ALPHA: Final = re.compile(r"alpha\(\s*opacity\s*=\s*([\d.]+)")
_SHARE: Final = re.compile(r"(\d+\.?\d*|\.\d+)\s*(%?)")
_OFF: Final = {
    "display": {"none"},
    "content-visibility": {"hidden"},
    "mso-hide": {"all"},
    "pointer-events": {"none"},
}
_UNSEEN: Final = {"visibility": {"hidden", "collapse"}}
_FAR: Final = 999.0
_DOT: Final = 1.0
_FAINT: Final = 0.1


def declarations(css: str) -> dict[str, str]:
    """Return the declarations of a style attribute or rule, names and values in lower case; the last one wins."""
    normal, important = weighed(css)
    return {**normal, **important}


def weighed(css: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the declarations without weight, and those that are `!important`, names and values in lower case."""
    normal: dict[str, str] = {}
    important: dict[str, str] = {}
    for part in _ESCAPE.sub(_unescaped, _COMMENT.sub("", css)).lower().split(";"):
        name, colon, value = part.partition(":")
        if colon:
            value, mark, _ = value.partition("!")
            (important if mark else normal)[name.strip()] = value.strip()
    return normal, important


def _unescaped(escape: re.Match[str]) -> str:
    if escape[1] is None:
        return escape[2]
    number = int(escape[1], 16)
    return chr(number) if 0 < number < 0x110000 else ""


def variables(css: str) -> dict[str, str]:
    """Return the custom properties that are set anywhere in a text; the last one wins."""
    return {name: value.strip() for name, value in _VARIABLE.findall(css.lower())} if "--" in css else {}


def with_variables(styles: dict[str, str], known: Mapping[str, str]) -> dict[str, str]:
    """Return declarations with custom properties put in."""
    return {name: _USED.sub(lambda use: known.get(use[1], use[2] or ""), value) for name, value in styles.items()}


def hides(styles: Mapping[str, str]) -> bool:
    """Whether an element with these declarations is not drawn, cannot be read or cannot be pressed."""
    if not styles:
        return False
    size = font_size(styles, 16.0)
    return removes(styles) or is_unseen(styles.get("visibility", "")) or (size is not None and size < SMALLEST)


def is_unseen(visibility: str) -> bool:
    """Whether an element of this visibility keeps its place and is not drawn."""
    return visibility in _UNSEEN["visibility"]


def removes(styles: Mapping[str, str]) -> bool:
    """Whether an element is hidden with all that is in it, whatever is said of that."""
    if not styles:
        return False
    if any(styles.get(name) in values for name, values in _OFF.items()):
        return True
    return _is_faint(styles) or _is_clipped(styles) or _is_squeezed(styles) or _is_elsewhere(styles)


def font_size(styles: Mapping[str, str], above: float) -> float | None:
    """Return the size of letters in pixels, where `above` is that of the element around it; None if none is named."""
    written = styles.get("font-size") or _of_shorthand(styles.get("font", ""))
    if not (lengths := _LENGTH.findall(written)):
        return None
    return max(_pixels(number, unit, above) for number, unit in lengths)


def _of_shorthand(font: str) -> str:
    """Return the size in `font: bold 0/0 arial`, which is the first with a unit, or before a slash."""
    size = re.search(r"(?:^|\s)((?:\d+\.?\d*|\.\d+)(?:[a-z%]+|(?=\s*/)|(?=\s+[a-z]))[^\s/]*)", font)
    return size[1] if size and not re.fullmatch(r"[1-9]00", size[1]) else ""


def _pixels(number: str, unit: str, of: float) -> float:
    match unit:
        case "em":
            return float(number) * of
        case "%":
            return float(number) * of / 100
        case "ex" | "ch":
            return float(number) * of / 2
        case "rem":
            return float(number) * 16
    return float(number) * _IN_PIXELS[unit]


def _lengths(written: str) -> list[float]:
    return [_pixels(number, unit, 16.0) for number, unit in _LENGTH.findall(written)]


def _is_faint(styles: Mapping[str, str]) -> bool:
    written = [styles.get("opacity", ""), *_FADED.findall(styles.get("filter", ""))]
    written += [f"{percent}%" for percent in _ALPHA.findall(styles.get("filter", ""))]
    numbers = [share for value in written if (share := _SHARE.match(value))]
    return any(float(number[1]) / (100 if number[2] else 1) < _FAINT for number in numbers)


def _is_clipped(styles: Mapping[str, str]) -> bool:
    if "rect(" in styles.get("clip", "") and not re.search(r"rect\([^)]*\d\d", styles["clip"]):
        return True
    return styles.get("clip-path", "none") not in {"", "none", "initial", "unset", "inset(0)", "inset(0px)"}


def _is_squeezed(styles: Mapping[str, str]) -> bool:
    if not styles.get("overflow", styles.get("overflow-y", "")).startswith(("hidden", "clip")):
        return False
    sides = ("height", "max-height", "width", "max-width")
    return any(lengths and max(lengths) <= _DOT for side in sides if (lengths := _lengths(styles.get(side, ""))))


def _is_elsewhere(styles: Mapping[str, str]) -> bool:
    """Whether an element is moved off the page, or drawn with no size."""
    moved = [styles.get(name, "") for name in ("text-indent", "margin", "translate")]
    moved += [styles.get(f"margin-{side}", "") for side in ("left", "top", "right", "bottom")]
    if styles.get("position") in {"absolute", "fixed", "relative"}:
        moved += [styles.get(side, "") for side in ("left", "right", "top", "bottom", "inset")]
    transform = styles.get("transform", "")
    moved += _TRANSLATED.findall(transform)
    if any(abs(length) >= _FAR for written in moved for length in _lengths(written)):
        return True
    scales = [*_SCALE.findall(transform), styles.get("scale", ""), styles.get("zoom", "")]
    if any(share < _FAINT for written in scales for share in _shares(written)[:2]):
        return True
    return any(_area(written) < _FAINT * _FAINT for written in _MATRIX.findall(transform))


def _shares(written: str) -> list[float]:
    """Return the sizes of numbers such as -1, .5 and 50%, whatever their sign."""
    return [float(number) / (100 if percent else 1) for number, percent in _SHARE.findall(written)]


def _area(matrix: str) -> float:
    """Return how large a square of one is drawn under `matrix(a, b, c, d, …)`; as it was where that cannot be read."""
    try:
        a, b, c, d = (float(number) for number in matrix.split(",")[:4])
    except ValueError:
        return 1.0
    return abs(a * d - b * c)


class StyleRule(NamedTuple):
    """A rule; `is_partial` where it holds on some screens, for some readers or for some elements only."""

    selector: Selector
    styles: Mapping[str, str]
    important: Mapping[str, str]
    is_partial: bool


class Matched(NamedTuple):
    """What a style sheet says of an element: everywhere, without and with `!important`, and what holds at times."""

    normal: dict[str, str]
    important: dict[str, str]
    partial: dict[str, str]


_UNSTYLED: Final = Matched({}, {}, {})


@dataclass(slots=True)
class Sheet:
    """Rules by what their selector asks for, in the order in which they were written."""

    rules: dict[str, list[StyleRule]] = field(default_factory=dict)

    def of(self, tag: str, attributes: Mapping[str, str]) -> Matched:
        """Return what holds for an element."""
        if not self.rules:
            return _UNSTYLED
        matched = Matched({}, {}, {})
        for rule in self._matching(tag, attributes):
            if rule.is_partial:
                matched.partial.update({**rule.styles, **rule.important})
            else:
                matched.normal.update(rule.styles)
                matched.important.update(rule.important)
        return matched

    def _matching(self, tag: str, attributes: Mapping[str, str]) -> Iterator[StyleRule]:
        classes = frozenset(attributes.get("class", "").lower().split())
        identifier = attributes.get("id", "").lower()
        for key in (tag, "*", *(f".{name}" for name in sorted(classes)[:20]), f"#{identifier}"):
            for rule in self.rules.get(key, ()):
                if rule.selector.fits(tag, classes, identifier, attributes):
                    yield rule


def varies(styles: Mapping[str, str], partial: Mapping[str, str]) -> bool:
    """Whether some readers are shown an element that is hidden from others."""
    shows = "display" in partial or "max-height" in partial or "font-size" in partial
    return not hides(partial) and shows if hides(styles) else hides(partial)


def read_sheet(css: str) -> Sheet:
    """Return the rules of style sheets; those for print are left out. Cost: linear."""
    sheet = Sheet()
    if not css.strip():
        return sheet
    number = 0
    for media, body in _blocks(_COMMENT.sub("", css).lower()):
        for block in _RULE.finditer(body):
            if (number := number + 1) > MOST_RULES:
                return sheet
            for rule in _rules(block[1], weighed(block[2]), is_partial=bool(media)):
                rules = sheet.rules.setdefault(rule.selector.key, [])
                if len(rules) < (MOST_FOR_ALL if rule.selector.key == "*" else MOST_OF_A_KIND):
                    rules.append(rule)
    return sheet


def _blocks(css: str) -> Iterator[tuple[str, str]]:
    """Yield `(media query, rules)`; the query is empty for what stands outside of any."""
    at = 0
    while media := _MEDIA.search(css, at):
        yield "", css[at : media.start()]
        depth, end = 1, media.end()
        while depth and end < len(css):
            depth += {"{": 1, "}": -1}.get(css[end], 0)
            end += 1
        if "print" not in media[1]:
            yield media[1].strip() or "all", css[media.end() : end - 1 if not depth else end]
        at = end
    yield "", css[at:]


def _rules(
    written: str, weighed_styles: tuple[dict[str, str], dict[str, str]], *, is_partial: bool
) -> Iterator[StyleRule]:
    normal, important = weighed_styles
    for part in _ESCAPE.sub(_unescaped, written).split(","):
        if (selector := selectors.read(part.strip())) is not None:
            yield StyleRule(selector, normal, important, is_partial or selector.is_partial)
