"""What the portal reads in a payload itself."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.engine import payloads
from policies.engine.payloads import MAX_ERRORS, SchemaInvalid, derive, errors, pointer, resolve
from tests.costs import Stopwatch
from tests.policies.engine.test_evaluation import SURFACE

DOCUMENT = {"a": {"b": [10, {"c": 1}]}, "": 7, "x/y": 1, "m~n": 2, "~1": 3}


@pytest.mark.parametrize(
    ("at", "found"),
    [
        ("", DOCUMENT),
        ("/a/b/0", 10),
        ("/a/b/1/c", 1),
        ("/", 7),
        ("/x~1y", 1),
        ("/m~0n", 2),
        ("/~01", 3),
        ("/a/b/2", None),
        ("/a/b/-", None),
        ("/a/b/-1", None),
        ("/a/b/01", None),
        ("/a/b/\u0661", None),
        ("/a/b/0/c", None),
        ("/nothing/here", None),
    ],
)
def test_pointers(at, found):
    assert resolve(DOCUMENT, at) == found


@given(st.lists(st.text(max_size=4), max_size=4))
def test_every_path_has_a_pointer_that_finds_it(path):
    value: object = "here"
    for part in reversed(path):
        value = {part: value}
    assert resolve(value, pointer(path)) == "here"


SCHEMA = {
    "type": "object",
    "required": ["amount"],
    "additionalProperties": False,
    "properties": {"amount": {"type": "number", "maximum": 100}, "to": {"enum": ["search", "social"]}},
}


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        ({"amount": 1}, set()),
        ({}, {("/payload/amount", "required")}),
        ({"amount": 101}, {("/payload/amount", "maximum")}),
        ({"amount": "1", "to": "tv"}, {("/payload/amount", "type"), ("/payload/to", "enum")}),
        ([], {("/payload", "type")}),
    ],
)
def test_errors_name_the_field_and_the_rule(payload, found):
    assert {(error.pointer, error.code) for error in errors(SCHEMA, payload, at="/payload")} == found


def test_an_unknown_field_is_named():
    (error,) = errors(SCHEMA, {"amount": 1, "amuont": 2}, at="/payload")
    assert error.pointer == "/payload/amuont"


@pytest.mark.parametrize(
    ("schema", "value", "detail"),
    [
        ({"maxItems": 3}, [0] * 10_001, "At most 3 items may stand here; these are 10,001."),
        ({"minItems": 3}, ["x" * 9_000], "At least 3 items must stand here; these are 1."),
        ({"maxLength": 3}, "x" * 10_001, "At most 3 characters may stand here; these are 10,001."),
        ({"minLength": 3}, "x", "At least 3 characters must stand here; these are 1."),
        ({"maxProperties": 1}, {"a": "x" * 999, "b": 1}, "At most 1 fields may stand here; these are 2."),
        ({"uniqueItems": True}, [1] * 10_001, "This does not fit “uniqueItems” of the schema."),
        ({"pattern": "^a"}, "x" * 10_001, "This does not fit “pattern” of the schema."),
        ({"type": "integer"}, {"a": "x" * 10_001}, "This does not fit “type” of the schema."),
        ({"maximum": 3}, 4, "4 is greater than the maximum of 3"),
    ],
)
def test_what_is_large_is_told_by_its_limit_and_not_quoted(schema, value, detail):
    (error,) = payloads.errors({"properties": {"field": schema}}, {"field": value})
    assert (error.pointer, error.detail) == ("/field", detail)


def test_errors_are_bounded_in_number_and_length():
    found = errors({"items": {"const": "x" * 1000}}, ["y"] * 100)
    assert len(found) == MAX_ERRORS
    assert all(len(error.detail) <= 300 for error in found)


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "https://schemas.example.com/payload.json"},
        {"$ref": "file:///etc/passwd"},
        {"type": "no-such-type"},
        {"pattern": "("},
        {"$ref": "#/$defs/nowhere"},
    ],
)
def test_a_schema_that_reaches_out_or_makes_no_sense_is_refused(schema):
    with pytest.raises(SchemaInvalid):
        payloads.validator(schema)


def test_its_own_parts_may_be_referred_to():
    schema = {"$defs": {"money": {"type": "integer"}}, "$ref": "#/$defs/money"}
    assert errors(schema, 1) == []
    assert len(errors(schema, "1")) == 1


def test_a_hostile_pattern_takes_linear_time():
    watch = Stopwatch()
    assert errors({"pattern": "^(a+)+$"}, "a" * 50_000 + "!")
    assert watch.seconds < 2


@pytest.mark.parametrize("name", ["date", "date-time", "time", "email", "uri"])
def test_a_format_is_explained_by_an_example_that_fits(name):
    schema = {"type": "string", "format": name}
    [fault] = errors(schema, "lots")
    assert fault.code == "format"
    example = fault.detail.rpartition(" ")[2].removesuffix(".")
    assert fault.detail.startswith("This must be a")
    assert errors(schema, example) == []


def test_formats_are_checked():
    assert errors({"format": "date-time"}, "yesterday")


def _has(name: str, schema: dict) -> dict:
    return {"type": "object", "required": [name], "properties": {name: schema}}


SURFACE_THAT_READS = replace(
    SURFACE,
    derived_tags=(
        {"tag": "do_not_email", "if": _has("consent", {"const": False})},
        {"tag": "large", "if": _has("amount", {"type": "number", "minimum": 1000})},
    ),
    amount_pointer="/amount",
    audience_pointer="/audience/size",
)


@pytest.mark.parametrize(
    ("payload", "tags", "amount", "size"),
    [
        ({"consent": False, "amount": 5000, "audience": {"size": 12}}, ("do_not_email", "large"), 5000, 12),
        ({"consent": True, "amount": 1.5}, (), 1.5, None),
        ({"amount": True, "audience": {"size": 1.5}}, (), None, None),
        ({"amount": "5000"}, (), None, None),
        ([], (), None, None),
    ],
)
def test_tags_amount_and_audience_are_read_in_the_payload(payload, tags, amount, size):
    found = derive(SURFACE_THAT_READS, payload)
    assert (found.amount, found.audience_size) == (amount, size)
    assert found.tags == tags
