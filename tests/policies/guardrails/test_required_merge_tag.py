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


LINK = "<a href='{{unsubscribe_url}}'>leave</a>"
OUT_OF_REACH = [
    f"<div style='clip-path:inset(100%)'>{LINK}</div>",
    f"<div style='position:absolute;clip:rect(1px,1px,1px,1px)'>{LINK}</div>",
    f"<div style='transform:scale(0)'>{LINK}</div>",
    f"<div style='transform:scale(1%)'>{LINK}</div>",
    f"<div style='transform:matrix(.01, 0, 0, .01, 0, 0)'>{LINK}</div>",
    f"<div style='scale:1%'>{LINK}</div>",
    f"<div style='zoom:0.01'>{LINK}</div>",
    f"<div style='zoom:1%'>{LINK}</div>",
    f"<div style='transform:translateX(-9999px)'>{LINK}</div>",
    f"<div style='filter:opacity(0)'>{LINK}</div>",
    f"<div style='filter:alpha(opacity=0)'>{LINK}</div>",
    f"<div style='opacity:.01'>{LINK}</div>",
    f"<div style='font-size:1px'>{LINK}</div>",
    f"<div style='font-size:1%'>{LINK}</div>",
    f"<div style='font:0/0 a'>{LINK}</div>",
    f"<div style='margin-left:-9999px'>{LINK}</div>",
    f"<div style='position:absolute;left:5000px'>{LINK}</div>",
    f"<div style='position:absolute;width:1px;height:1px;overflow:hidden'>{LINK}</div>",
    f"<div style='content-visibility:hidden'>{LINK}</div>",
    f"<div style='d\\69splay:none'>{LINK}</div>",
    f"<style>:root{{--x:none}} .a{{display:var(--x)}}</style><div class=a>{LINK}</div>",
    f"<style>a[href]{{display:none}}</style>{LINK}",
    f"<style>a{{display:none!important}}</style><div>{LINK.replace('<a', '<a style=display:inline')}</div>",
    f"<style>div > a{{display:none}}</style><div>{LINK}</div>",
    f"<style>p:first-child{{display:none}}</style><p>{LINK}</p>",
    "<a style='color:hsl(0, 0%, 100%)' href='{{unsubscribe_url}}'>leave</a>",
    "<a style='color:snow' href='{{unsubscribe_url}}'>leave</a>",
    "<a style='color:#ffffff00' href='{{unsubscribe_url}}'>leave</a>",
    "<a style='-webkit-text-fill-color:#fff' href='{{unsubscribe_url}}'>leave</a>",
    "<td style='background:#eee none'><a style='color:#eee' href='{{unsubscribe_url}}'>leave</a></td>",
    f"<details><summary>More</summary>{LINK}</details>",
    f"<dialog>{LINK}</dialog>",
    f"<iframe>{LINK}</iframe><video>{LINK}</video><svg>{LINK}</svg><noembed>{LINK}</noembed>",
    "<map><area href='{{unsubscribe_url}}'></map>",
    "<a href='#{{unsubscribe_url}}'>leave</a>",
    "<a href='javascript:go({{unsubscribe_url}})'>leave</a>",
]


@pytest.mark.parametrize("html", OUT_OF_REACH)
def test_a_link_out_of_every_readers_reach_is_missing(html):
    assert find("required_merge_tag", {"html": html}, UNSUBSCRIBE)


@pytest.mark.parametrize(
    "html",
    [
        f"<td style='font-size:0px'><div style='font-size:13px'>{LINK}</div></td>",
        f"<td style='font-size:0'><p>x</p><span style='font:normal 12px/16px Arial'>{LINK}</span>y</td>",
        f"<div style='visibility:hidden'>x<p style='visibility:visible'>{LINK}</p></div>",
        "<td style='color:#fff'>x<a style='color:#06c' href='{{unsubscribe_url}}'>leave</a></td>",
        f"<td style='font-size:11px;color:#999;overflow:hidden;margin:0 auto'>{LINK}</td>",
        f"<style>u + .body .gone{{display:none}} a:hover{{opacity:.8}} [class~=gone]{{display:none}}</style>{LINK}",
        f"<div style='position:relative;top:10px;transform:scale(1.0)'>{LINK}</div>",
        f"<div style='transform:matrix(1,0,0,1,0,0);zoom:100%'>{LINK}</div>",
        f"<div style='transform:scale(1, -1);zoom:normal'>{LINK}</div>",
        "<img usemap='#m' src='https://example.com/p.png'><map name=m><area href='{{unsubscribe_url}}'></map>",
        "<a href='mailto:leave@example.com?subject={{unsubscribe_url}}'>leave</a>",
        f"<details open><summary>More</summary>{LINK}</details>",
    ],
)
def test_what_is_shown_again_within_what_is_hidden_counts(html):
    assert not find("required_merge_tag", {"html": html}, UNSUBSCRIBE)


def test_each_variant_needs_its_own():
    payload = {"variants": [{"html": "*|UNSUB|*"}, {"html": "none"}]}
    found = find("required_merge_tag", payload, UNSUBSCRIBE, paths=("/variants/*/html",))
    assert [finding.pointer for finding in found] == ["/variants/1/html"]
