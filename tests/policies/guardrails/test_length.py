import pytest

from tests.policies.guardrails.finding import find, marked


@pytest.mark.parametrize(
    ("text", "config", "expected"),
    [
        ("abcdef", {"max_characters": 4}, ["ef"]),
        ("abcd", {"max_characters": 4}, []),
        (" abcd ", {"max_characters": 4}, []),
        ("<b>abcd</b>", {"max_characters": 4}, []),
        ("&amp;&amp;x", {"max_characters": 2}, ["x"]),
        ("ab", {"min_characters": 3}, ["ab"]),
        ("", {"min_words": 1}, [""]),
        ("one two three", {"max_words": 2}, ["three"]),
        ("it's well-made", {"max_words": 2}, []),
        ("one", {"min_words": 2, "min_characters": 9}, ["one", "one"]),
    ],
)
def test_length(text, config, expected):
    assert [marked({"t": text}, finding) for finding in find("length", {"t": text}, config)] == expected
