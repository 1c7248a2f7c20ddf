"""What a terminal shows of the demo's e-mails."""

from dataclasses import replace

import pytest

from approvals.messaging.email import transport
from approvals.messaging.message import Fact, Message
from hitlportal.demo.post import END, Mail, Post, parse

MESSAGE = Message(
    id="1",
    thread="1",
    asks=True,
    heading="Needs your decision",
    title="Lower the starter plan from $29 to $24 – für alle",
    effect="If approved, the price of starter goes down.",
    url="http://127.0.0.1:8000/admin/approvals/proposal/1/",
    link_text="Open and decide",
    note="",
    facts=[Fact("Surface", "Catalogue prices")],
    differences=[],
    more_differences=0,
)


@pytest.fixture
def post(tmp_path, settings) -> Post:
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path)
    return Post(tmp_path)


def test_an_e_mail_is_told_in_three_lines(post):
    transport.send(MESSAGE, to="finance@shop.example")
    (mail,) = post.read()
    assert [*mail.lines()] == [
        "E-mail to finance@shop.example: Needs your decision: Lower the starter plan from $29 to $24 – für alle",
        "  If approved, the price of starter goes down.",
        "  Open and decide: http://127.0.0.1:8000/admin/approvals/proposal/1/",
    ]


def test_each_is_told_once_also_where_several_share_a_file(post, tmp_path):
    transport.send(MESSAGE, to="finance@shop.example")
    (path,) = tmp_path.iterdir()
    one = path.read_bytes()
    assert len(post.read()) == 1
    assert post.read() == []
    path.write_bytes(one + one + one.removesuffix(END))
    assert len(post.read()) == 1
    path.write_bytes(one + one + one)
    assert len(post.read()) == 1
    assert len(post.mails) == 3


def test_what_was_there_before_is_old(post, tmp_path):
    transport.send(MESSAGE, to="finance@shop.example")
    later = Post(tmp_path)
    assert later.read() == []
    transport.send(replace(MESSAGE, id="2"), to="executive@shop.example")
    assert [mail.to for mail in later.read()] == ["executive@shop.example"]


def test_a_mail_without_text_or_link_is_told_all_the_same():
    mail = parse(b"To: finance@shop.example\nSubject: Nothing\n\n")
    assert mail == Mail("finance@shop.example", "Nothing", "", "", "")
    assert [*mail.lines()] == ["E-mail to finance@shop.example: Nothing"]
