import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policies.guardrails.finding import find, marked, marks

FORBIDDEN = {"phrases": ["risk free", "free", "无风险", "gratis"]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It is free.", ["free"]),
        ("freedom and carefree", []),
        ("RISK\u00a0\n FREE!", ["RISK\u00a0\n FREE", "FREE"]),
        ("fr\u200bee", ["fr\u200bee"]),
        ("ＦＲＥＥ", ["ＦＲＥＥ"]),
        ("frее", ["frее"]),
        ("fr&#101;e", ["fr&#101;e"]),
        ("f<b>re</b>e now", ["f<b>re</b>e"]),
        ("freé", []),
        ("<!-- free -->", ["free"]),
        ("投资无风险的", ["无风险"]),
        ("<img alt='free'>", ["free"]),
        ("nothing here", []),
        ("f\u00adr\u00ade\u00ade", ["f\u00adr\u00ade\u00ade"]),
    ],
)
def test_forbidden_phrases_are_marked_however_they_are_disguised(text, expected):
    assert marks("forbidden_phrases", text, FORBIDDEN) == expected


def test_parts_of_words_are_found_when_asked():
    assert marks("forbidden_phrases", "carefree", {"phrases": ["free"], "whole_words": False}) == ["free"]


@given(st.text(max_size=50), st.text(max_size=50))
def test_a_forbidden_phrase_is_found_wherever_it_stands(before, after):
    text = f"{before} zqxw! {after}"
    found = find("forbidden_phrases", [text], {"phrases": ["zqxw!"]})
    assert any("zqxw" in marked([text], finding) for finding in found)


@pytest.mark.parametrize(
    ("payload", "config", "paths", "missing_at"),
    [
        pytest.param({"a": "Terms apply.", "b": "x"}, {}, (), [], id="anywhere"),
        pytest.param({"a": "Terms apply.", "b": "x"}, {}, ("/a", "/b"), ["/b"], id="each-of-the-paths"),
        pytest.param({"a": "Terms apply.", "b": "x"}, {"in": "any"}, ("/a", "/b"), [], id="any-of-the-paths"),
        pytest.param({"a": "<!-- terms apply -->"}, {}, (), ["/a"], id="not-in-a-comment"),
        pytest.param({"a": "<p title='terms apply'>"}, {}, (), ["/a"], id="not-in-an-attribute"),
        pytest.param({"a": "Terms<br>apply"}, {}, (), [], id="across-tags"),
        pytest.param({"n": 1}, {}, (), [""], id="no-text-at-all"),
        pytest.param({"b": "terms apply"}, {}, ("/a",), [""], id="no-text-at-the-path"),
    ],
)
def test_required_phrases(payload, config, paths, missing_at):
    found = find("required_phrases", payload, {"phrases": ["terms apply"], **config}, paths=paths)
    assert [finding.pointer for finding in found] == missing_at
    assert all("missing" in finding.found and finding.start == finding.end for finding in found)
