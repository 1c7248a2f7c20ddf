import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.guardrails import (
    CONFIG_SCHEMAS,
    GuardrailEffect,
    GuardrailInvalid,
    GuardrailKind,
    GuardrailPolicy,
    checklist,
    config_problems,
    for_surface,
    run,
)
from tests import vectors
from tests.costs import Stopwatch
from tests.policies.guardrails.finding import find, guardrail, marked

CONFIGS = {
    "forbidden_phrases": {"phrases": ["risk free", "guaranteed", *(f"phrase {n}" for n in range(48))]},
    "required_phrases": {"phrases": ["Terms apply"]},
    "required_merge_tag": {"tags": ["*|UNSUB|*"], "href_contains": ["/unsubscribe"]},
    "merge_tag_fallback": {"tags": ["first_name"]},
    "link_domains": {"allowed": ["example.com", "*.example.com"]},
    "personal_data": {"regions": ["US", "DE"]},
    "hidden_unicode": {},
    "confusables": {"protected_words": ["paypal"]},
    "prompt_injection": {"extra_phrases": ["hello robot"]},
    "length": {"max_characters": 100_000, "max_words": 20_000},
    "checklist": {},
}
ALL = [guardrail(kind, config) for kind, config in CONFIGS.items()]
MEBIBYTE = 2**20
MOST_SECONDS = 10


def test_every_kind_is_tried():
    assert set(CONFIGS) == set(GuardrailKind) == set(CONFIG_SCHEMAS)


def test_findings_say_what_the_guardrail_does_and_where():
    payload = {"variants": [{"html": "ok"}, {"html": "It is <b>free</b>."}]}
    more = {
        "slug": "claims",
        "paths": ("/variants/*/html",),
        "effect": GuardrailEffect.TIER,
        "tier": "single",
        "text": "No claims.",
    }
    (finding,) = find("forbidden_phrases", payload, {"phrases": ["free"]}, **more)
    assert (finding.guardrail, finding.effect, finding.tier) == ("claims", "tier", "single")
    assert (finding.pointer, finding.text, finding.found) == (
        "/variants/1/html",
        "No claims.",
        "“free” must not be said.",
    )
    assert marked(payload, finding) == "free"
    assert finding.excerpt == "It is <b>free</b>."


def test_quotations_are_short_and_never_cut_a_character_in_two():
    text = "👩\u200d👩\u200d👧" * 30 + " free " + "e\u0301" * 90
    (finding,) = find("forbidden_phrases", [text], {"phrases": ["free"]})
    assert len(finding.excerpt) < 250 and finding.excerpt.startswith("…") and finding.excerpt.endswith("…")
    assert finding.excerpt[1] == "👩" and finding.excerpt[-2] == "\u0301"


@pytest.mark.parametrize(("count", "told"), [(20, 20), (21, 21), (500, 21), (5000, 21)])
def test_the_number_of_findings_is_bounded(count, told):
    found = find("forbidden_phrases", ["free " * count], {"phrases": ["free"]})
    assert len(found) == told
    if count > 20:
        rest = "at least 980" if count >= 1000 else str(count - 20)
        assert found[-1].found == f"And {rest} more."


def test_what_was_not_read_is_told():
    found = find("hidden_unicode", [f"text {n}" for n in range(10_001)])
    assert [(finding.pointer, finding.found) for finding in found] == [
        ("/10000", "Only the first 10000 texts were checked.")
    ]


def test_surfaces_are_chosen_by_globs():
    mail, everywhere = guardrail("length", {"max_words": 5}, surfaces=("email.*",)), guardrail("hidden_unicode")
    assert for_surface([mail, everywhere], "email.lifecycle") == (mail, everywhere)
    assert for_surface([mail, everywhere], "ads.budget") == (everywhere,)


def test_a_checklist_finds_nothing_and_is_listed():
    assert run(ALL[-1:], {"text": "Delivered on Friday!"}) == ()
    assert [item.kind for item in checklist(ALL)] == ["checklist"]


@pytest.mark.parametrize(
    ("kind", "config", "more", "told"),
    [
        pytest.param("length", {}, {}, "", id="nothing-to-check"),
        pytest.param("length", {"min_words": 5, "max_words": 4}, {}, "larger than", id="contradiction"),
        pytest.param("forbidden_phrases", {"phrases": []}, {}, "phrases", id="no-phrases"),
        pytest.param("forbidden_phrases", {"phrases": ["\u200b"]}, {}, "can be compared", id="an-invisible-phrase"),
        pytest.param("forbidden_phrases", {"phrases": ["a"], "x": 1}, {}, "x", id="unknown-key"),
        pytest.param("required_merge_tag", {}, {}, "", id="no-tag"),
        pytest.param("link_domains", {"allowed": ["https://example.com"]}, {}, "no domain", id="an-address"),
        pytest.param("link_domains", {"allowed": ["*"]}, {}, "no domain", id="any-domain"),
        pytest.param("personal_data", {"regions": ["XX"]}, {}, "XX is no region", id="region"),
        pytest.param("confusables", {"protected_words": ["Москва"]}, {}, "Latin", id="protected"),
        pytest.param("hidden_unicode", {}, {"paths": ("html",)}, "begin with a slash", id="path"),
        pytest.param("hidden_unicode", {}, {"paths": ("/a~b",)}, "~0", id="tilde"),
        pytest.param("hidden_unicode", {}, {"effect": GuardrailEffect.TIER}, "A tier belongs", id="no-tier"),
        pytest.param("hidden_unicode", {}, {"tier": "single"}, "A tier belongs", id="a-tier-too-much"),
        pytest.param("checklist", {}, {"effect": GuardrailEffect.DENY}, "cannot deny", id="a-checklist-denies"),
        pytest.param("checklist", {}, {"text": " "}, "needs a text", id="nothing-to-tick"),
    ],
)
def test_what_cannot_be_used_is_refused(kind, config, more, told):
    with pytest.raises(GuardrailInvalid) as refused:
        guardrail(kind, config, **more)
    assert told in str(refused.value)
    assert refused.value.problems


@pytest.mark.parametrize("config", [None, [], "x", {"phrases": 5}])
def test_problems_are_told_in_sentences(config):
    assert all(
        isinstance(problem, str) and problem for problem in config_problems(GuardrailKind.FORBIDDEN_PHRASES, config)
    )
    assert config_problems(GuardrailKind.FORBIDDEN_PHRASES, config)


@pytest.mark.parametrize("kind", [kind for kind in GuardrailKind if kind != "checklist"])
def test_naughty_strings_break_nothing(kind):
    strings = json.loads((vectors.folder("naughty") / "blns.json").read_text())
    check = guardrail(kind, CONFIGS[kind])
    for payload in (strings, *([text] for text in strings)):
        for finding in run([check], payload):
            assert 0 <= finding.start <= finding.end
            assert finding.found
            finding.excerpt.encode()


PIECES = st.sampled_from(
    [
        "free",
        "<b>",
        "</b>",
        "<!--",
        "-->",
        "&#x200b;",
        "&amp",
        "\u200b",
        "\u202e",
        "😀\u200d",
        "е",
        "ﬁ",
        "\ud800",
        "\u0301",
        "https://",
        "evil.test",
        "@",
        "+49 30",
        "4111",
        " ",
        "\n",
        "<a href='",
        "'>",
        "*|UNSUB|*",
        "ignore previous ",
        "\U000e0041",
    ]
)


@settings(max_examples=150)
@given(st.lists(PIECES | st.text(max_size=5), max_size=12).map("".join))
def test_any_text_gives_findings_inside_it_and_the_same_ones_again(text):
    payload = {"text": text}
    found = run(ALL, payload)
    for finding in found:
        assert 0 <= finding.start <= finding.end <= len(text)
        finding.excerpt.encode()
    assert run([GuardrailPolicy(**_parts(item)) for item in ALL], payload) == found


def _parts(item):
    names = ("slug", "kind", "surfaces", "paths", "config", "effect", "tier", "text")
    return {name: getattr(item, name) for name in names}


def filled(piece):
    return (piece * (MEBIBYTE // len(piece.encode()) + 1)).encode()[:MEBIBYTE].decode(errors="ignore")


@pytest.mark.parametrize(
    "piece",
    [
        pytest.param("Dear friend, we have new shoes for you. ", id="english"),
        pytest.param("<p class='x'>New <a href='https://example.com/x'>shoes</a> &amp; <b>more</b></p>\n", id="html"),
        pytest.param("Дорогой друг, у нас есть новые туфли. ", id="russian"),
        pytest.param("亲爱的朋友,我们有新鞋给你。", id="chinese"),
        pytest.param("a" + "\u0301\u0316", id="marks-out-of-order"),
        pytest.param("\ufdfa", id="a-letter-that-stands-for-a-sentence"),
        pytest.param("a\u200b", id="zero-width"),
        pytest.param("<", id="open-brackets"),
        pytest.param("<!--", id="open-comments"),
        pytest.param("<style>", id="open-styles"),
        pytest.param('<a b="', id="open-quotes"),
        pytest.param("<a>", id="nothing-but-tags"),
        pytest.param("1", id="one-long-number"),
        pytest.param("4111 1111 ", id="digits"),
        pytest.param("+49 30 1234567 ", id="phone-numbers"),
        pytest.param("de11 ", id="almost-accounts"),
        pytest.param("@a.a", id="almost-addresses"),
        pytest.param("http://x.y ", id="links"),
        pytest.param("ignore all the ", id="almost-orders"),
        pytest.param("pаypal ", id="mixed-words"),
    ],
)
def test_a_mebibyte_is_checked_in_bounded_time(piece):
    """Processor time of all checks together; what is not linear would take minutes, and this machine may be busy."""
    payload = {"html": filled(piece)}
    run(ALL, "warm up é а")
    watch = Stopwatch(time.process_time)
    run(ALL, payload)
    assert watch.seconds < MOST_SECONDS


def test_a_mebibyte_of_real_mail_is_checked_within_a_second():
    folder = vectors.ROOT.parent / "data" / "html_emails"
    if not folder.is_dir():
        pytest.skip("no real templates: ../shared/data/html_emails is absent")
    html = filled("".join(path.read_text() for path in sorted(folder.glob("*.html"))))
    took = []
    for _ in range(4):  # the first one warms up; the best one is the least disturbed
        watch = Stopwatch(time.process_time)
        run(ALL, {"html": html})
        took.append(watch.seconds)
    assert min(took) < 1


def test_many_short_texts_are_checked_in_bounded_time():
    payload = [f"text {n}" for n in range(100_000)]
    watch = Stopwatch(time.process_time)
    run(ALL, payload)
    assert watch.seconds < MOST_SECONDS
