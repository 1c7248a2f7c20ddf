"""Currencies: their ISO 4217 codes, and how many decimals each has. PURE.

The table is "List one" of ISO 4217 as SIX, its maintenance agency, publishes it, with the amendments that are in
force since 2026-01-01, without what has no decimals of its own: metals, bond units, drawing rights, test codes.
"""

from decimal import Decimal
from typing import Final

_BY_DECIMALS: Final = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: (
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW"
        " CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF"
        " IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK"
        " MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP"
        " SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG"
        " YER ZAR ZMW ZWG"
    ),
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
DECIMALS: Final = {code: decimals for decimals, codes in _BY_DECIMALS.items() for code in codes.split()}
"""By code; what is not in it is no currency."""
CODES: Final = tuple(sorted(DECIMALS))
HINT: Final = "Write the three letters of ISO 4217, such as USD."
EXACT: Final = 10**15
"""From here on a binary number has no decimals to show."""


def is_known(code: str) -> bool:
    """Whether `code` is a currency's; its letters are capital ones."""
    return code in DECIMALS


def digits(value: float | Decimal, currency: str) -> str:
    """Write a sum's digits with thousands separated and the currency's number of decimals.

    Decimals beyond those are shown as well: nobody approves what was rounded on the screen. Without a currency
    there are no needless zeros.
    """
    places = DECIMALS.get(currency, 0)
    if not isinstance(value, Decimal) and abs(value) < EXACT and round(value, places) == value:
        return f"{value:,.{places}f}"
    exact = value if isinstance(value, Decimal) else Decimal(str(value))
    if not exact.is_finite():
        return str(value)
    plain = f"{exact:,f}"
    whole, _, decimals = plain.partition(".")
    decimals = "" if abs(exact) >= EXACT else decimals.rstrip("0").ljust(places, "0")
    return f"{whole}.{decimals}" if decimals else whole


def money(value: float | Decimal, currency: str) -> str:
    """Write a sum with its currency, as people read it: 4,000.00 USD, 500,000 JPY, 900.000 KWD."""
    return f"{digits(value, currency)} {currency}".rstrip()
