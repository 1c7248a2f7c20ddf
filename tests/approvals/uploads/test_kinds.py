"""What is done to a row, in a word or two."""

import pytest

from approvals.uploads.kinds import KindCount, key_of
from policies.engine.references import ByReference

PLAIN = ByReference(member="rows", items={})


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        pytest.param({"lead": "1", "fields": {"city": "Bonn", "age": 3}}, "age, city", id="fields"),
        pytest.param({"lead": "1", "fields": {"a": 1, "b": 2}, "before": {"a": 1}}, "b", id="what-differs"),
        pytest.param({"lead": "1", "fields": {"a": True}, "before": {"a": 1}}, "a", id="true-is-not-1"),
        pytest.param({"id": "1", "score": 3}, "score", id="flat"),
        pytest.param({"id": "1", "after": {"x": None}}, "x", id="after"),
        pytest.param({"id": "1"}, "other", id="nothing"),
    ],
)
def test_without_a_word_for_it_the_changed_fields_are_the_kind(row: dict, kind: str) -> None:
    counted = KindCount(PLAIN)
    counted.add(row)
    assert counted.counts() == {kind: 1}


def test_the_kinds_beyond_a_number_count_as_other() -> None:
    counted = KindCount(ByReference(member="rows", items={}, kind="op"))
    for number in range(60):
        counted.add({"op": f"kind-{number}"})
    counted.add({"op": {"odd": 1}})
    assert counted.counts()["other"] == 11
    assert sum(counted.counts().values()) == 61


def test_rows_are_looked_for_by_the_named_or_a_usual_field() -> None:
    assert key_of({"sku": 1, "email": 2}, PLAIN) == "email"
    assert key_of({"x": 1}, PLAIN) == ""
    assert key_of({"email": 2}, ByReference(member="rows", items={}, key="x")) == "x"
