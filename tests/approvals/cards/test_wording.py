"""Which words of a long text changed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.cards import wording
from approvals.cards.fields.presenter import field_table
from tests.costs import Stopwatch


def changed(old: str, new: str, marked: Any = ()) -> list[tuple[str, str]] | None:
    parts = wording.changed(old, new, list(marked))
    return None if parts is None else [(part.text, "found" if part.is_marked else part.change) for part in parts]


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("one two three", "one two three", [("one two three", "")]),
        ("one two three", "one 2 three", [("one", ""), (" two", "removed"), (" 2", "added"), (" three", "")]),
        ("one two", "one two three", [("one two", ""), (" three", "added")]),
        ("one two three", "zero two three", [("one", "removed"), ("zero", "added"), (" two three", "")]),
        ("completely other words", "nothing in common here", None),
    ],
)
def test_words_that_changed(old: str, new: str, parts: Any) -> None:
    assert changed(old, new) == parts


def test_a_finding_stays_marked_among_changed_words() -> None:
    found = changed("send it to us", "send it to them now", [(8, 15)])
    assert found is not None
    assert "".join(text for text, kind in found if kind == "found") == "to them"


@given(old=st.text(alphabet="ab \n", max_size=60), new=st.text(alphabet="ab \n", max_size=60))
def test_nothing_of_either_text_is_lost(old: str, new: str) -> None:
    parts = wording.changed(old, new, [])
    if parts is not None:
        assert "".join(part.text for part in parts if part.change != "removed") == new
        assert sum(len(part.text) for part in parts if part.change != "added") == len(old)


def test_long_texts_are_compared_in_good_time() -> None:
    old = " ".join(str(number) for number in range(1000))
    payload = {f"text {number}": old for number in range(300)}
    before = {name: " ".join(reversed(text.split())) for name, text in payload.items()}
    watch = Stopwatch()
    field_table(before, payload)
    assert watch.seconds < 3


def test_the_field_table_marks_words_of_long_texts_only() -> None:
    long = "We are glad to tell you that your place is still here and that nothing was lost on the way to it."
    table = field_table({"long": long, "short": "one two"}, {"long": long.replace("glad", "happy"), "short": "one 2"})
    by_path = {row.path: row for row in table.differing}
    assert [part.text for part in by_path["long"].words if part.change] == [" glad", " happy"]
    assert by_path["short"].words == ()
