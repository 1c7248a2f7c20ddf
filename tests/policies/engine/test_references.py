"""The reserved form in which a payload names rows, and where a schema allows it."""

import pytest

from audit import canonical
from policies.engine import payloads, references

ROWS = {"type": "array", "items": {"type": "object"}, "x-by-reference": True}
REFERENCE = {
    "$upload": "01937325-0000-7000-8000-2c5f1b7a0d10",
    "digest": "sha256:" + "a" * 64,
    "count": 3,
    "kinds": {"update": 3},
}


def schema(**rows: object) -> dict:
    return {"type": "object", "properties": {"rows": ROWS | rows, "name": {"type": "string"}}}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        pytest.param({"x-by-reference": 7}, "is true, or an object", id="number"),
        pytest.param({"x-by-reference": {"max": 3}}, "is true, or an object", id="unknown-word"),
        pytest.param({"x-by-reference": {"max_rows": 0}}, "is true, or an object", id="none"),
        pytest.param({"x-by-reference": {"key": ""}}, "is true, or an object", id="empty-key"),
        pytest.param({"items": True}, "needs “items”", id="no-items"),
        pytest.param({"uniqueItems": True}, "does not go with “uniqueItems”", id="unique"),
        pytest.param({"contains": {}}, "does not go with “contains”", id="contains"),
    ],
)
def test_what_cannot_be_meant_is_told(rows: dict, said: str) -> None:
    (problem,) = references.problems(schema(**rows))
    assert said in problem


@pytest.mark.parametrize("said", [True, False, {}, {"max_rows": 5, "key": "id", "kind": "op"}])
def test_what_is_meant_is_fine(said: object) -> None:
    assert references.problems(schema(**{"x-by-reference": said})) == []


def test_a_reference_fits_in_the_place_of_its_rows_and_nowhere_else() -> None:
    payload = {"rows": REFERENCE}
    assert payloads.errors(references.in_place(schema(), payload), payload) == []
    not_allowed = schema(**{"x-by-reference": False})
    assert payloads.errors(references.in_place(not_allowed, payload), payload)
    odd = {"rows": {**REFERENCE, "count": 0, "more": 1}}
    assert {fault.pointer for fault in payloads.errors(references.in_place(schema(), odd), odd)} == {
        "/rows/count",
        "/rows/more",
    }


def test_the_digest_of_sense_leaves_only_the_name_of_the_upload_out() -> None:
    def sense(**changed: object) -> str:
        return references.digest_of_sense(canonical.encode({"rows": {**REFERENCE, **changed}, "name": "x"}))

    assert sense() == sense(**{"$upload": "another"})
    assert len({sense(), sense(count=4), sense(digest="sha256:" + "b" * 64)}) == 3
    plain = canonical.encode({"name": "x"})
    assert references.digest_of_sense(plain) == canonical.digest(plain)


def test_a_text_that_looks_like_a_reference_is_none() -> None:
    assert references.read_bytes(b'{"name":"\\"$upload\\""}') == []
    assert references.read_bytes(b'["$upload"]') == []
