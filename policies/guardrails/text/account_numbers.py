"""Recognise payment cards and bank accounts by their own check digits. PURE.

Cards: ISO/IEC 7812 (Luhn) with the issuers' prefixes and lengths. Accounts: ISO 13616 (IBAN) with the
registry's length of each country and mod-97.
"""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Final

_LENGTHS: Final = {
    country: int(length)
    for length, countries in {
        "15": "no", "16": "be", "18": "dk fi fk fo gl nl sd", "19": "mk si",
        "20": "at ba ee kz lt lu mn xk", "21": "ch hr li lv",
        "22": "bg bh cr de gb ge ie me rs va", "23": "ae gi il iq om so tl",
        "24": "ad cz es md pk ro sa se sk sn tn vg",
        "25": "ly pt st", "26": "is tr", "27": "bi dj fr gr it mc mr sm", "28": "al az by cy do gt hn hu lb ni pl sv",
        "29": "br eg ps qa ua", "30": "jo kw mu ye", "31": "mt sc", "32": "lc", "33": "ru",
    }.items()
    for country in countries.split()
}  # fmt: skip
_SEPARATOR: Final = r"[ \-./_]"


def _iban_pattern() -> re.Pattern[str]:
    ordered = sorted((length, country) for country, length in _LENGTHS.items())
    forms = [
        rf"(?:{'|'.join(country for _, country in group)})[0-9]{{2}}(?:{_SEPARATOR}?[a-z0-9]){{{length - 4}}}"
        for length, group in groupby(ordered, key=lambda pair: pair[0])
    ]
    return re.compile(rf"(?<![a-z0-9])(?=[a-z][a-z][0-9][0-9])(?:{'|'.join(forms)})(?![a-z0-9])")


_IBAN: Final = _iban_pattern()
_CARD: Final = re.compile(
    rf"(?<![0-9a-z])(?:[0-9]{{4}}({_SEPARATOR})[0-9]{{4}}\1[0-9]{{4}}\1[0-9]{{4}}(?:\1[0-9]{{1,3}})?"
    rf"|[0-9]{{4}}({_SEPARATOR})[0-9]{{6}}\2[0-9]{{4,5}}|[0-9]{{14,19}})(?![0-9a-z])"
)
_ISSUERS: Final = re.compile(
    r"4(?:[0-9]{15}|[0-9]{18})|5[1-5][0-9]{14}|2(?:22[1-9]|2[3-9][0-9]|[3-6][0-9]{2}|7[01][0-9]|720)[0-9]{12}"
    r"|3[47][0-9]{13}|(?:6011|65[0-9]{2}|64[4-9][0-9])[0-9]{12,15}|3(?:0[0-5]|[68][0-9])[0-9]{11}"
    r"|35(?:2[89]|[3-8][0-9])[0-9]{12,15}|62[0-9]{14,17}"
)
_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def cards(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield `(start, end, digits)` of every payment card number in a folded text."""
    for match in _CARD.finditer(text):
        digits = "".join(char for char in match.group() if char.isdecimal())
        if _ISSUERS.fullmatch(digits) and has_luhn(digits):
            yield *match.span(), digits


def has_luhn(digits: str) -> bool:
    """Whether the last digit is the Luhn check digit of the others."""
    numbers = [ord(digit) - 48 for digit in reversed(digits)]
    return (sum(numbers[::2]) + sum(_DOUBLED[number] for number in numbers[1::2])) % 10 == 0


def ibans(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield `(start, end, account)` of every IBAN in a folded text; the account in lower case."""
    for match in _IBAN.finditer(text):
        account = "".join(char for char in match.group() if char.isalnum())
        if has_mod_97(account):
            yield *match.span(), account


def has_mod_97(account: str) -> bool:
    """Whether the check digits of an IBAN (letters in lower case) are right."""
    moved = account[4:] + account[:4]
    return int("".join(str(int(char, 36)) for char in moved)) % 97 == 1
