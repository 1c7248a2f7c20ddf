"""What docs/policy.md teaches is true: its facts are the facts, and its examples work."""

import re
from itertools import product
from pathlib import Path

import pytest

from policies.facts.vocabulary import FACTS, Given
from policies.policy_files import Known, check, read_files
from policies.rules.conditions import BoundFacts, compile_condition
from tests.policies.made_policies import facts

DOCS = Path(__file__).resolve().parents[3] / "docs"
TEXT = (DOCS / "policy.md").read_text(encoding="utf-8")
PEOPLE = (DOCS / "people.md").read_text(encoding="utf-8")
EVALUATION = (DOCS.parent / "policies" / "engine" / "evaluation.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FACTS)
def test_every_fact_is_explained_as_it_is(name):
    fact = FACTS[name]
    row = f"| `{name}` | {fact.kind} | {fact.help} | `{fact.example}` |".replace("||", "\\|\\|")
    assert row in TEXT


def test_every_source_of_reasons_is_explained():
    sources = {"rule", *re.findall(r'(?:weighed|only_told|_struck|_deny)\(\s*"(\w+)"', EVALUATION)}
    assert {"kill_switch", "review", "rule", "limit"} <= sources
    assert sources <= set(re.findall(r"^\| `(\w+)` \|", TEXT.partition("For reviewers")[2], re.MULTILINE))


@pytest.mark.parametrize("example", re.findall(r"```yaml\n(.*?)```", TEXT + PEOPLE, re.DOTALL))
def test_the_yaml_can_be_used(example):
    assert check(read_files({"docs/policy.md": example}), Known()) == []


TAUGHT = {
    row.replace("\\|", "|"): decision
    for row, decision in re.findall(r"^\| [^|]+ \| `(.+)` \| (require approval|allow|deny) \|$", TEXT, re.MULTILINE)
}
"""The documented conditions, and what follows from each."""


@pytest.mark.parametrize("text", [text for text in TAUGHT if "amount" in text or "price" in text])
def test_no_documented_condition_is_passed_by_a_sign(text):
    for amount, price, before in product((900, -900), (25, -25), (20, -20)):
        about = facts(amount=amount, payload={"price": price}, before={"price": before})
        condition = compile_condition(text)
        holds = condition.holds(BoundFacts(Given(about, {"weekly_budget": 1000}), condition.facts))
        assert holds is (TAUGHT[text] != "allow"), (amount, price, before)


def test_the_conditions_can_be_used():
    rows = re.findall(r"^\| [^|]+ \| `(.+)` \| (?:require approval|allow|deny) \|$", TEXT, re.MULTILINE)
    assert len(rows) == 7
    for row in rows:
        compile_condition(row.replace("\\|", "|"))
