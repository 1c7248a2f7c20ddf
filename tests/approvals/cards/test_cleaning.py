"""HTML of e-mails, made harmless."""

import re

import pytest

from approvals.cards.email import cleaning, inventory
from approvals.cards.email.cleaning import clean
from tests.costs import Stopwatch


@pytest.mark.parametrize(
    ("html", "cleaned"),
    [
        ("<p onclick=x()>Hi</p>", "<p>Hi</p>"),
        ("<script>alert(1)</script>Hi", "Hi"),
        ("<style>p{color:red}</style>Hi", "<style>p{color:red}</style>Hi"),
        ("<style>@import url(//x);p{color:red}</style>", "<style>p{color:red}</style>"),
        ("<style>p{background:u\\72l(//x)}</style>", "<style></style>"),
        ('<p style="color:red;background:url(//x)">Hi</p>', '<p style="color:red">Hi</p>'),
        ('<a href="https://x.example/">Go</a>', '<a title="https://x.example/">Go</a>'),
        ('<a href="javascript:x()">Go</a>', "<a>Go</a>"),
        ('<img src="https://x.example/p.gif" alt="P">', '<img alt="P">'),
        ('<img src="data:image/gif;base64,R0" onerror=x()>', '<img src="data:image/gif;base64,R0">'),
        ('<img srcset="https://x.example/p.gif 2x">', "<img>"),
        ('<table background="https://x.example/p.gif"><tr><td>x', "<table><tbody><tr><td>x</td></tr></tbody></table>"),
        ('<meta http-equiv="refresh" content="0;url=//x">Hi', "Hi"),
        ("<base href=//x><link rel=stylesheet href=//x><form action=//x><input>Hi</form>", "Hi"),
        ("<iframe src=//x></iframe><object data=//x></object><svg onload=x()><p>Hi", "<p>Hi</p>"),
        ("Hi {{ name }} *|FNAME|* {% if x %}", None),
    ],
)
def test_nothing_runs_and_nothing_is_fetched(html: str, cleaned: str | None) -> None:
    found = clean(html)
    if cleaned is None:
        assert found.count('<mark class="hitl-tag">') == 3
    else:
        assert found == cleaned


def test_pictures_from_elsewhere_come_only_when_asked_for() -> None:
    html = '<img src="https://x.example/a.gif"><img src="http://x.example/b.gif"><img src="//x.example/c.gif">'
    assert "example" not in clean(html)
    assert clean(html, images=True) == '<img src="https://x.example/a.gif"><img><img>'


def test_merge_tags_in_addresses_break_no_attribute() -> None:
    found = clean('<a href="https://x.example/{{ id }}">{{ name }}</a>')
    assert found == '<a title="https://x.example/{{ id }}"><mark class="hitl-tag">{{ name }}</mark></a>'


def test_a_finding_is_marked_in_the_text_even_across_tags() -> None:
    html = "<p>Get <b>rich</b> quick</p>"
    start, end = html.index("Get"), html.index(" quick")
    assert clean(html, spans=[(start, end)]) == (
        '<p><mark class="hitl-finding">Get </mark><b><mark class="hitl-finding">rich</mark></b> quick</p>'
    )


@pytest.mark.parametrize("place", ["href", "title", "x onmouseover"])
def test_a_finding_inside_a_tag_cannot_open_it(place: str) -> None:
    html = f'<a {place}="https://x.example/evil">Go</a>'
    start = html.index("evil")
    found = clean(html, spans=[(start, start + 4)])
    assert "hitl-finding" not in re.sub(r">[^<]*<", "><", found)
    assert "onmouseover" not in found


def test_signs_of_ours_in_a_payload_mark_nothing() -> None:
    assert clean("<p>\ue000Hi\ue001</p>") == "<p>Hi</p>"


@pytest.mark.parametrize("piece", ["<div>", "<b>", "<p><b><i>", "<table><tr><td>", "<a href=x>", "{{ ", "<!--", "<"])
def test_a_megabyte_of_anything_is_cleaned_in_good_time(piece: str) -> None:
    html = piece * (1024 * 1024 // len(piece))
    watch = Stopwatch()
    page = cleaning.page(html, title="x")
    inventory.of(html)
    assert watch.seconds < 2
    assert "The preview ends here" in page


def test_the_text_has_a_line_for_each_block() -> None:
    html = "<style>p{}</style><h1>Hello</h1><p>One <b>two</b>\n three<br>four</p><ul><li>A<li>B</ul><img alt='Logo'>"
    assert inventory.of(html).text == "Hello\nOne two three\nfour\n• A\n• B\n[Logo]"
