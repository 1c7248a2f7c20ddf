import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.guardrails.text.account_numbers import has_luhn, has_mod_97
from tests.policies.guardrails.finding import find, marks

REGIONS = {"regions": ["US", "DE", "GB", "FR"], "allowed": ["@example.com", "press@other.test", "+49 30 1234567"]}


@pytest.mark.parametrize(
    "text",
    [
        "jane.doe+x@mail.test",
        "mailto:jane@mail.test",
        "jane@mail.test.",
        "JANE@MAIL.TEST",
        "ｊane＠mail.test",
        "jane@mail.co.uk",
        "+49 171 2345678",
        "0049 171 2345678",
        "+1 (415) 555-2671",
        "(415) 555-2671",
        "415-555-2671",
        "0171 2345678",
        "0171/2345678",
        "020 7946 0018",
        "01 42 68 53 00",
        "+33142685300",
        "<a href='tel:+4930901820'>x</a>",
        "DE89 3704 0044 0532 0130 00",
        "DE89370400440532013000",
        "gb82west12345698765432",
        "FR14 2004 1010 0505 0001 3M02 606",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111111111111111",
        "3782 822463 10005",
        "5555 5555 5555 4444",
        "6011111111111117",
        "4111.1111.1111.1111",
        "4111\u00a01111\u00a01111\u00a01111",
        "٤١١١١١١١١١١١١١١١",
    ],
)
def test_personal_data_is_found_once(text):
    assert len(marks("personal_data", f"Write to {text} today", REGIONS)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20",
        "20.11.2026",
        "11/20/2026",
        "order 1234567890",
        "4111 1111 1111 1112",
        "1 000 000 000",
        "$4,155,552,671",
        "DE88 3704 0044 0532 0130 00",
        "image@2x.png",
        "a@b",
        "@media (max-width: 600px)",
        "@example",
        "you@example.com",
        "press@other.test",
        "+49 30 1234567",
        "1234567890123456",
        "ISBN 978-3-16-148410-0",
        "10.0.0.1",
        "version 1.2.3.4",
        "#0171234567",
        "width=4155552671",
        "100% of 2000 in 2026",
        "*|EMAIL|*",
        "00000000-0000-0000-0000-000000000000",
        "0000000000000000",
    ],
)
def test_what_is_no_personal_data_passes(text):
    assert marks("personal_data", f"Text {text} text", REGIONS) == []


def test_the_quotation_repeats_only_a_little():
    text = "jane@mail.test 4111 1111 1111 1111 DE89370400440532013000 +49 171 2345678"
    quoted = " ".join(finding.excerpt for finding in find("personal_data", [text]))
    assert quoted == "j…@mail.test •••• 1111 DE… 00 +49… 78"


def test_only_the_kinds_that_are_asked_for():
    assert marks("personal_data", "jane@mail.test 4111111111111111", {"find": ["card"]}) == ["4111111111111111"]


def test_numbers_that_were_not_looked_at_are_told():
    found = find("personal_data", ["+49 " + "1 2 3 4 5 6 7 x +49 " * 2000])
    assert any("not looked at" in finding.found for finding in found)


@given(st.text("0123456789", min_size=11, max_size=18))
def test_one_check_digit_fits(digits):
    assert sum(has_luhn(digits + last) for last in "0123456789") == 1


@given(st.text("0123456789", min_size=18, max_size=18), st.integers(0, 17), st.integers(1, 9))
def test_a_wrong_digit_breaks_an_account(bban, at, off):
    check = next(f"{n:02}" for n in range(2, 99) if has_mod_97(f"de{n:02}{bban}"))
    wrong = bban[:at] + str((int(bban[at]) + off) % 10) + bban[at + 1 :]
    assert not has_mod_97(f"de{check}{wrong}")
