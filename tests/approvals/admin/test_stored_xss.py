"""What an agent writes is text on every page: no element, no attribute and no address of its making."""

from collections import Counter
from html.parser import HTMLParser
from typing import Any

import pytest
from django.core.cache import cache
from django.template.loader import render_to_string
from django.test import Client

from approvals.cards import registry
from approvals.cards.asked import CardSubject, Other
from approvals.cards.email import cleaning, merge_tags
from approvals.models import Proposal
from policies import plain_text
from policies.models import Surface
from tests import naughty
from tests import world as worlds
from tests.world import World

pytestmark = pytest.mark.django_db

ADDRESSES = {"href", "src", "action", "srcset", "data", "poster", "background", "formaction", "xlink:href"}
BALANCED = ("section", "div", "table", "tr", "ul", "details", "fieldset", "form", "svg")
OTHER = Other("Another", "/admin/", "Pending")
CARDS = [kind for kind in registry.kinds() if kind != registry.FIELDS]


class Page(HTMLParser):
    """Finds what no page of the portal may hold, whatever an agent wrote."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.open: Counter[str] = Counter()
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[tag] += 1
        known = dict(attrs)
        if tag in {"object", "embed", "base", "meta", "math", "video", "style"} and known.get("http-equiv"):
            self.faults.append(f"<{tag}>")
        if tag == "script" and not (known.get("src") or "").startswith("/static/"):
            self.faults.append("a script")
        if tag == "iframe" and not (known.get("src") or "").startswith("/"):
            self.faults.append("a frame")
        for name, value in attrs:
            if name.startswith(("on", "hx-", "srcdoc")) or name == "style":
                self.faults.append(f"{tag} {name}={value}")
            # Evidence may link to the web; everything else stays here.
            is_link = tag == "a" and name == "href" and (value or "").startswith(("https://", "http://"))
            if name in ADDRESSES and not is_link and not (value or "").startswith(("/", "#", "?", ".")) and value:
                self.faults.append(f"{tag} {name}={value}")

    def handle_endtag(self, tag: str) -> None:
        self.open[tag] -= 1

    def faults_and_imbalance(self) -> list[str]:
        return self.faults + [tag for tag in BALANCED if self.open[tag]]


@pytest.fixture(scope="module", params=naughty.SOURCES)
def strings(request: pytest.FixtureRequest) -> list[str]:
    return naughty.strings(request.param)


@pytest.fixture
def world() -> World:
    cache.clear()
    made = worlds.build()
    made.owner.is_superuser = True
    made.owner.save()
    return made


@pytest.fixture
def client(world: World) -> Client:
    client = Client()
    client.force_login(world.owner)
    return client


def test_the_check_itself_notices() -> None:
    for html in (
        "<p onclick=x>", "<script>x</script>", "<p style=x>", "<a href=javascript:x>", "<img src=https://x.example/y>",
        "<div>", "<iframe src=https://x.example>", "<meta http-equiv=refresh>",
    ):  # fmt: skip
        assert Page(html).faults_and_imbalance(), html


@pytest.mark.parametrize("card", CARDS)
def test_every_string_in_every_text_field_of_every_card(strings: list[str], card: str) -> None:
    presenter = registry.presenter(card)
    assert presenter is not None
    for text in strings:
        payload, before = naughty.payload(card, [text, f"{text} again"])
        spans = {name: [(1, 5)] for name in ("subject", "text", "html", "segment", "model", "journey", "source")}
        asked = CardSubject(
            payload, before, "send", "USD", {}, "x", spans, "/admin/p/?revision=1", lambda: [Other("x", "/", "")]
        )
        shown = presenter.present(asked)
        assert shown is not None, text
        html = render_to_string(f"{card}/card.html", {"shown": shown})
        assert Page(html).faults_and_imbalance() == [], text
        presenter.effect(asked, when="later")


def test_every_string_in_an_email_s_preview(strings: list[str]) -> None:
    for text in strings:
        for html in (text, f"<p>{text}</p>", f'<a href="{text}">{text}</a>', f"<table><tr><td>{text}{text}"):
            fragment = cleaning.clean(html, spans=[(0, 3), (5, 9)])
            # What a style may say in the frame is its own policy's business; here it may only fetch nothing.
            faults = [fault for fault in Page(fragment).faults_and_imbalance() if " style=" not in fault]
            assert faults == [], html
            assert "evil.example" not in _without_text(fragment), html


def _without_text(html: str) -> str:
    """Keep what a browser acts upon; `title` only shows where a link leads."""
    found: list[str] = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.extend(str(value) for name, value in attrs if name not in {"title", "alt"})

    Tags().feed(html)
    return " ".join(found)


def test_marking_merge_tags_loses_nothing(strings: list[str]) -> None:
    for text in strings:
        assert "".join(piece for piece, _ in merge_tags.split(text)) == text


def test_every_string_in_every_text_field_of_a_proposal(strings: list[str], world: World, client: Client) -> None:
    """All pages that show proposals; each title holds as many strings as fit."""
    titles = naughty.packed(strings, most=290)
    Surface.objects.filter(pk="ads.budget").update(card="fields")
    chunks = naughty.cut(titles, 4)
    for lines in chunks:
        for title in lines if lines is chunks[0] else lines[:1]:
            proposal = _propose(world, lines, [title, *lines])
            html = client.get(f"/admin/approvals/proposal/{proposal.pk}/").content.decode()
            assert Page(html).faults_and_imbalance() == [], title
            assert html.rstrip().endswith("</html>")
    listed = client.get("/admin/approvals/proposal/").content.decode()
    assert Page(listed).faults_and_imbalance() == []
    harmless = _propose(world, ["harmless"], ["harmless"])
    edits = [client.get(f"/admin/approvals/proposal/{row.pk}/edit/").content.decode() for row in (harmless, proposal)]
    # The form itself asks htmx to check it while it is typed; what an agent wrote adds nothing to that.
    own, found = (set(Page(html).faults_and_imbalance()) for html in edits)
    assert all(fault.split()[1].startswith("hx-") for fault in own)
    assert found <= own


def test_every_title_is_shown_as_it_was_written(strings: list[str], world: World, client: Client) -> None:
    titles = naughty.packed((text for text in strings if set("<>&\"'") & set(text)), most=290)
    for title in titles:
        proposal = _propose(world, [title], [title])
        answer = client.get(f"/admin/approvals/proposal/{proposal.pk}/")
        assert Page(answer.content.decode()).faults_and_imbalance() == []
        assert answer.context["title"] == proposal.title
        assert _heading(answer.content.decode()).split() == proposal.title.replace("\r", "\n").split()


def _heading(html: str) -> str:
    found: list[str] = []

    class Heading(HTMLParser):
        inside = False

        def handle_starttag(self, tag: str, attrs: Any) -> None:
            self.inside = self.inside or (tag == "h1" and dict(attrs).get("id") == "proposal-heading")

        def handle_endtag(self, tag: str) -> None:
            self.inside = self.inside and tag != "h1"

        def handle_data(self, data: str) -> None:
            if self.inside:
                found.append(data)

    Heading(convert_charrefs=True).feed(html)
    return "".join(found)


def _propose(world: World, lines: list[str], titles: list[str]) -> Proposal:
    payload, before = naughty.payload("fields", lines)
    # What is hidden is refused beside the payload, so there it comes written out.
    sent = [[plain_text.kept(text) for text in texts] for texts in (lines, titles)]
    return world.propose(content={"payload": payload, "before": before}, **naughty.fields(*sent))
