"""`manage.py trust simulate`: a past, played without a database."""

import json
import os
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from tests.costs import Stopwatch

STREAMS = settings.BASE_DIR.parent / "shared" / "data" / "streams"
needs_streams = pytest.mark.skipif(not STREAMS.is_dir(), reason="the streams of real decisions are not here")


def row(seq: int, **more: Any) -> dict[str, Any]:
    return {"seq": seq, "agent": "a", "surface": "s", "action": "x", "confidence": 0.99, "correct": 1, **more}


def written(path: Path, rows: list[Any]) -> str:
    path.write_text("".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in rows))
    return str(path)


def simulate(path: str, *options: str) -> dict[str, Any]:
    out = StringIO()
    call_command("trust", "simulate", path, "--json", *options, stdout=out)
    agents: dict[str, Any] = json.loads(out.getvalue())["agents"]
    return agents


def test_every_agent_on_every_surface_has_its_figures(tmp_path: Path) -> None:
    rows = [row(number, surface="ab"[number % 2], correct=number % 10 != 0) for number in range(1, 101)]
    agents = simulate(written(tmp_path / "rows.jsonl", rows))
    assert list(agents) == ["a|a", "a|b"]
    assert (agents["a|b"]["decided"], agents["a|b"]["right"]) == (50, 50)
    assert (agents["a|a"]["right"], agents["a|a"]["recommended_at"]) == (40, [])
    assert agents["a|a"]["baseline"] is None


def test_a_good_agent_is_recommended_by_sequence_number_and_taken_back_when_it_fails(tmp_path: Path) -> None:
    rows = [row(number + 1_000, correct=number < 400) for number in range(450)]
    figures = simulate(written(tmp_path / "rows.jsonl", rows))["a|s"]
    assert figures["recommended_at"][0] > 1_050
    assert len(figures["demoted_at"]) == 1
    assert 1_400 < figures["demoted_at"][0] < 1_420


def test_a_new_version_of_the_model_inherits_nothing(tmp_path: Path) -> None:
    rows = [row(number, model="one" if number <= 120 else "two") for number in range(1, 221)]
    figures = simulate(written(tmp_path / "rows.jsonl", rows), "--lower", "0.9", "--least", "80")["a|s"]
    assert figures["recommended_at"] == [80, 200]


@needs_streams
def test_a_well_calibrated_stream_keeps_its_confidence() -> None:
    figures = simulate(str(STREAMS / "leads_consent.jsonl"))["lead-scorer|email"]
    assert figures["decided"] == 3_000
    assert figures["ece"] < 0.03


@needs_streams
def test_a_stream_right_one_time_in_five_is_never_recommended() -> None:
    figures = simulate(str(STREAMS / "hillstrom_email.jsonl"))["newsletter-picker|email"]
    assert figures["right"] / figures["decided"] < 0.25
    assert figures["recommended_at"] == []


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        pytest.param("{", "Line 2", id="no-json"),
        pytest.param("[1]", "a row has to be a JSON object", id="no-object"),
        pytest.param(row(2, confidence=1.1), "confidence has to be", id="confidence-above-one"),
        pytest.param(row(2, confidence=True), "confidence has to be", id="confidence-is-a-flag"),
        pytest.param(row(2, correct=2), "correct has to be 0 or 1", id="correct-is-two"),
        pytest.param(row(2, correct=None), "correct has to be 0 or 1", id="correct-is-missing"),
        pytest.param(row(2, outcome="yes"), "outcome has to be 0 or 1", id="outcome-is-a-word"),
        pytest.param(row(2, agent=""), "agent has to be", id="no-agent"),
        pytest.param({"agent": "a", "surface": "s"}, "seq has to be", id="no-number"),
        pytest.param(
            '{"seq": 2, "agent": "a", "surface": "s", "confidence": NaN, "correct": 1}', "confidence", id="nan"
        ),
    ],
)
def test_a_row_that_cannot_be_read_is_named(tmp_path: Path, wrong: Any, named: str) -> None:
    path = written(tmp_path / "rows.jsonl", [row(1), wrong])
    with pytest.raises(CommandError, match=f"Line 2.*{named}|{named}.*"):
        simulate(path)


@pytest.mark.parametrize("options", [("--lower", "1"), ("--lower", "x"), ("--least", "0"), ("--alpha", "0")])
def test_a_criterion_that_makes_no_sense_is_refused(tmp_path: Path, options: tuple[str, str]) -> None:
    with pytest.raises(CommandError, match=options[0]):
        simulate(written(tmp_path / "rows.jsonl", [row(1)]), *options)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        simulate(str(tmp_path / "nothing.jsonl"))


def test_it_runs_in_a_checkout_without_settings_and_in_words(tmp_path: Path) -> None:
    path = written(tmp_path / "rows.jsonl", [row(number) for number in range(1, 200)])
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "manage.py", "trust", "simulate", path],
        cwd=settings.BASE_DIR, env=kept, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "a|s: right 199 of 199" in done.stdout


def test_half_a_million_rows_take_less_than_a_minute(tmp_path: Path) -> None:
    rows = (
        json.dumps(row(number, agent=f"agent-{number % 2_000}", correct=int(number % 37 != 0)))
        for number in range(500_000)
    )
    (tmp_path / "rows.jsonl").write_text("\n".join(rows))
    watch = Stopwatch(time.process_time)
    agents = simulate(str(tmp_path / "rows.jsonl"))
    assert watch.seconds < 60
    assert len(agents) == 2_000
