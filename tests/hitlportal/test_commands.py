"""Every management command is tested, and the small ones are tested here."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.conf import settings
from django.core.management import CommandError, call_command

from approvals.shipping import grants

APPS = ("hitlportal", "approvals", "policies", "audit")
COMMANDS = sorted(
    path for app in APPS for path in (settings.BASE_DIR / app).glob("management/commands/*.py") if path.stem[0] != "_"
)


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: path.stem)
def test_no_command_is_without_a_test(path: Path):
    tests = [test.read_text() for test in (settings.BASE_DIR / "tests").rglob("test_*.py")]
    called = (f'call_command("{path.stem}"', f'manage.py", "{path.stem}"', f'"{path.stem}",')
    assert any(call in text for text in tests for call in called)


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: path.stem)
def test_every_command_says_what_it_does(path: Path):
    app = path.parts[-4]
    command = import_module(f"{app}.management.commands.{path.stem}").Command
    assert str(command.help).endswith(".")


def manage(tmp_path, *words, **env):
    """Run a command where nothing is set up, or something is set up wrongly."""
    bare = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, str(settings.BASE_DIR / "manage.py"), *words], check=False, capture_output=True, text=True,
        env={**bare, "VAR_DIR": str(tmp_path / "var"), **env}, cwd=tmp_path, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(["demo", "--help"], "--check", id="demo"),
        pytest.param(["help", "serve"], "--held", id="help-serve"),
        pytest.param(["kill_switch", "engage", "-h"], "--reason", id="of-a-subcommand"),
        pytest.param(["help"], "kill_switch", id="list"),
    ],
)
def test_help_needs_no_settings_and_leaves_nothing_behind(tmp_path, words, told):
    ran = manage(tmp_path, *words, SITE_URL="nonsense", OIDC_ISSUER="half")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert told in ran.stdout
    assert not (tmp_path / "var").exists()


def test_the_key_that_the_settings_lack_can_be_made_without_them(tmp_path):
    ran = manage(tmp_path, "make_signing_key")
    assert ran.returncode == 0
    assert load_pem_private_key(ran.stdout.encode(), None)


def test_a_command_that_does_something_is_told_what_is_missing(tmp_path):
    ran = manage(tmp_path, "check_invariants")
    assert ran.returncode == 1
    assert "SECRET_KEY is missing" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_make_signing_key_prints_a_key_that_signs_under_the_kid_it_names(capsys, settings):
    call_command("make_signing_key")
    printed = capsys.readouterr()
    assert load_pem_private_key(printed.out.encode(), None)
    settings.GRANT_SIGNING_KEY = printed.out
    assert f"kid {grants.public_keys()['keys'][0]['kid']}\n" in printed.err


@pytest.mark.django_db
def test_bootstrap_wants_a_migrated_database(monkeypatch):
    monkeypatch.setattr(
        "approvals.management.commands.bootstrap.MigrationExecutor.migration_plan", lambda *_: ["something"]
    )
    with pytest.raises(CommandError, match="migrate first"):
        call_command("bootstrap")
