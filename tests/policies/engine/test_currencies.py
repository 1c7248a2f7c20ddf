"""Sums as people read them, with the decimals of their currency."""

from decimal import Decimal

import pytest

from policies.currencies import CODES, money


@pytest.mark.parametrize(
    ("value", "currency", "text"),
    [
        (4000, "USD", "4,000.00 USD"),
        (Decimal("4000.0000"), "USD", "4,000.00 USD"),
        (12.5, "EUR", "12.50 EUR"),
        (500_000, "JPY", "500,000 JPY"),
        (900, "KWD", "900.000 KWD"),
        (Decimal("900.1234"), "KWD", "900.1234 KWD"),
        (0.0125, "USD", "0.0125 USD"),
        (100.5, "JPY", "100.5 JPY"),
        (-900, "USD", "-900.00 USD"),
        (1, "CLF", "1.0000 CLF"),
        (4000.0, "", "4,000"),
        (0.5, "", "0.5"),
        (1e300, "USD", f"{Decimal('1e300'):,f} USD"),
        (float("nan"), "USD", "nan USD"),
        (float("inf"), "USD", "inf USD"),
    ],
)
def test_a_sum_has_the_decimals_of_its_currency(value, currency, text):
    assert money(value, currency) == text


def test_the_codes_are_those_of_money():
    assert {"USD", "EUR", "GBP", "JPY", "KWD", "CHF", "XOF", "ZWG"} <= {*CODES}
    assert not {"ZZZ", "XXX", "XTS", "XAU", "XDR", "DEM", "BGN", ""} & {*CODES}
    assert len(CODES) == 165
