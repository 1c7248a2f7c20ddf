import pytest

from tests import vectors
from tests.policies.guardrails.finding import find

UNSUBSCRIBE = {
    "tags": ["*|UNSUB|*", "{{unsubscribe_url}}", "{% unsubscribe %}"],
    "href_contains": ["example.com/unsubscribe"],
}


def test_the_one_template_without_a_way_out_is_found():
    folder = vectors.ROOT.parent / "data" / "html_emails"
    if not folder.is_dir():
        pytest.skip("no real templates: ../shared/data/html_emails is absent")
    without = {
        path.name
        for path in folder.glob("*.html")
        if find("required_merge_tag", {"html": path.read_text()}, UNSUBSCRIBE, paths=("/html",))
    }
    assert without == {"modular-template-patterns.html"}
    assert len(list(folder.glob("*.html"))) == 16


@pytest.mark.parametrize(
    ("text", "is_missing"),
    [
        ("Leave: {{ Unsubscribe_URL }}", False),
        ("{%unsubscribe%}", False),
        ("<a href='*|UNSUB|*'>x</a>", False),
        ('<a href="https://example.com/unsubscribe?u=1">x</a>', False),
        ("https://example.com/unsubscribe?u=1", False),
        ("<!-- *|UNSUB|* --><p>x", True),
        ("<style>*|UNSUB|*</style>", True),
        ("<img alt='*|UNSUB|*'>", True),
        ("<p>example.com/unsubscribe</p>", True),
        ("<a href='#'>unsubscribe</a>", True),
        ("", True),
    ],
)
def test_a_tag_counts_where_it_works(text, is_missing):
    assert bool(find("required_merge_tag", {"html": text}, UNSUBSCRIBE)) is is_missing


def test_each_variant_needs_its_own():
    payload = {"variants": [{"html": "*|UNSUB|*"}, {"html": "none"}]}
    found = find("required_merge_tag", payload, UNSUBSCRIBE, paths=("/variants/*/html",))
    assert [finding.pointer for finding in found] == ["/variants/1/html"]
