"""Read JSON that an agent wrote, whatever it looks like: what is not as expected is not there."""

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from django.utils import formats
from django.utils.dateparse import parse_date, parse_datetime

from approvals.presentation import words
from policies import plain_text

SHORT: Final = 80
_SPELLINGS: Final = "AdWords CPA CRM CTV DV360 Google HubSpot LinkedIn Meta PMax PPC SEO SMS TikTok TV X YouTube"
BRANDS: Final = {name.lower(): name for name in _SPELLINGS.split()}
"""How brands and abbreviations are written that agents name in small letters."""
_NOTHING: Final[Mapping[str, Any]] = {}


def mapping(value: Any) -> Mapping[str, Any]:
    """Return an object; anything else is an empty one."""
    return value if isinstance(value, dict) else _NOTHING


def rows(value: Any) -> Sequence[Any]:
    """Return a list; anything else is an empty one."""
    return value if isinstance(value, list) else ()


def text(value: Any) -> str:
    """Return a text as it was written; anything else is empty."""
    return value if isinstance(value, str) else ""


def number(value: Any) -> int | float | None:
    """Return a finite number; True is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if isinstance(value, int) or math.isfinite(value) else None


def count(value: Any) -> int | None:
    """Return a whole number of things, which is not negative."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def first(of: Mapping[str, Any], *names: str) -> Any:
    """Return the first of `names` that is there; None if none is."""
    return next((of[name] for name in names if name in of), None)


def leaf(value: Any) -> str:
    """Write a plain value in words, and of anything else that it is there."""
    return short("{…}" if isinstance(value, dict) else words.value(value))


def short(value: str, most: int = SHORT) -> str:
    """Write a text on one line; of a long one its beginning and its end."""
    if len(value) > most * 8:  # a megabyte is not read for a line
        value = f"{value[: most * 4]} … {value[-most * 4 :]}"
    return plain_text.cut(plain_text.marked(plain_text.one_line(value)), most)


def label(name: str) -> str:
    """Write the name of a thing as people do: `paid_search` becomes “Paid search”, `tiktok` “TikTok”."""
    line = short(name.replace("_", " "))
    return " ".join(BRANDS.get(word.lower(), word) for word in (line[:1].upper() + line[1:]).split(" "))


def day(value: Any) -> str:
    """Write a date, or a date and time, as people read it; what is neither stays as it is."""
    written = text(value)
    moment: date | datetime | None
    try:
        moment = parse_datetime(written) or parse_date(written)
    except ValueError:
        moment = None
    if isinstance(moment, datetime) and moment.tzinfo is not None:
        return _moment(moment, written)
    return formats.date_format(moment, "j M Y") if isinstance(moment, date) else short(written)


def _moment(at: datetime, written: str) -> str:
    try:
        return words.moment(at)
    except OverflowError:  # the year 1 or 9999, in another time zone
        return short(written)
