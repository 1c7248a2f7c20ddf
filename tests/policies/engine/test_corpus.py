"""The same version and facts give the same verdict to the byte: in this process, in another, in a year."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.policies.corpus import cases

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("seed", ["0", "1", "4242"])
def test_recorded_verdicts_come_out_the_same_in_another_process(seed):
    ran = subprocess.run(
        [sys.executable, "-m", "tests.policies.corpus.cases"],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": seed, "TZ": "Pacific/Auckland", "LC_ALL": "C", "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.startswith("500 cases, 0 differ")


def test_the_corpus_covers_what_verdicts_are_made_of():
    recorded = cases.cases()
    compiled = cases.policies()
    verdicts = [cases.evaluate(compiled[case["policy"]], cases.facts_of(case["facts"])) for case in recorded]
    sources = Counter(reason.source for verdict in verdicts for reason in verdict.reasons if reason.is_deciding)
    assert len(recorded) == 500
    assert {"surface", "agent", "mandate", "rule", "floor", "confidence", "limit", "conflict", "guardrail"} <= {
        *sources
    }
    assert min(Counter(verdict.outcome for verdict in verdicts).values()) > 30
    assert any(verdict.requirements for verdict in verdicts)
    assert cases.CASES.stat().st_size + cases.POLICIES.stat().st_size < 1_000_000


def test_a_changed_verdict_is_noticed(monkeypatch):
    changed = cases.cases()
    changed[7]["facts"]["agent_is_active"] = not changed[7]["facts"]["agent_is_active"]
    monkeypatch.setattr(cases, "cases", lambda: changed)
    assert cases.differences() == [7]
