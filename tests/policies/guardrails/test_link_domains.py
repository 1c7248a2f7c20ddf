import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policies.guardrails.finding import find, marks

OURS = {"allowed": ["example.com", "*.example.com", "bücher.example", "paypal.com"]}


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com/a?b#c",
        "see http://www.example.com.",
        "<a href='https://EXAMPLE.com:443/'>",
        "<a href='mailto:a@evil.test'>",
        "<a href='*|UNSUB|*'>",
        "<a href='{{ url }}?x=1'>",
        "<a href='/path'>",
        "<a href='#top'>",
        "<img src='cid:logo'>",
        "<html xmlns='http://www.w3.org/1999/xhtml'>",
        "https://example.com.",
        '<!DOCTYPE html PUBLIC "x" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">',
        "and/or: no link",
        "https://bücher.example/",
        "https://xn--bcher-kva.example/",
        "<a href='https:&#47;&#47;example.com'>",
        "mailto://",
        "C:/Windows",
        "12:30",
    ],
)
def test_links_to_our_domains_pass(text):
    assert marks("link_domains", text, OURS) == []


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://evil.test/", "not among"),
        ("https://notexample.com", "not among"),
        ("//example.com", "its scheme"),
        ("https://example.com.evil.test", "not among"),
        ("https://bank.com@evil.test/", "before the @"),
        ("https://example.com@evil.test", "hides that this link leads to evil.test"),
        (r"https:\\evil.test", "evil.test"),
        ("https:/evil.test", "evil.test"),
        ("https:evil.test", "evil.test"),
        (r"https://example.com\@evil.test", "cannot be read"),
        (r"\\evil.test", "evil.test"),
        ("/\\evil.test", "evil.test"),
        ("java\tscript:alert(1)", "javascript:"),
        (" JavaScript:alert(1)", "javascript:"),
        ("data:text/html,x", "data:"),
        ("vbscript:x", "vbscript:"),
        ("http://127.0.0.1/", "bare number"),
        ("http://2130706433", "bare number"),
        ("http://0x7f.1", "bare number"),
        ("http://[::1]/", "bare number"),
        ("https://{{host}}/x", "cannot be read"),
        ("https://pаypal.com", "looks like paypal.com"),
        ("https://xn--pypal-4ve.com", "looks like paypal.com"),
        ("https://paypa1.com", "looks like paypal.com"),
        ("https://www.раураl.com", "looks like"),
        ("https://exarnple.com", "looks like example.com"),
        ("*|URL|*@evil.test", "cannot be read"),
        ("https://", "cannot be read"),
        ("https://evil%2etest", "evil.test"),
        ("https://ｅｖｉｌ.test", "evil.test"),
        ("https://evil。test", "evil.test"),
    ],
)
def test_links_elsewhere_are_found(url, told):
    found = find("link_domains", {"html": f'<a href="{url}">x</a>'}, OURS)
    assert [told in finding.found for finding in found] == [True], found


@pytest.mark.parametrize(
    "text",
    [
        "https://evil.test/x",
        "(https://evil.test/x)",
        "HTTPS://evil.test/x",
        "www.evil.test/x",
        "ftp://evil.test/x",
        "<img src=https://evil.test/x>",
        "<div style=\"background:url('https://evil.test/x')\">",
        "<style>@import 'https://evil.test/x'</style>",
        "<img srcset='https://evil.test/x 2x'>",
        "<!--[if mso]><v:fill src='https://evil.test/x'><![endif]-->",
        "<form action='https://evil.test/x'>",
        "<meta http-equiv=refresh content='0;url=https://evil.test/x'>",
        "<a href='h&#116;tps://evil.test/x'>",
        "<base href='//evil.test/x'>",
        "<script>location='https://evil.test/x'</script>",
        '<a\nHREF = "https://evil.test/x">',
        "<a href='https://evil.test/x",
        "h&#116;tps://evil.test/x",
    ],
)
def test_links_are_found_wherever_they_stand(text):
    assert len(marks("link_domains", text, OURS)) == 1


def test_only_named_subdomains_pass():
    assert marks("link_domains", "https://www.example.com", {"allowed": ["example.com"]}) == ["https://www.example.com"]
    assert marks("link_domains", "https://example.com", {"allowed": ["*.example.com"]}) == ["https://example.com"]


@given(st.text(max_size=40))
def test_no_text_before_another_host_makes_it_ours(text):
    found = find("link_domains", [f"https://evil.test/{text}"], OURS)
    assert any("evil.test" in finding.found for finding in found)


@pytest.mark.parametrize(("url", "rule"), [("https://example.com", "*.example.com"), ("https://www.a.de", "a.de")])
def test_a_domain_itself_is_not_called_its_own_look_alike(url, rule):
    [found] = find("link_domains", {"html": f'<a href="{url}">x</a>'}, {"allowed": [rule]})
    assert "which is not among the allowed domains" in found.found
