"""`docs/extending.md` leads where it says: its paths exist, and its names stand in the files beside them."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "extending.md").read_text()
LISTS = dict(part.split("\n", 1) for part in TEXT.split("\n## ")[1:])
LINK = re.compile(r"\[[^\]]+\]\(([^)#]+)\)")
PATTERN = re.compile(r"`((?:approvals|policies|hitlportal|audit|templates|docs|tests)/[^`]*)`")
NAMED = re.compile(r"\]\(([^)]+\.py)\)[^`\[\n]*`(\w+)`")
STEPS = {
    "A channel": 3,
    "A card": 2,
    "A field of a proposal": 5,
    "A verdict": 2,
    "How a limit counts": 3,
    "A kind of ledger entry": 3,
    "A column of a policy table": 5,
    "A connector kind": 4,
    "A timer": 3,
}


def target(link: str) -> Path:
    return (ROOT / "docs" / link).resolve()


def test_no_list_is_longer_than_it_was_without_a_reason() -> None:
    assert {name: len(re.findall(r"^\d+\. ", text, re.MULTILINE)) for name, text in LISTS.items()} == STEPS


@pytest.mark.parametrize("name", STEPS)
def test_every_link_of_a_list_leads_somewhere(name: str) -> None:
    links = LINK.findall(LISTS[name])
    assert links
    assert [link for link in links if not target(link).is_file()] == []


@pytest.mark.parametrize("name", STEPS)
def test_every_pattern_of_a_list_has_an_example(name: str) -> None:
    patterns = [re.sub(r"<\w+>", "*", path) for path in PATTERN.findall(LISTS[name])]
    assert [path for path in patterns if not list(ROOT.glob(path))] == []


@pytest.mark.parametrize("name", STEPS)
def test_every_name_stands_in_the_file_beside_it(name: str) -> None:
    missing = [
        (link, word)
        for link, word in NAMED.findall(LISTS[name])
        if not re.search(rf"\b{word}\b", target(link).read_text())
    ]
    assert missing == []


@pytest.mark.parametrize("name", STEPS)
def test_every_list_names_the_test_that_holds_it(name: str) -> None:
    held = LISTS[name].partition("Held by ")[2]
    assert LINK.findall(held)[0].startswith("../tests/")
