"""Every mistake in a policy file is told with its line, its column and a sentence."""

import pytest

from policies.policy_files import DocumentInvalid, Known, check, collect, read_files
from tests.costs import Stopwatch

RULE = "version: v1\nrules:\n  - id: r\n    decision: deny\n"


def problems(text: str | bytes, **others: str) -> list[str]:
    """Return all that is wrong with one file, or several, as people read it."""
    found = []
    policy = collect({"p.yaml": text, **others}, found)
    found += check(policy, Known())
    return [str(problem) for problem in sorted(found)]


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        # What YAML allows and a policy does not.
        pytest.param("version: v1\nrules: &a []\n", "2:8", "Anchors (&a)", id="anchor"),
        pytest.param("version: v1\nrules: *a\n", "2:8", "Aliases (*a)", id="alias"),
        pytest.param(f"{RULE}    <<: {{tier: single}}\n", "5:5", "Merge keys (<<)", id="merge-key"),
        pytest.param("version: !!str v1\n", "1:10", "Tags (tag:yaml.org,2002:str)", id="tag"),
        pytest.param("version: !!python/object:os.system x\n", "1:10", "Tags", id="python-tag"),
        pytest.param("version: v1\n\trules: []\n", "2:1", "Tabs", id="tab"),
        pytest.param("version: v1\nrules: []\t# no\n", "2:10", "Tabs", id="tab-before-a-comment"),
        pytest.param("version: v1\n---\nversion: v1\n", "2:1", "One file holds one document", id="two-documents"),
        pytest.param("%YAML 1.1\n---\nversion: v1\n", "1:1", "Directives", id="directive"),
        pytest.param(f"{RULE}    decision: allow\n", "5:5", "The key decision stands here twice, first in line 4",
                     id="duplicate-key"),
        pytest.param("version: v1\nrules: []\nrules: []\n", "3:1", "The key rules stands here twice",
                     id="section-twice"),
        pytest.param(f"{RULE}    12: x\n", "5:5", "The key 12 must be text", id="number-as-key"),
        pytest.param(f"{RULE}    true: x\n", "5:5", "The key true must be text", id="yes-as-key"),
        pytest.param(f"{RULE}    ? [a]\n    : x\n", "5:7", "A key is a word", id="list-as-key"),
        pytest.param(f"{RULE}    reason: {{{{amount}}}}\n", "5:14", "A key is a word", id="braces-without-quotes"),
        pytest.param("version: v1\nrules: [\n", "2:8", "This bracket is never closed", id="open-bracket"),
        pytest.param("version: v1\nrules: [a, {b: c}\nx: 1\n", "2:8", "never closed", id="open-bracket-later"),
        pytest.param("version: v1\nrules:\n  - id: 'r\n", "3:9", "A quote is never closed", id="open-quote"),
        pytest.param(f"{RULE}   tier: single\n", "5:4", "does not line up", id="indentation"),
        pytest.param(f"{RULE}    reason: a: b\n", "5:14", "A colon stands where none can be", id="colon-in-text"),
        pytest.param(f"{RULE}    reason: @you\n", "5:13", "No text begins with this", id="at-sign"),
        pytest.param("version: v1\x07\n", "1:12", "cannot be read", id="control-character"),
        pytest.param(b"version: v1\nrules: \xff\n", "2:8", "no UTF-8", id="no-utf-8"),
        pytest.param(f'{RULE}    reason: "\\0"\n', "5:13", "cannot be stored", id="nul"),
        pytest.param("", "1:1", "The file is empty", id="empty"),
        pytest.param("# nothing\n", "1:1", "The file is empty", id="only-a-comment"),
        pytest.param("- a\n", "1:1", "A policy file is a table of keys; this is a list", id="list"),
        pytest.param("word\n", "1:1", "A policy file is a table of keys; this is text", id="word"),
        # The version and the sections.
        pytest.param("rules: []\n", "1:1", "The version is missing", id="no-version"),
        pytest.param("version: v2\n", "1:10", "This portal reads version v1, not v2", id="wrong-version"),
        pytest.param("version: 1\n", "1:10", "This portal reads version v1, not 1", id="version-as-number"),
        pytest.param("version: v1\nrule: []\n", "2:1", "There is no section rule. Did you mean rules?", id="section"),
        pytest.param("version: v1\nescalations: [{surface: s, role: Legal, after: 4}]\n", "2:48",
                     "Write a duration with its unit", id="escalation-without-unit"),
        pytest.param("version: v1\ncalendars: [{id: c, friday: noon}]\n", "2:29",
                     "Write hours such as 09:00-17:00", id="hours"),
        pytest.param("version: v1\ncalendars: [{id: c, holidays: [2026-02-30]}]\n", "2:32",
                     "There is no 2026-02-30", id="no-such-day"),
        pytest.param("version: v1\nrules:\n", "2:7", "is a list of entries, not nothing. Write [] for none", id="null"),
        pytest.param("version: v1\nrules: {a: 1}\n", "2:8", "is a list of entries, not a table", id="rules-as-table"),
        pytest.param("version: v1\nrules: [x]\n", "2:9", "A rule is a table of keys; this is text", id="rule-as-word"),
        # Keys and values.
        pytest.param(f"{RULE}    descision: deny\n", "5:5",
                     "There is no key descision in a rule. Did you mean decision?",
                     id="unknown-key"),
        pytest.param(f"{RULE}    match: {{topic: [a]}}\n", "5:13", "no key topic in match. Did you mean topics?",
                     id="unknown-key-inside"),
        pytest.param(f"{RULE}    match: {{any_tags: [a], risk_tags: [b]}}\n", "5:28", "another name of any_tags",
                     id="both-names"),
        pytest.param(f"{RULE}    match: {{topics: refund}}\n", "5:21", "must be a list, not text. Write [refund].",
                     id="word-for-a-list"),
        pytest.param(f"{RULE}    match: {{topics: [1]}}\n", "5:22", "must be text, not a number. Put it in quotes.",
                     id="number-for-text"),
        pytest.param(f"{RULE}    match: {{topics: [010]}}\n", "5:22", "could be a number", id="octal-or-not"),
        pytest.param(f"{RULE}    match: {{topics: ['']}}\n", "5:22", "must not be empty", id="empty-name"),
        pytest.param(f"{RULE}    enabled: yes\n", "5:14", "Write true or false", id="yes"),
        pytest.param(f"{RULE}    tier: Single\n", "5:11", "Use small letters", id="capital"),
        pytest.param(f"{RULE}    reason: {'x' * 301}\n", "5:13", "This has 301 characters; at most 300 fit", id="long"),
        pytest.param(f"{RULE}    condition: {'x' * 10_000}\n", "5:16", "This has 10,000 characters", id="10000"),
        pytest.param("version: v1\nrules:\n  - decision: deny\n", "3:5", "The key id is missing in a rule", id="no-id"),
        pytest.param("version: v1\nrules:\n  - {id: r, decision: block}\n", "3:23", "“block” is none of allow,",
                     id="unknown-decision"),
        pytest.param("version: v1\nrules:\n  - {id: r, decision: block}\n", "3:23", "Did you mean deny?", id="synonym"),
        pytest.param("version: v1\nrules:\n  - {id: r, decision: require}\n", "3:23", "mean require_approval?",
                     id="near"),
        pytest.param("version: v1\nrules:\n  - {id: r, decision: [deny]}\n", "3:23", "This is none of",
                     id="list-decides"),
    ],
)  # fmt: skip
def test_a_mistake_and_its_place(text, place, said):
    found = problems(text)
    assert any(line.startswith(f"p.yaml:{place}: ") and said in line for line in found), found


LIMIT = "version: v1\nlimits:\n  - id: l\n    measure: count\n    per: surface\n    window: day\n    limit: 5\n"
SURFACE = (
    "version: v1\nsurfaces:\n  - id: s\n    name: S\n    owner: Legal\n"
    "    tier: single\n    floor: single\n    senior_tier: single\n"
)


@pytest.mark.parametrize(
    ("text", "line", "place", "said"),
    [
        (LIMIT, "length: 24", "8:13", "with its unit, such as 24h"),
        (LIMIT, "length: soon", "8:13", "Write a duration such as"),
        (LIMIT, "length: 9999999w", "8:13", "longer than a thousand years"),
        (LIMIT, "length: 7d", "8:13", "Only a rolling window has a length"),
        (LIMIT, "warning: 6", "8:14", "must not be above the limit"),
        (LIMIT, "warning: -1", "8:14", "at least 0"),
        (LIMIT, "warning: '4'", "8:14", "Write a number such as 1000 or 0.5 without quotes"),
        (LIMIT, "warning: 1_000", "8:14", "Write a number"),
        (LIMIT, "warning: .inf", "8:14", "Write a number"),
        (LIMIT, "warning: 1e999", "8:14", "too large"),
        (LIMIT, "time_zone: Mars/Base", "8:16", "There is no time zone Mars/Base"),
        (LIMIT, "time_zone: ../etc/passwd", "8:16", "There is no time zone"),
        (LIMIT, "effect: deny\n    tier: single", "9:11", "This goes only with effect: tier"),
        (SURFACE, "confidence_high: 2", "9:22", "at most 1"),
        (SURFACE, "confidence_low: 0.95", "9:21", "at most confidence_high"),
        (SURFACE, "deadline: 0h", "9:15", "longer than nothing"),
        (SURFACE, "amount_pointer: amount", "9:21", "begins with a slash"),
        (SURFACE, "params: {budget: 9007199254740993}", "9:22", "too large to be exact"),
        (SURFACE, "params: {budget: 0x10}", "9:22", "read this number differently"),
        (SURFACE, "payload_schema: {type: nonsense}", "9:21", "This is no JSON Schema"),
        (SURFACE, "derived_tags: [{tag: a, if: {type: 3}}]", "9:33", "This is no JSON Schema"),
        (SURFACE, "payload_schema: {$ref: 'https://x.example/s'}", "9:21", "only to its own parts"),
    ],
)
def test_limits_and_surfaces(text, line, place, said):
    found = problems(f"{text}    {line}\n")
    assert any(one.startswith(f"p.yaml:{place}: ") and said in one for one in found), found


@pytest.mark.parametrize(
    ("line", "place", "said"),
    [
        ("condition: amuont > 100", "5:16", "There is no fact amuont. Did you mean amount?"),
        ('condition: "amuont > 100"', "5:17", "Did you mean amount?"),
        ("condition: amount > 100 && agnt == 'x'", "5:32", "Did you mean agent?"),
        ("condition: \"amount > 'a'\"", "5:24", "does not go with"),
        ("condition: amount = 5", "5:23", "Write == to compare"),
        ("condition: amount", "5:16", "answers yes or no"),
        ("condition: |\n      amount > 1 &&\n      amuont > 2", "5:16", "Line 2, column 1 of the condition"),
        ('reason: "Over {limit}"', "5:13", "{limit} cannot be filled in"),
        ('reason: "Over {amount"', "5:13", "Braces come in pairs"),
        ("tier: single", "5:11", "The tier single does not go with deny"),
    ],
)
def test_rules_that_do_not_compile(line, place, said):
    tiers = {"single": {"slug": "single", "rank": 30, "posture": "in", "review": "single"}}
    policy = read_files({"p.yaml": f"{RULE}    {line}\n"})
    found = [str(problem) for problem in check(policy, Known(tiers=tiers))]
    assert any(text.startswith(f"p.yaml:{place}: ") and said in text for text in found), found


GUARDRAIL = "version: v1\nguardrails:\n  - id: g\n    text: Say why.\n    effect: flag\n"


@pytest.mark.parametrize(
    ("lines", "place", "said"),
    [
        ("kind: phrases", "6:11", "“phrases” is none of"),
        ("kind: forbidden_phrases\n    config: {phrases: []}", "7:23", ""),
        ("kind: forbidden_phrases\n    config: {phrases: [1]}", "7:24", "string"),
        ("kind: length\n    config: {max_charcters: 5}", "7:29", "There is no such field"),
        ("kind: length\n    config: {max_words: 1}\n    tier: single", "3:5", "A tier belongs to the effect"),
        ("kind: length\n    config: {max_words: 1}\n    paths: [subject]", "3:5", "subject"),
    ],
)
def test_guardrails(lines, place, said):
    found = problems(f"{GUARDRAIL}    {lines}\n")
    assert any(line.startswith(f"p.yaml:{place}: ") and said in line for line in found), found


def test_names_that_do_not_exist_and_ranks_that_are_taken():
    policy = read_files(
        {
            "p.yaml": "version: v1\n"
            "tiers:\n  - {id: mine, name: M, rank: 30, posture: in, review: single}\n"
            "  - {id: odd, name: O, rank: 31, posture: in, review: none}\n"
            f"{SURFACE.removeprefix('version: v1').strip()}\n    connector: ftp\n"
            "requirements:\n  - {surface: nowhere, name: money, role: Fiance}\n"
            "tests:\n  - {id: t, facts: {surface: s, mandate: none}, expect: {outcome: deny}}\n"
        }
    )
    tiers = {"single": {"slug": "single", "rank": 30, "posture": "in", "review": "single"}}
    known = Known(tiers, frozenset({"ads"}), frozenset({"Legal", "Finance"}), frozenset({"web"}))
    assert [str(problem) for problem in sorted(check(policy, known))] == [
        "p.yaml:3:31: The tier single has this rank already.",
        "p.yaml:4:55: A tier in the loop needs a kind of review; an automatic tier has none.",
        "p.yaml:12:16: There is no connector ftp.",
        "p.yaml:14:15: There is no surface nowhere.",
        "p.yaml:14:43: There is no role Fiance. Did you mean Finance?",
        "p.yaml:16:42: There is no tier none.",
    ]


def test_all_mistakes_are_told_at_once_and_in_order():
    text = "version: v1\nrules:\n  - id: A\n    decision: maybe\n    extra: 1\nlimits: 5\nnothing: []\n"
    assert [line.split(": ")[0] for line in problems(text)] == [
        "p.yaml:3:9", "p.yaml:4:15", "p.yaml:5:5", "p.yaml:6:9", "p.yaml:7:1",
    ]  # fmt: skip


def test_the_same_id_in_two_files_names_both_places():
    assert problems(RULE, other=RULE) == ["other:3:9: The rule r stands twice, first at p.yaml:3:5."]


def test_the_same_requirement_twice():
    row = "  - {surface: s, name: money, role: Finance}\n"
    found = problems(f"version: v1\nrequirements:\n{row}{row}")
    assert found == ["p.yaml:4:5: The requirement s · 1 · money · Finance stands twice, first at p.yaml:3:5."]


def test_many_problems_are_capped():
    with pytest.raises(DocumentInvalid) as caught:
        read_files({"p.yaml": "version: v1\nrules:\n" + "  - 1\n" * 500})
    assert len(caught.value.problems) == 100
    assert caught.value.left_out == 400


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("version: v1\nrules: " + "[" * 500_000, "nested more than 32 deep", id="brackets"),
        pytest.param("version: v1\nrules: " + "{a: " * 200_000, "nested more than 32 deep", id="braces"),
        pytest.param("version: v1\nrules:\n" + "".join("  " * n + "- \n" for n in range(600)), "nested", id="dashes"),
        pytest.param("version: v1\nrules:\n  " + "- " * 200_000, "nested more than 32 deep", id="dashes-in-a-line"),
        pytest.param("x" * (1024 * 1024 + 1), "larger than 1024 KiB", id="too-large"),
        pytest.param(
            "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(f"b{n}: &b{n} [*a,*a,*a,*a,*a,*a,*a,*a]\n" for n in range(9)),
            "Aliases",
            id="billion-laughs",
        ),
        pytest.param("version: v1\nrules: [" + "*a," * 300_000 + "]", "Aliases", id="aliases"),
        pytest.param("version: v1\n" + "? " * 100_000, "nested", id="question-marks"),
        pytest.param("version: v1\nrules: [" + "1," * 500_000 + "]", "more than 200,000 values", id="entries"),
    ],
)
def test_bombs_are_refused_quickly(text, said):
    watch = Stopwatch()
    found = problems(text)
    assert watch.seconds < 10
    assert any(said in line for line in found), found[:3]
    assert len(found) < 250


def test_words_mean_what_they_say():
    text = (
        "version: v1\nrules:\n  - id: r\n    decision: deny\n    match: {any_tags: [no, on, 2026-01-01, 1:30, ~x]}\n"
        "    tier: null\n"
    )
    (item,) = read_files({"p": text}).items()
    assert item.value["match"]["any_tags"] == ["no", "on", "2026-01-01", "1:30", "~x"]
    assert item.value["tier"] is None
