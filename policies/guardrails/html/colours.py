"""Colours as CSS writes them: whether one can be seen at all, and told apart from another. PURE."""

import re
from colorsys import hls_to_rgb
from functools import lru_cache
from typing import Final, NamedTuple

_ALIKE: Final = 24
"""Colours that differ by less than this, summed over red, green and blue, cannot be told apart by reading."""
_FAINT: Final = 0.1
_HEX: Final = re.compile(r"#(?:[0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})\Z")
_FUNCTION: Final = re.compile(r"(rgb|hsl)a?\(([^()]{1,80})\)")
_NUMBER: Final = re.compile(r"(-?[\d.]+)(%?)")
_WORD: Final = re.compile(r"(?:rgb|hsl)a?\([^()]{1,80}\)|#[0-9a-f]{3,8}\b|[a-z]+")
_NAMES: Final = {
    "aliceblue": "f0f8ff",
    "azure": "f0ffff",
    "beige": "f5f5dc",
    "black": "000000",
    "blue": "0000ff",
    "cornsilk": "fff8dc",
    "darkblue": "00008b",
    "darkgray": "a9a9a9",
    "darkgrey": "a9a9a9",
    "floralwhite": "fffaf0",
    "gainsboro": "dcdcdc",
    "ghostwhite": "f8f8ff",
    "gray": "808080",
    "green": "008000",
    "grey": "808080",
    "honeydew": "f0fff0",
    "ivory": "fffff0",
    "lavenderblush": "fff0f5",
    "lightgray": "d3d3d3",
    "lightgrey": "d3d3d3",
    "lightyellow": "ffffe0",
    "linen": "faf0e6",
    "mintcream": "f5fffa",
    "navy": "000080",
    "oldlace": "fdf5e6",
    "red": "ff0000",
    "seashell": "fff5ee",
    "silver": "c0c0c0",
    "snow": "fffafa",
    "white": "ffffff",
    "whitesmoke": "f5f5f5",
    "yellow": "ffff00",
}


class Colour(NamedTuple):
    """Red, green and blue from 0 to 255, and how much of it covers what is behind, from 0 to 1."""

    red: float
    green: float
    blue: float
    opacity: float = 1.0


@lru_cache(maxsize=4096)
def are_alike(one: str, other: str) -> bool:
    """Whether two colours are known and cannot be told apart."""
    first, second = read(one), read(other)
    if first is None or second is None:
        return False
    return sum(abs(first[part] - second[part]) for part in range(3)) < _ALIKE


def is_clear(written: str) -> bool:
    """Whether nothing can be seen of a colour."""
    colour = read(written)
    return colour is not None and colour.opacity < _FAINT


@lru_cache(maxsize=4096)
def read(written: str) -> Colour | None:
    """Return a colour, or the first of a shorthand such as `background`; None if there is no known one.

    Of words only those are known that mails use, and all that look like white.
    """
    for word in _WORD.finditer(written.lower()):
        if (colour := _colour(word.group())) is not None:
            return colour
    return None


def _colour(word: str) -> Colour | None:
    if word == "transparent":
        return Colour(0, 0, 0, 0)
    if word in _NAMES:
        word = f"#{_NAMES[word]}"
    if _HEX.match(word):
        digits = word[1:] if len(word) > 5 else "".join(char * 2 for char in word[1:])
        red, green, blue, *rest = (int(digits[at : at + 2], 16) for at in range(0, len(digits), 2))
        return Colour(red, green, blue, rest[0] / 255 if rest else 1.0)
    function = _FUNCTION.match(word)
    return _of_function(function[1], _NUMBER.findall(function[2])) if function else None


def _of_function(name: str, numbers: list[tuple[str, str]]) -> Colour | None:
    try:
        values = [float(number) for number, _ in numbers]
    except ValueError:
        return None
    if len(values) < 3:
        return None
    opacity = 1.0
    if len(values) > 3:
        opacity = values[3] / 100 if numbers[3][1] else values[3]
    if name == "hsl":
        red, green, blue = hls_to_rgb(values[0] % 360 / 360, _share(values[2]), _share(values[1]))
        return Colour(red * 255, green * 255, blue * 255, opacity)
    red, green, blue = (value * 2.55 if numbers[at][1] else value for at, value in enumerate(values[:3]))
    return Colour(red, green, blue, opacity)


def _share(percent: float) -> float:
    return min(max(percent / 100, 0.0), 1.0)
