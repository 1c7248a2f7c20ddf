"""docs/operations.md names the log lines, time limits, metrics and ledger entries that there are."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.conf import settings

from approvals.figures import lag
from hitlportal.celery import app
from hitlportal.environment.schedule import SWEEPS

TEXT = (settings.BASE_DIR / "docs" / "operations.md").read_text(encoding="utf-8")
LINES = re.findall(r"^\| `([a-z_.]+): ([^`]+)` \|", TEXT, re.MULTILINE)


def section(title: str) -> str:
    return TEXT.split(f"\n## {title}\n")[1].split("\n## ")[0]


def source(module: str) -> str:
    spec = find_spec(module)
    assert spec is not None, f"there is no {module}"
    assert spec.origin is not None
    return Path(spec.origin).read_text(encoding="utf-8")


@pytest.mark.parametrize(("logger", "line"), LINES)
def test_each_line_worth_an_alarm_is_logged_there(logger, line):
    words = max((part.strip() for part in line.split("…")), key=len)
    assert words.rstrip(".") in source(logger)


def test_there_are_lines_worth_an_alarm():
    assert len(LINES) >= 6


def test_every_task_has_the_limits_that_are_listed():
    rows = re.findall(r"^\| (`[^|]+) \| ([\d,]+) s \| ([\d,]+) s \|$", section("Time limits"), re.MULTILINE)
    listed = {
        name: (int(soft.replace(",", "")), int(hard.replace(",", "")))
        for names, soft, hard in rows
        for name in re.findall(r"`(\w+)`", names)
    }
    assert listed == {sweep.task.rpartition(".")[2]: sweep.limits for sweep in SWEEPS}
    (other,) = re.findall(r"^\| any other \| (\d+) s \| (\d+) s \|$", section("Time limits"), re.MULTILINE)
    assert other == (str(app.conf.task_soft_time_limit), str(app.conf.task_time_limit))


def test_every_kind_of_due_work_is_listed():
    (row,) = re.findall(r"^\| `hitl_due_oldest_seconds\{kind\}` \| (.+) \|$", TEXT, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", row)) == lag.known_kinds()


def test_every_entry_about_signing_in_is_written_somewhere():
    kinds = set(re.findall(r"`(user\.\w+)`", section("Logs")))
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for app in ("hitlportal", "policies", "approvals")
        for path in (settings.BASE_DIR / app).rglob("*.py")
    )
    assert {kind for kind in kinds if f'"{kind}"' not in code} == set()
