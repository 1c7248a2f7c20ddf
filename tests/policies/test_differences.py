"""What a payload changes, field by field."""

import pytest

from policies.differences import MISSING, FieldChange, changes, compare, describes_same_fields, leaves


@pytest.mark.parametrize(
    ("old", "new", "rows"),
    [
        pytest.param({"a": 1}, {"a": 1}, [("a", FieldChange.SAME, 1, 1)], id="nothing-differs"),
        pytest.param(
            {"a": 1, "b": 2},
            {"a": 1, "b": 3},
            [("b", FieldChange.CHANGED, 2, 3), ("a", FieldChange.SAME, 1, 1)],
            id="changed-first",
        ),
        pytest.param({}, {"a": 1}, [("a", FieldChange.ADDED, MISSING, 1)], id="new"),
        pytest.param({"a": 1}, {}, [("a", FieldChange.REMOVED, 1, MISSING)], id="gone"),
        pytest.param({"a": {"b": 1}}, {"a": {"b": 2}}, [("a.b", FieldChange.CHANGED, 1, 2)], id="nested"),
        pytest.param(
            {"a": [1, 2]}, {"a": [1, 3]}, [("a", FieldChange.CHANGED, [1, 2], [1, 3])], id="short-lists-are-leaves"
        ),
        pytest.param(
            {"a": [{"b": 1}]}, {"a": [{"b": 2}]}, [("a[1].b", FieldChange.CHANGED, 1, 2)], id="lists-of-objects"
        ),
        pytest.param({"a": True}, {"a": 1}, [("a", FieldChange.CHANGED, True, 1)], id="true-is-not-one"),
        pytest.param({"a": None}, {}, [("a", FieldChange.REMOVED, None, MISSING)], id="null-is-not-nothing"),
        pytest.param("x", "y", [("", FieldChange.CHANGED, "x", "y")], id="no-object-at-all"),
        pytest.param({}, {}, [], id="empty"),
    ],
)
def test_compare(old, new, rows) -> None:
    assert [(row.path, row.change, row.old, row.new) for row in compare(old, new)] == rows


@pytest.mark.parametrize(
    ("old", "new", "difference", "percent"),
    [
        (20_000, 16_000, -4000, -20.0),
        (0.1, 0.3, 0.2, 200.0),
        (0, 5, 5, None),
        (-10, 10, 20, 200.0),
        ("1", 2, None, None),
        (True, 2, None, None),
        (5, 5, None, None),
    ],
)
def test_how_much_a_number_grew(old, new, difference, percent) -> None:
    row = compare({"a": old}, {"a": new})[0]
    assert row.difference == difference
    assert row.percent == (None if percent is None else pytest.approx(percent))


def test_only_what_differs() -> None:
    assert [row.path for row in changes({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4})] == ["b", "c"]


def test_a_state_in_other_words_than_the_payload_is_no_older_version_of_it() -> None:
    assert not describes_same_fields(leaves({"search": 1}), leaves({"from": "search"}))
    assert describes_same_fields(leaves({"a": {"b": 1}}), leaves({"a": {"b": 2, "c": 3}}))


def test_a_deep_payload_is_flattened_too() -> None:
    value: object = 1
    for _ in range(64):
        value = {"a": value}
    assert leaves(value) == {".".join("a" * 64): 1}
