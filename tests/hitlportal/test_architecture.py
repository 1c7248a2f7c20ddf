"""Walls of the house that import-linter cannot see."""

import ast
import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent.parent
PURE = [
    "approvals/people/tally.py",
    "audit/canonical.py",
    "audit/merkle.py",
    "audit/notes.py",
    "policies/rules/conditions.py",
    "policies/engine/evaluation.py",
    "policies/engine/simulation.py",
    "policies/facts/stored_facts.py",
    "policies/engine/simulation_figures.py",
    "policies/trust.py",
    *(str(path.relative_to(CHECKOUT)) for path in sorted((CHECKOUT / "policies" / "guardrails").glob("*.py"))),
]
CLOCKS = {"now", "utcnow", "today", "monotonic", "perf_counter", "time_ns"}


@pytest.mark.parametrize("module", [path for path in PURE if (CHECKOUT / path).exists()])
def test_what_decides_asks_no_clock(module):
    tree = ast.parse((CHECKOUT / module).read_text())
    asked = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr in CLOCKS}
    assert not asked


def test_only_one_module_reads_the_environment():
    readers = set()
    for app in ("hitlportal", "approvals", "policies", "audit"):
        for path in (CHECKOUT / app).rglob("*.py"):
            text = path.read_text()
            if "os.environ[" in text or "os.environ.get(" in text or "os.getenv(" in text:
                readers.add(str(path.relative_to(CHECKOUT)))
    assert readers == set()


def test_every_style_sheet_closes_what_it_opens():
    """What is left open swallows the rules behind it, and no browser complains."""
    sheets = sorted(CHECKOUT.glob("*/static/*/*.css"))
    assert len(sheets) > 5
    for sheet in sheets:
        depth = 0
        for line in re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL).splitlines():
            assert not (depth and line.startswith("@")), f"{sheet.name}: something is open before {line}"
            depth += line.count("{") - line.count("}")
        assert depth == 0, sheet.name
