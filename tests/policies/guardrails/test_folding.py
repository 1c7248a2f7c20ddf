import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.guardrails.text.folding import BY_LOOK, View, fold, folded
from policies.guardrails.text.reading import Reading


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("ＦＲＥＥ", "free"),
        ("ﬁne", "fine"),
        ("STRASSE", "straße"),
        ("cafe\u0301", "café"),
        ("𝐟𝐫𝐞𝐞", "free"),
        ("fr\u200bee", "free"),
        ("fr\u00adee", "free"),
        ("risk \t\n free", "risk\u00a0free"),
        ("٣", "3"),
        ("don’t", "don't"),
        ("a–b", "a-b"),
        ("İ", "i\u0307"),
        ("각", "\u1100\u1161\u11a8"),
        ("ΌΣΟΣ", "όσος"),
    ],
)
def test_what_reads_alike_is_alike(text, same):
    assert folded(text) == folded(same)


def test_letters_that_look_latin_are_read_by_look_only_when_asked():
    assert folded("pаypal") != folded("paypal")
    assert folded("pаypal", BY_LOOK) == "paypal"


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_canonically_equal_texts_fold_alike(text):
    assert folded(unicodedata.normalize("NFD", text)) == folded(unicodedata.normalize("NFC", text))


@given(st.text(max_size=40), st.text("ab é\u0301\u0316ﬁß\u200b\n ", max_size=30), st.data())
def test_places_in_the_folded_text_lead_back(before, middle, data):
    text = f"{before}MARK{middle}"
    view = fold(View(text))
    at = view.text.find("mark", len(folded(before)))
    if at >= 0:
        start, end = view.span(at, at + 4)
        assert folded(text[start:end]) == "mark"
    start = data.draw(st.integers(0, len(view.text)))
    end = data.draw(st.integers(start, len(view.text)))
    first, last = view.span(start, end)
    assert 0 <= first <= last <= len(text)


@given(st.text("<>&;/=\"'ab-! amp#1xlt\n\u00e9", max_size=80))
def test_any_text_may_be_read_as_markup_and_places_lead_back(text):
    reading = Reading("/x", text)
    view = reading.visible
    for at in range(len(view.text)):
        start, end = view.span(at, at + 1)
        assert 0 <= start < end <= len(text)
        if end - start == 1 and text[start] not in "<>&":
            assert view.text[at] in {text[start], "\n"}
    assert all(0 <= token.start < token.end <= len(text) or token.kind == "raw" for token in reading.tokens)


@pytest.mark.parametrize(
    ("html", "seen"),
    [
        ("gu<b>arant</b>eed", "guaranteed"),
        ("a<br>b", "a\nb"),
        ("<!-- no -->yes", "yes"),
        ("<!-->yes", "yes"),
        ("<style>p{}</style>x", "x"),
        ("<script>1<2</script>x", "x"),
        ("a &lt;b&gt; &#x41;&amp;", "a <b> A&"),
        ('<a title="1 > 0">x</a>', "x"),
        ("1 < 2 & 3", "1 < 2 & 3"),
        ("<p", ""),
        ("x<!-- open", "x"),
    ],
)
def test_what_a_reader_sees(html, seen):
    assert Reading("/x", html).visible.text.strip() == seen
