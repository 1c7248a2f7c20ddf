"""What checks found in an e-mail where its readers do not see it. No database."""

import pytest

from approvals.cards.asked import CardSubject
from approvals.cards.email import unseen
from approvals.cards.registry import presenter


def spans(html: str, *words: str) -> list[tuple[int, int]]:
    return [(html.index(word), html.index(word) + len(word)) for word in words]


def told(html: str, *words: str) -> list[tuple[str, str]]:
    places, _left_out = unseen.found(html, spans(html, *words))
    return [
        (place.where, "".join(f"[{part.text}]" if part.is_marked else part.text for part in place.text))
        for place in places
    ]


@pytest.mark.parametrize(
    ("html", "where", "shown"),
    [
        ('<a href="https://bad.example/x">Our shop</a>', "Link “Our shop” leads to", "https://[bad].example/x"),
        ("<a href='https://bad.example/'><img src=x></a>", "Link leads to", "https://[bad].example/"),
        ('<img src="https://bad.example/p.gif">', "Picture from", "https://[bad].example/p.gif"),
        ('<img alt="so bad" src="/p">', "Words for a picture", "so [bad]"),
        ('<p style="background: url(bad.png)">', "Style", "background: url([bad].png)"),
        ('<td data-x="bad">', "“data-x” of <td>", "[bad]"),
        ("<p bad>", "Tag <p>", "<p [bad]>"),
        ("<!-- a bad one -->", "Comment", "<!-- a [bad] one -->"),
        ("<style>.bad {}</style>", "Style sheet", ".[bad] {}"),
        ("<script>let bad</script>", "In <script>, which is not shown", "let [bad]"),
        ("<TITLE>so bad</TITLE>", "In <title>, which is not shown", "so [bad]"),
        ("<title>never closed, bad", "In <title>, which is not shown", "never closed, [bad]"),
    ],
)
def test_a_finding_that_the_preview_cannot_mark_is_told(html: str, where: str, shown: str) -> None:
    assert told(html, "bad") == [(where, shown)]


@pytest.mark.parametrize("html", ["<p>so bad</p>", "no markup, bad", "<title>x</title>bad", '<a href="/x">bad</a>'])
def test_what_the_preview_marks_is_not_told_again(html: str) -> None:
    assert told(html, "bad") == []


def test_each_place_is_told_once_with_all_that_was_found_in_it() -> None:
    html = '<a href="https://one.two.example/">x</a><a href="https://three.example/">y</a>'
    assert told(html, "one", "two", "three") == [
        ("Link “x” leads to", "https://[one].[two].example/"),
        ("Link “y” leads to", "https://[three].example/"),
    ]


def test_a_long_place_is_cut_around_what_was_found() -> None:
    html = f'<a href="https://shop.example/{"a" * 5000}bad{"b" * 5000}">x</a>'
    [(_where, shown)] = told(html, "bad")
    assert shown.startswith("…a")
    assert shown.endswith("b…")
    assert "a[bad]b" in shown
    assert len(shown) < 600


def test_what_is_behind_the_end_of_the_preview_is_told() -> None:
    html = "<b>" * 8000 + "<i>bad</i>"
    assert told(html, "bad")[0][0] == "Behind the end of the preview"


def test_many_places_are_cut() -> None:
    html = "".join(f'<a href="https://bad{number}.example/">x</a>' for number in range(10, 60))
    places, left_out = unseen.found(html, spans(html, *(f"bad{number}" for number in range(10, 60))))
    assert (len(places), left_out) == (unseen.MOST, 50 - unseen.MOST)


def test_nothing_found_is_nothing_told() -> None:
    assert unseen.found('<a href="x">y</a>', ()) == ([], 0)


@pytest.mark.parametrize("name", ["html", "body"])
def test_the_card_tells_it(name: str) -> None:
    html = '<p>Hi <a href="https://bad.example/">there</a></p>'
    card = presenter("email").present(CardSubject({"subject": "s", name: html}, spans={name: spans(html, "bad")}))
    assert [place.where for place in card.unseen] == ["Link “there” leads to"]
