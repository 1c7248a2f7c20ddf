"""Parts of an e-mail that some readers see and the preview does not."""

import pytest

from approvals.cards.asked import CardSubject
from approvals.cards.email import presenter

MSO = "<p>Hello.</p><!--[if mso]><p>90% off for ever <a href='https://offers.example/pay'>pay</a></p><![endif]-->"


def alternatives(**payload):
    shown = presenter.present(CardSubject(payload={"subject": "Spring", **payload}))
    return [
        (part.where, "".join(piece.text for piece in part.text), [link.address for link in part.links])
        for part in shown.alternatives
    ]


def test_a_conditional_comment_is_told_with_its_text_and_links():
    (part,) = alternatives(html=MSO)
    assert part == (
        "Only some versions of Outlook show this", "90% off for ever pay", ["https://offers.example/pay"]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("html", "where", "text"),
    [
        ("<div style='display:none'>Only today</div><p>x", "Hidden by its style", "Only today"),
        ("<style>.pre{display:none}</style><div class=pre>Only today</div>", "Hidden by its style", "Only today"),
        ("<span style='color:#ffffff'>Only today</span>", "Written in the colour", "Only today"),
        (
            "<style>.m{display:none}@media (max-width:600px){.m{display:block}}</style><p class=m>Only today</p>",
            "Shown on some screens only",
            "Only today",
        ),
        ("<noscript>Only today</noscript><p>x", "In <noscript>", "Only today"),
        ("<p>x</p><!-- Only today -->", "In a comment", "Only today"),
    ],
)
def test_what_is_hidden_is_told(html, where, text):
    (part,) = alternatives(html=html)
    assert part[0].startswith(where)
    assert part[1] == text


def test_shapes_for_outlook_and_other_elements_give_their_links():
    (part,) = alternatives(html="<v:roundrect href='https://vml.example/a'>x</v:roundrect><p>y")
    assert part[2] == ["https://vml.example/a"]


def test_another_version_in_the_payload_is_told():
    (part,) = alternatives(
        html="<p>x</p>", amp_html="<html amp4email><p>Other <a href='https://amp.example/'>z</a></p>"
    )
    assert part == ("Another part of the payload: amp_html", "Other z", ["https://amp.example/"])


def test_an_honest_mail_has_none():
    assert not alternatives(html="<html><head><title></title></head><body><p>Hello <!-- --> you</p></body></html>")


def test_many_parts_are_counted_and_the_likely_ones_come_first():
    html = "<!-- note -->" * 30 + MSO
    shown = presenter.present(CardSubject(payload={"subject": "Spring", "html": html}))
    assert (len(shown.alternatives), shown.alternatives_left_out) == (20, 11)
    assert shown.alternatives[0].where == "Only some versions of Outlook show this"
