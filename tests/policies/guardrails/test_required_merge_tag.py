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
        ("<a href='{{unsubscribe_url}}'></a>", True),
        ("<a href='{{unsubscribe_url}}'> &nbsp;&#8203;<b></b></a>", True),
        ("<a href='{{unsubscribe_url}}'><img src='https://example.com/p.gif' width='1' height=\"1\"></a>", True),
        ("<a href='{{unsubscribe_url}}'><img src='https://example.com/leave.png' width='90'></a>", False),
        ("<title>{{unsubscribe_url}}</title>", True),
        ("<template>{{unsubscribe_url}}</template><noscript>{{unsubscribe_url}}</noscript>", True),
        ("<p style='display: none !important'>{{unsubscribe_url}}</p>", True),
        ("<div style=\"font-size:0px\"><p>a</p><a href='{{unsubscribe_url}}'>leave</a></div>", True),
        ("<div style='visibility:hidden'><a href='{{unsubscribe_url}}'>leave</a></div>", True),
        ("<div style='max-height:0;overflow:hidden'><a href='{{unsubscribe_url}}'>leave</a></div>", True),
        ("<div hidden><a href='{{unsubscribe_url}}'>leave</a></div>", True),
        (
            "<style>.x { color: red } .gone{display:none}</style><a class='a gone' href='{{unsubscribe_url}}'>x</a>",
            True,
        ),
        ("<style>#foot{opacity:0}</style><div id=foot><a href='{{unsubscribe_url}}'>x</a></div>", True),
        ("<style>@media (max-width:600px){.f{display:none}}</style><p class=f>{{unsubscribe_url}}</p>", True),
        ("<p style='color:#fff'>{{unsubscribe_url}}</p>", True),
        ("<td bgcolor='#123456'><a style='color: rgb(18,52,86)' href='{{unsubscribe_url}}'>x</a></td>", True),
        ("<td bgcolor='#000'><a style='color:#fff' href='{{unsubscribe_url}}'>x</a></td>", False),
        ("<a style='pointer-events:none' href='{{unsubscribe_url}}'>leave</a>", True),
        ("<p style='text-indent:-9999px'><a href='{{unsubscribe_url}}'>leave</a></p>", True),
        ("<!--[if mso]><a href='{{unsubscribe_url}}'>leave</a><![endif]-->", True),
        ("<p style='display:none'>Preview<p><a href='{{unsubscribe_url}}'>leave</a>", False),
        ("<div style='display:none'>Preview</div><div><a href='{{UNSUBSCRIBE_URL}}'>leave</a></div>", False),
        ("<a href='&#123;&#123;unsubscribe_url&#125;&#125;'>leave</a>", False),
    ],
)
def test_a_tag_counts_where_it_works(text, is_missing):
    assert bool(find("required_merge_tag", {"html": text}, UNSUBSCRIBE)) is is_missing


def test_each_variant_needs_its_own():
    payload = {"variants": [{"html": "*|UNSUB|*"}, {"html": "none"}]}
    found = find("required_merge_tag", payload, UNSUBSCRIBE, paths=("/variants/*/html",))
    assert [finding.pointer for finding in found] == ["/variants/1/html"]
