"""Text written so that no spreadsheet takes any of it for a formula, whatever it takes for a separator.

PURE. A file is read with the separators of the reader's own country: a semicolon or a tab within a cell begins
a new one there, quotes or not. So a sign counts wherever a cell could begin, and also behind what is not seen.
"""

import re
import sys
import unicodedata
from functools import cache
from typing import Final

SIGNS: Final = "=+-@" + "＝＋－＠" + "﹦﹢﹣﹫" + "⁼⁺⁻₌₊₋" + "−‐‑‒–—―⹀〰"
"""What begins a formula, also in the widths and lengths that programs turn into it."""
SEPARATORS: Final = ",;|\t\n\r\v\f\x1c\x1d\x1e\x1f\x85\u2028\u2029" + "，；｜︐︔、﹐﹔،؛"
_QUOTES: Final = "\"'`´‘’‚‛“”„‟«»‹›＂＇｀"
_UNSEEN_CATEGORIES: Final = {"Zs", "Zl", "Zp", "Cc", "Cf"}
# Not seen either, though Unicode counts them among letters, marks and symbols.
_UNSEEN_OTHERS: Final = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0" + "".join(map(chr, range(0xFE00, 0xFE10)))


def neutralised(text: str) -> str:
    """Return `text` with an apostrophe before whatever a spreadsheet could take for the start of a formula."""
    at_start, within = _patterns()
    text = within.sub(r"\1'\2", text.replace("\x00", ""))
    return f"'{text}" if at_start.match(text) else text


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    unseen = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) in _UNSEEN_CATEGORIES]
    gap = f"[{re.escape(''.join(unseen) + _UNSEEN_OTHERS + _QUOTES)}]*+"
    signs, separators = f"[{re.escape(SIGNS)}]", f"[{re.escape(SEPARATORS)}]"
    return re.compile(f"{gap}{signs}|[\t\r\n]| +[\t\r\n]"), re.compile(f"({separators}{gap})({signs})")
