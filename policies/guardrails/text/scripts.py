"""Writing systems of letters, and foreign letters that look like Latin ones. PURE.

The data are Unicode's (Scripts and UTS 39's confusables), as the package confusable-homoglyphs
carries them.
"""

from collections.abc import Mapping
from functools import lru_cache

from confusable_homoglyphs import categories, confusables


@lru_cache(maxsize=1)
def look_alikes() -> Mapping[str, str]:
    """Map letters of other scripts to the one ASCII letter that looks like them."""
    look_alikes: dict[str, str] = {}
    for char, others in confusables.confusables_data.items():
        if len(char) != 1 or not char.isalpha() or script(char) in {"LATIN", "COMMON"}:
            continue
        for other in others:
            letter = str(other["c"])
            if len(letter) == 1 and letter.isascii() and letter.isalpha():
                look_alikes[char] = letter
    # The list has it as an i without its dot, but it is drawn as an l, as in the Cyrillic twin of "apple".
    look_alikes["\N{CYRILLIC SMALL LETTER PALOCHKA}"] = "l"
    return look_alikes


def script(char: str) -> str:
    """Return the name of a character's script, in capitals, such as "CYRILLIC"."""
    return str(categories.alias(char))


@lru_cache(maxsize=32)
def letters_of(name: str) -> str:
    """Return the letters of a script as the inside of a character class of a pattern."""
    data = categories.categories_data
    wanted = data["iso_15924_aliases"].index(name)
    ranges = [
        (first, last)
        for first, last, alias, category in data["code_points_ranges"]
        if alias == wanted and data["categories"][category].startswith("L")
    ]
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)
