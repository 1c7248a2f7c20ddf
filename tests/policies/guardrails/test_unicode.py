import pytest

from tests.policies.guardrails.finding import find, marks

FLAG_OF_SCOTLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pay\u200bpal", ["\u200b"]),
        ("a\u202egnp.exe", ["\u202e"]),
        ("x\u2066y\u2069", ["\u2066", "\u2069"]),
        ("hi\U000e0068\U000e0069", ["\U000e0068\U000e0069"]),
        ("a\u00ad\u00adb", ["\u00ad\u00ad"]),
        ("p\u00ada\u00ady", ["\u00ad", "\u00ad"]),
        ("a\ufe0f", ["\ufe0f"]),
        ("😀\ufe0f\ufe0f", ["\ufe0f\ufe0f"]),
        ("😀\U000e0101\U000e0142", ["\U000e0101\U000e0142"]),
        ("a\u200db", ["\u200d"]),
        ("a\u200eb", ["\u200e"]),
        ("a\u2060b", ["\u2060"]),
        ("a\u3164b", ["\u3164"]),
        ("a\0b\x1b", ["\0", "\x1b"]),
        ("x\ufeffy", ["\ufeff"]),
        ("مرحبا\u202eabc", ["\u202e"]),
        ("a&#8203;b", ["&#8203;"]),
        ("&#x202e;abc", ["&#x202e;"]),
        ("😀\u200d\u200d😀", ["\u200d\u200d"]),
        (FLAG_OF_SCOTLAND + "\U000e0041", [FLAG_OF_SCOTLAND[1:] + "\U000e0041"]),
    ],
)
def test_hidden_characters_are_marked(text, expected):
    assert marks("hidden_unicode", text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "plain\ttext\r\n",
        "👩\u200d👩\u200d👧\u200d👦 ❤\ufe0f",
        "🏳\ufe0f\u200d🌈",
        "👩🏽\u200d💻",
        "1\ufe0f\u20e3",
        FLAG_OF_SCOTLAND,
        "می\u200cخواهم",
        "क्\u200dष",
        "ශ්\u200dරී",
        "Donau\u00addampf\u00adschiff",
        "ภาษา\u200bไทย",
        "שלום\u200f (abc)\u200e",
        "مرحبا \u2067abc\u2069",
        "葛\U000e0100",
        "\ufeffdocument",
        "&zwnj;&nbsp;&zwnj;&nbsp;",
        "&shy;",
        "naïve café",
        "日本語、中文。",
    ],
)
def test_what_a_script_or_an_emoji_needs_passes(text):
    assert marks("hidden_unicode", text) == []


def test_hidden_characters_are_written_out_in_the_quotation():
    (finding,) = find("hidden_unicode", ["pay\u200bpal"])
    assert finding.excerpt == "pay⟨U+200B⟩pal"


@pytest.mark.parametrize("word", ["pаypal", "Αmazon", "gооgle", "Mосква", "miсrosoft", "ԝiki", "Ꭺpple"])
def test_words_of_mixed_scripts_are_found(word):
    assert marks("confusables", f"Ask {word} now") == [word]


@pytest.mark.parametrize(
    "text",
    [
        "Дорогой друг",
        "Αγαπητέ φίλε",
        "亲爱的 friend",
        "日本語とEnglishのテキスト",
        "한국어 English",
        "10 μs, 5 kΩ, Δt",
        "naïve Œuvre",
        "Iphone и Android",
        "T恤衫",
        "עברית English",
        "Tiếng Việt",
        "Հայերեն text",
        "Zażółć gęślą jaźń",
        "ﬁne ＡＢＣ",
    ],
)
def test_texts_of_one_script_are_no_finding(text):
    assert marks("confusables", text) == []


def test_protected_names_are_found_in_one_foreign_script_too():
    config = {"protected_words": ["paypal", "scope", "coca"]}
    assert marks("confusables", "Visit ѕсоре or соса, not paypal, сода", config) == ["ѕсоре", "соса"]
    palochka = "раура\N{CYRILLIC SMALL LETTER PALOCHKA}"
    assert marks("confusables", f"Visit {palochka} or {palochka.upper()}", config) == [palochka, palochka.upper()]


def test_words_may_be_allowed():
    assert marks("confusables", "TNFα und SMSка", {"allowed_words": ["TNFα", "SMSка"]}) == []
