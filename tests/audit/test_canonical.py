"""Strict reading and canonical writing of JSON."""

import enum
import hashlib
import json
import math
import sys
import time

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from audit import canonical
from audit.canonical import InvalidJson, digest, encode, parse
from audit.json_faults import find_fault
from tests import vectors
from tests.costs import Stopwatch

JCS = ["arrays", "french", "structures", "unicode", "values", "weird"]

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
integers = st.integers(-(2**53) + 1, 2**53 - 1)
floats = st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: not 2**53 <= abs(number) < 1e21)
values = st.recursive(
    st.none() | st.booleans() | integers | floats | texts,
    lambda parts: st.lists(parts) | st.dictionaries(texts, parts),
    max_leaves=25,
)


def fault(data: bytes) -> InvalidJson:
    with pytest.raises(InvalidJson) as caught:
        parse(data)
    return caught.value


@pytest.mark.parametrize("name", JCS)
def test_published_vectors(name):
    jcs = vectors.folder("jcs")
    expected = bytes.fromhex((jcs / "outhex" / f"{name}.txt").read_text())
    assert encode(parse((jcs / "input" / f"{name}.json").read_bytes())) == expected
    assert encode(parse(expected)) == expected


def test_naughty_strings_survive_both_ways():
    naughty = json.loads((vectors.folder("naughty") / "blns.json").read_bytes())
    assert len(naughty) > 400
    for text in naughty:
        document = {text or "empty": [text]}
        assert parse(encode(document)) == document
        assert parse(json.dumps(document).encode()) == document


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (9007199254740992.0, "9007199254740992"),
        (295147905179352830000.0, "295147905179352830000"),
        (1e21, "1e+21"),
        (999999999999999900000.0, "999999999999999900000"),
        (9.999999999999997e22, "9.999999999999997e+22"),
        (333333333.3333332, "333333333.3333332"),
        (0.0001, "0.0001"),
        (0.000001, "0.000001"),
        (1e-7, "1e-7"),
        (-0.0000033333333333333333, "-0.0000033333333333333333"),
        (1424953923781206.2, "1424953923781206.2"),
        (4.50, "4.5"),
        (56.0, "56"),
    ],
)
def test_numbers_are_written_as_ecmascript_writes_them(number, text):
    assert encode(number) == text.encode()


def test_names_are_sorted_by_utf16_units():
    assert encode({"\ufb33": 1, "\U0001f600": 2, "é": 3, "a": 4}) == (
        '{"a":4,"é":3,"\U0001f600":2,"\ufb33":1}'.encode()
    )


@pytest.mark.parametrize(
    ("document", "code", "pointer"),
    [
        (b"", "malformed_json", ""),
        (b"\xef\xbb\xbf{}", "malformed_json", ""),
        (b'{"a":1}x', "malformed_json", ""),
        (b'{"a":[1,2,]}', "malformed_json", "/a/2"),
        (b'{"a":[1 2]}', "malformed_json", "/a/0"),
        (b'{"a":{"b":tru}}', "malformed_json", "/a/b"),
        (b'{"a":01}', "malformed_json", "/a"),
        (b'{"a":+1}', "malformed_json", "/a"),
        (b'{"a":"\t"}', "malformed_json", "/a"),
        (b'{"a":"\\x41"}', "malformed_json", "/a"),
        (b"{'a':1}", "malformed_json", ""),
        (b'{"a" 1}', "malformed_json", "/a"),
        (b'{"a":1,}', "malformed_json", "/a"),
        (b'{"a":1]', "malformed_json", "/a"),
        (b'{"a":', "malformed_json", "/a"),
        (b'{"a":1,"b":{"c":1,"c":2}}', "duplicate_key", "/b/c"),
        (b'{"a":1,"\\u0061":2}', "duplicate_key", "/a"),
        (b'{"a/b":{"c~d":[{"x":1,"x":1}]}}', "duplicate_key", "/a~1b/c~0d/0/x"),
        (b'{"":[NaN]}', "not_a_number", "//0"),
        (b'[1,"a,b",true,null,Infinity]', "not_a_number", "/4"),
        (b'{"a":-Infinity}', "not_a_number", "/a"),
        (b'{"a":1e400}', "not_a_number", "/a"),
        (b'{"a":-1e400}', "not_a_number", "/a"),
        (b'{"a":9007199254740992}', "number_too_large", "/a"),
        (b'{"a":-9007199254740992}', "number_too_large", "/a"),
        (b'{"a":9007199254740992.0}', "number_too_large", "/a"),
        (b'{"a":1e20}', "number_too_large", "/a"),
        (b'{"a":"x\\u0000y"}', "nul_character", "/a"),
        (b'{"a":"x\x00y"}', "nul_character", "/a"),
        (b'{"x\\u0000y":1}', "nul_character", "/x\xef\xbf\xbdy"),
        (b'{"a":["\\ud800"]}', "invalid_unicode", "/a/0"),
        (b'{"a":["\\udc00\\ud800"]}', "invalid_unicode", "/a/0"),
        (b'{"\\uDFFF":1}', "invalid_unicode", "/\xef\xbf\xbd"),
        (b'{"a":["\xff"]}', "invalid_unicode", "/a/0"),
        (b'{"a":["\xed\xa0\x80"]}', "invalid_unicode", "/a/0"),
        (b'{"a":"\xc0\xaf"}', "invalid_unicode", "/a"),
        ('{"a":1}'.encode("utf-16"), "malformed_json", ""),
    ],
)
def test_refusals_name_the_place(document, code, pointer):
    refused = fault(document)
    assert (refused.code, refused.pointer.encode()) == (code, pointer.encode("latin-1"))
    assert refused.reason.endswith(".")


@pytest.mark.parametrize(
    ("document", "value"),
    [
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'"\\\\u0000"', "\\u0000"),
        (b"9007199254740991", 2**53 - 1),
        (b"-9007199254740991", 1 - 2**53),
        (b" [1 ,\t2\r\n] ", [1, 2]),
        (b"1E30", 1e30),
        (b'{"a":{"k":1},"b":{"k":1}}', {"a": {"k": 1}, "b": {"k": 1}}),
    ],
)
def test_what_is_fine_is_read(document, value):
    assert parse(document) == value


@pytest.mark.parametrize(("start", "end"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_nesting_is_bounded(start, end):
    levels = 64 // (start.count("[") + start.count("{"))
    assert parse((start * levels + "0" + end * levels).encode()) is not None
    too_deep = fault((start * levels + "[0]" + end * levels).encode())
    assert too_deep.code == "too_deep"
    assert too_deep.pointer.count("/") == 64


def test_wide_documents_are_not_deep():
    rows = [{"cells": [[], {}, ']]]}}}[[[{{{\\"']} for _ in range(500)]
    assert parse(json.dumps(rows).encode()) == rows
    assert parse(b"[[0]]", max_depth=2) == [[0]]
    with pytest.raises(InvalidJson, match="deeper than 1"):
        parse(b"[[0]]", max_depth=1)


MEBI = 2**20


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(b"[" * MEBI, id="open-arrays"),
        pytest.param(b'{"a":' * (MEBI // 5), id="open-objects"),
        pytest.param(b"9" * MEBI, id="digits"),
        pytest.param(b"1e" + b"9" * MEBI, id="exponent"),
        pytest.param(b'["' + b'\\"' * (MEBI // 2), id="escaped-quotes"),
        pytest.param(b"[" * 70 + b'"' + b"\\" * MEBI, id="backslashes"),
        pytest.param(b"[" + b"0," * (MEBI // 2) + b"NaN]", id="flat"),
        pytest.param(b"[" + b'"\\u0000",' * (MEBI // 9) + b"0]", id="escapes"),
    ],
)
def test_hostile_mebibytes_are_refused_without_recursion(document):
    watch = Stopwatch(time.process_time)
    fault(document)
    assert watch.seconds < 3
    assert sys.getrecursionlimit() <= 10_000


@given(values)
def test_written_and_read_again_is_the_same(value):
    written = encode(value)
    read = parse(written)
    assert read == value
    assert encode(read) == written


@given(values)
@example({"a": 1e-4, "b": 0.00009999, "c": 1e15, "d": 9007199254740991.0, "e": 0.1 + 0.2})
@example({"\x7f\u2028": '\x7f\u2028\x1f\b\f"\\/'})
@example([True, 1, 1.5, 2**53 - 1, 1234567890123456.7, 4503599627370497.5])
def test_the_fast_way_to_write_equals_the_reference(value):
    assert encode(value) == rfc8785.dumps(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_plain_float_equals_the_reference(number):
    assert encode([number]) == rfc8785.dumps([number])


class Outcome(enum.StrEnum):
    ALLOW = "allow"


class Older(str, enum.Enum):  # noqa: UP042  # the kind that formats as its name
    DENY = "denied “so”"


@pytest.mark.parametrize("member", [Outcome.ALLOW, Older.DENY])
def test_a_member_of_an_enumeration_is_its_text(member):
    written = encode({"outcome": [member]})
    assert written == rfc8785.dumps({"outcome": [member]}) == encode({"outcome": [member.value]})


def test_ordinary_payloads_take_the_fast_way():
    ordinary = {"amount": 12.5, "high": 16.0, "to": "søk", "tags": [None, True, -3, -0.0]}
    assert canonical._plain(ordinary) == ordinary
    for other in [{"é": 1}, 1e16, 1e-5, 2**53, math.nan, math.inf, (1,), {1: 2}, {"a": [{"b": 1e300}]}]:
        assert canonical._plain(other) is canonical._OTHER


@given(values, st.data())
def test_both_passes_agree_on_damaged_documents(value, data):
    document = bytearray(json.dumps(value).encode())
    place = data.draw(st.integers(0, len(document) - 1))
    document[place : place + data.draw(st.integers(0, 2))] = data.draw(
        st.sampled_from([b"", b'"', b"[", b"}", b",", b":", b"\\", b"\\ud800", b"\0", b"1e999", b"-", b" "])
    )
    found = find_fault(document.decode(), 64)
    if found is None:
        parse(bytes(document))
    else:
        refused = fault(bytes(document))
        assert (refused.code, refused.pointer) == (found.code, found.pointer)


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(data):
    try:
        value = parse(data)
    except InvalidJson:
        return
    assert parse(encode(value)) == value


@pytest.mark.parametrize(
    ("value", "code", "pointer"),
    [
        ({"a": [1, math.nan]}, "not_a_number", "/a/1"),
        ({"a": {"b": 2**53}}, "number_too_large", "/a/b"),
        (["\ud800"], "invalid_unicode", "/0"),
        ({"a": {"\ud800": 1}}, "invalid_unicode", "/a/\ufffd"),
        ({"a": {1, 2}}, "malformed_json", "/a"),
        ({"a": {1: 2}}, "malformed_json", "/a"),
    ],
)
def test_what_json_cannot_carry_is_not_written(value, code, pointer):
    with pytest.raises(InvalidJson) as caught:
        encode(value)
    assert (caught.value.code, caught.value.pointer) == (code, pointer)


def test_digest_names_the_bytes():
    assert digest(b"{}") == "sha256:" + hashlib.sha256(b"{}").hexdigest()
    assert digest(b"") == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
