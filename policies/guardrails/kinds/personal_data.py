"""E-mail addresses, phone numbers, bank accounts and payment cards."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import phonenumbers

from policies.guardrails.text import account_numbers
from policies.guardrails.text.folding import View, folded
from policies.guardrails.text.reading import Reading, Spot

_WORDS: Final = {"type": "array", "maxItems": 200, "uniqueItems": True}
KINDS: Final = ("email", "phone", "iban", "card")
SCHEMA: Final = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "find": {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"enum": list(KINDS)}},
        "regions": {**_WORDS, "maxItems": 10, "items": {"type": "string", "pattern": "^[A-Z]{2}$"}},
        "allowed": {**_WORDS, "items": {"type": "string", "minLength": 3, "maxLength": 254}},
    },
}
MOST_NUMBERS: Final = 1000
"""So many strings that could be phone numbers are looked at in one run; each costs some 50 µs."""

_EMAIL_DOMAIN: Final = re.compile(r"@(?:[^\W_](?:[\w-]{0,62})\.){1,8}([^\W\d_]{2,24}|xn--[a-z0-9-]{2,59})(?![\w-])")
_EMAIL_NAME: Final = re.compile(r"[\w.!#$%&'*+/=?^{|}~-]{1,64}\Z")
_NOT_DOMAINS: Final = frozenset(["png", "jpg", "jpeg", "gif", "webp", "svg", "css", "js", "html", "htm", "php", "pdf"])
_INTERNATIONAL: Final = re.compile(r"(?<![\w+])(?:\+|00 ?(?=[1-9]))[0-9(][0-9 ().\-/]{5,24}[0-9](?![\w])")
_NATIONAL: Final = re.compile(
    r"(?<![\w.,/:+#\-%=])(?<![0-9] )(?:\([0-9]{2,5}\)|0[1-9]|[2-9][0-9]{2}(?=[ .\-]))"
    r"[0-9 .\-/]{5,16}[0-9](?![\w%])(?! [0-9])"
)
_DATE: Final = re.compile(r"[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{2,4}|[0-9]{4}[./-][0-9]{2}[./-][0-9]{2}")


@dataclass(slots=True)
class _Budget:
    left: int


@dataclass(frozen=True, slots=True)
class PersonalData:
    kinds: frozenset[str]
    regions: tuple[str, ...]
    allowed: frozenset[str]
    allowed_domains: tuple[str, ...]
    allowed_numbers: frozenset[str]

    def __call__(self, readings: Sequence[Reading]) -> Iterator[Spot]:
        """Yield what is personal data; the quotations show only a little of it."""
        budget = _Budget(MOST_NUMBERS)
        for reading in readings:
            for view in reading.everywhere:
                if "email" in self.kinds:
                    yield from self._emails(reading, view)
                if "iban" in self.kinds:
                    yield from self._accounts(reading, view)
                if "card" in self.kinds:
                    yield from self._cards(reading, view)
            if "phone" in self.kinds:
                yield from self._phones(reading, budget)

    def _emails(self, reading: Reading, view: View) -> Iterator[Spot]:
        text = view.text
        for match in _EMAIL_DOMAIN.finditer(text) if "@" in text else ():
            before = text[max(0, match.start() - 64) : match.start()]
            name = _EMAIL_NAME.search(before)
            if name is None or match[1] in _NOT_DOMAINS:
                continue
            local = name.group().lstrip(".'/=?#&{|}").rpartition("mailto:")[2]
            address = f"{local}{match.group()}"
            if not local or address in self.allowed or match.group().endswith(self.allowed_domains):
                continue
            span = view.span(match.start() - len(local), match.end())
            yield Spot(reading, *span, "An e-mail address.", f"{local[0]}…{match.group()}")

    def _accounts(self, reading: Reading, view: View) -> Iterator[Spot]:
        for start, end, account in account_numbers.ibans(view.text):
            if account not in self.allowed_numbers:
                spot = view.span(start, end)
                yield Spot(reading, *spot, "A bank account (IBAN).", f"{account[:2].upper()}… {account[-2:].upper()}")

    def _cards(self, reading: Reading, view: View) -> Iterator[Spot]:
        for start, end, digits in account_numbers.cards(view.text):
            if digits not in self.allowed_numbers:
                yield Spot(reading, *view.span(start, end), "A payment card number.", f"•••• {digits[-4:]}")

    def _phones(self, reading: Reading, budget: _Budget) -> Iterator[Spot]:
        view = reading.visible_folded
        for match in _INTERNATIONAL.finditer(view.text):
            yield from self._phone(reading, view, match, None, budget)
        for region in self.regions:
            for match in _NATIONAL.finditer(view.text):
                if not _DATE.match(match.group()):
                    yield from self._phone(reading, view, match, region, budget)
        if reading.has_markup and "tel:" in reading.folded.text:
            for match in re.finditer(r"(?<=tel:)[+0-9][0-9 ().\-/]{5,24}", reading.folded.text):
                yield from self._phone(
                    reading, reading.folded, match, self.regions[0] if self.regions else None, budget
                )

    def _phone(
        self, reading: Reading, view: View, match: re.Match[str], region: str | None, budget: _Budget
    ) -> Iterator[Spot]:
        budget.left -= 1
        if budget.left <= 0:
            if budget.left == 0:
                text = "Too much here could be phone numbers: what follows was not looked at."
                yield Spot(reading, *view.span(*match.span()), text, "")
            return
        written = match.group()
        try:
            number = phonenumbers.parse(f"+{written[2:]}" if written.startswith("00") else written, region)
        except phonenumbers.NumberParseException:
            return
        if not phonenumbers.is_valid_number(number) or _international(number) in self.allowed_numbers:
            return
        yield Spot(reading, *view.span(*match.span()), "A phone number.", f"{written[:3].strip()}… {written[-2:]}")


def _international(number: phonenumbers.PhoneNumber) -> str:
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)).lstrip("+")


def prepare(config: Mapping[str, Any], *, has_paths: bool) -> PersonalData:
    """Make the check. `allowed` names what is no finding: addresses, `@domains`, numbers as in +49 30 123.

    Raises ValueError if a region is unknown.
    """
    unknown = [region for region in config.get("regions", []) if region not in phonenumbers.SUPPORTED_REGIONS]
    if unknown:
        raise ValueError(f"{unknown[0]} is no region with phone numbers, such as DE or US.")
    allowed = [folded(entry) for entry in config.get("allowed", [])]
    return PersonalData(
        kinds=frozenset(config.get("find", KINDS)),
        regions=tuple(config.get("regions", [])),
        allowed=frozenset(allowed),
        allowed_domains=tuple(entry for entry in allowed if entry.startswith("@")),
        allowed_numbers=frozenset("".join(filter(str.isalnum, entry)) for entry in allowed if "@" not in entry),
    )
